"""The workspace in the application: its scene, its views, its event loop, and the worker as a child of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from dualssl.worker.client import WorkerClient
from DualSSLSegmentationLib.application.qtRunner import QtRunner
from DualSSLSegmentationLib.application.qtTimers import soon
from DualSSLSegmentationLib.application.qtWorker import QtWorkerTransport
from DualSSLSegmentationLib.compat import homeFolder
from DualSSLSegmentationLib.display.views import Views
from DualSSLSegmentationLib.enginePath import shippedModels
from DualSSLSegmentationLib.setup.diagnostics import RecentLog
from DualSSLSegmentationLib.setup.engineHost import EngineHost
from DualSSLSegmentationLib.workspace import Places, Workspace

if TYPE_CHECKING:
    from DualSSLSegmentationLib.panels.correctPanel import CorrectPanel

INTERPRETER_KEY = "DualSSLSegmentation/Interpreter"


class QtWorkspace:
    """The workspace, and what of the application it stands on.

    Args:
        home: the person's own folder; by default beside the application's settings.
        shipped: folder of models that come with the extension; by default that of the extension.

    Attributes:
        workspace: what the panels drive.
        host: which interpreter runs the engine.
        log: the last lines of the module, the engine and the worker.
    """

    def __init__(self, home: Path | None = None, shipped: Path | None = None) -> None:
        place = homeFolder() if home is None else home
        self._runner = QtRunner()
        self._editor: CorrectPanel | None = None
        self._transports: list[QtWorkerTransport] = []
        chosen = qt.QSettings().value(INTERPRETER_KEY)
        self.host = EngineHost(place, self._runner, Path(str(chosen)) if chosen else None)
        self.log = RecentLog()
        self.log.attach()
        self.workspace = Workspace(
            slicer.mrmlScene,
            WorkerClient(self._transport, self.log.add),
            soon,
            Views(_sliceNodes, _compositeNodes, self._editorNode, self._saveStateForUndo),
            Places(shippedModels() if shipped is None else shipped, place),
        )

    def chooseInterpreter(self, program: Path | None) -> None:
        """Run the engine elsewhere; the present worker ends, and whatever it was doing."""
        qt.QSettings().setValue(INTERPRETER_KEY, "" if program is None else str(program))
        self.host.choose(program)
        self.workspace.setClient(WorkerClient(self._transport, self.log.add))

    def setEditor(self, editor: CorrectPanel) -> None:
        """Tell which panel edits, once there is one."""
        self._editor = editor

    def close(self) -> None:
        """End everything with the module."""
        self.workspace.close()
        self._runner.close()
        transports, self._transports = self._transports, []
        for transport in transports:
            transport.leave()
        self.log.detach()

    def _transport(self) -> QtWorkerTransport:
        command, environment = self.host.workerCommand()
        made = QtWorkerTransport(command, environment, self.log.add)
        self._transports = [*(one for one in self._transports if not one.ended), made]
        return made

    def _editorNode(self) -> Any | None:
        return None if self._editor is None else self._editor.editorNode

    def _saveStateForUndo(self, segmentationNode: Any) -> None:
        if self._editor is not None:
            self._editor.saveStateForUndo(segmentationNode)


def _sliceNodes() -> list[Any]:
    manager = slicer.app.layoutManager()
    return [] if manager is None else [manager.sliceWidget(name).mrmlSliceNode() for name in manager.sliceViewNames()]


def _compositeNodes() -> list[Any]:
    manager = slicer.app.layoutManager()
    if manager is None:
        return []
    return [manager.sliceWidget(name).sliceLogic().GetSliceCompositeNode() for name in manager.sliceViewNames()]
