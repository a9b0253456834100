"""The workspace on a server: its scene, its views, its event loop, and the worker as a child of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from dualssl.worker.client import WorkerClient
from dualssl_web.engine_process import AsyncioTransport
from dualssl_web.sample import own_interpreter
from dualssl_web.undo import CaseUndoStack, StateCommand, display_kept
from DualSSLSegmentationLib.display.views import Views
from DualSSLSegmentationLib.enginePath import engineFolder, shippedModels
from DualSSLSegmentationLib.jobs.modelCatalogue import ModelChoice, defaultOf
from DualSSLSegmentationLib.review.regionMask import removeLeftovers
from DualSSLSegmentationLib.workspace import Places, Workspace

if TYPE_CHECKING:
    from dualssl_web.settings import Settings
    from dualssl_web.slicer_scene import SlicerScene

_log = logging.getLogger(__name__)


class WebWorkspace:
    """The workspace, and what of the server it stands on. To be made where the event loop runs.

    Args:
        scene: with its views made.
        settings: of the command line.

    Attributes:
        scene: as given.
        loop: that everything happens in.
        workspace: what the panels drive.
        models: on offer.
        undo: of the segment editor.
    """

    def __init__(self, scene: SlicerScene, settings: Settings) -> None:
        self.scene = scene
        self.loop = asyncio.get_running_loop()
        self.undo = CaseUndoStack(self._undoing)
        library = settings.library or settings.home / "cases"
        named = () if settings.model is None else (settings.model,)
        self.workspace = Workspace(
            scene.scene,
            WorkerClient(self._transport, _log.info),
            self.soon,
            Views(scene.slice_nodes, scene.composite_nodes, self._editor_node, self.save_state_for_undo),
            Places(shippedModels(), settings.home, library, named),
        )
        self.models = ModelShelf(self.workspace)

    def save_state_for_undo(self, segmentation_node: Any) -> None:
        """Keep a segmentation as it is now, for the editor's undo."""
        if self.scene.app.segmentation_editor.active_segmentation_node is segmentation_node:
            self.undo.push(StateCommand(segmentation_node))

    def soon(self, function: Callable[[], None]) -> None:
        """Call a function from the event loop, never at once."""
        self.loop.call_soon(function)

    def close(self) -> None:
        """End everything: no process, file or observer of it stays."""
        self.workspace.close()

    def _editor_node(self) -> Any:
        return self.scene.app.segmentation_editor.editor_node

    def _transport(self) -> AsyncioTransport:
        interpreter = own_interpreter()
        return AsyncioTransport(interpreter.workerArguments(), interpreter.environmentWith(engineFolder()), _log.info)

    @contextmanager
    def _undoing(self) -> Iterator[None]:
        """Around a step of undo: all segments go and come, but not the way they are shown, and not the editor's helper."""
        session = self.workspace.session
        node = self.scene.app.segmentation_editor.active_segmentation_node
        if node is None:
            yield
            return
        with ExitStack() as stack:
            if session is not None:
                stack.enter_context(session.maskSuspended())
            stack.enter_context(display_kept(node))
            stack.callback(removeLeftovers, node)
            yield


class ModelShelf:
    """The models on offer. They are looked up on the disk beside the event loop, which shows what it last heard.

    Args:
        workspace: whose catalogue it is.

    Attributes:
        choices: in the order of the catalogue.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.choices: tuple[ModelChoice, ...] = ()
        self._workspace = workspace

    async def look(self) -> None:
        """Look at the disk."""
        self.choices = await asyncio.to_thread(self._workspace.models.choices)

    def chosen(self, identity: str) -> ModelChoice | None:
        """The model with an id, or the one in use where there is none such."""
        named = next((choice for choice in self.choices if choice.id == identity), None)
        return named or defaultOf(self.choices)
