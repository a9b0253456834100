"""The application in the browser: one scene, one person."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trame_slicer.module
from trame_slicer.rca_view import register_rca_factories

from dualssl.errors import DualSSLError
from dualssl_web.drawing_order import DrawingOrder
from dualssl_web.opening import open_volume
from dualssl_web.page import build_page, serve_assets
from dualssl_web.panels.bench import Bench
from dualssl_web.panels.case import CasePanel
from dualssl_web.panels.correct import CorrectPanel
from dualssl_web.panels.fine_tune import FineTunePanel
from dualssl_web.panels.handover import HandoverPanel
from dualssl_web.panels.jobs import Jobs
from dualssl_web.panels.models import ModelsPanel
from dualssl_web.panels.overlay import OverlayPanel
from dualssl_web.panels.review import ReviewPanel
from dualssl_web.panels.segment import SegmentPanel
from dualssl_web.panels.worklist import WorklistPanel
from dualssl_web.sample import make_sample, model_for_sample
from dualssl_web.slicer_scene import SlicerScene, make_layouts
from dualssl_web.view_controls import slice_view_controls, surface_view_controls
from dualssl_web.web_workspace import WebWorkspace

if TYPE_CHECKING:
    from dualssl_web.panels.bench import Panel
    from dualssl_web.settings import Settings

_log = logging.getLogger(__name__)


class WebApp:
    """Everything of a server but the door: scene, workspace, panels and page.

    To be made where an event loop runs, and at most once a process.

    Args:
        server: of trame.
        settings: of the command line.
        scene: whose views come from elsewhere; None makes one with views that the page shows.

    Attributes:
        bench: shared by the panels.
        page: what is served.
    """

    def __init__(self, server: Any, settings: Settings, scene: SlicerScene | None = None) -> None:
        self._settings = settings
        self._open = True
        self._sample_model = ""
        server.enable_module(trame_slicer.module)
        serve_assets(server)
        if scene is None:
            scene = SlicerScene()
        # A view that the mouse is not in is drawn as often: sliders beside the views change what it shows.
        register_rca_factories(scene.app.view_manager, server, slice_view_controls, surface_view_controls, blur_fps=30.0)
        self._layouts = make_layouts(scene, server)
        self.bench = Bench(server, WebWorkspace(scene, settings))
        self._drawing = DrawingOrder(self.bench.web.loop, scene.views())
        self._jobs = Jobs(self.bench)
        self._case = CasePanel(self.bench, self._open_sample)
        self._segment = SegmentPanel(self.bench)
        self._panels = self._other_panels()
        self.bench.choices.bind_changes({self.bench.choices.name.layout: self._layouts.set_layout})
        self.bench.onShow.add(self._jobs.show)
        self.bench.onShow.add(self._show_top)
        self._show_top()
        self.page = build_page(server, self.bench.choices, self._panels, self._jobs, self._layouts)

    def _other_panels(self) -> tuple[Panel, ...]:
        bench, segment = self.bench, self._segment
        overlay, review, correct = OverlayPanel(bench), ReviewPanel(bench), CorrectPanel(bench)
        handover = HandoverPanel(bench)
        self._worklist = WorklistPanel(bench, segment.model, self._open_case)
        fine_tune = FineTunePanel(bench, segment.model)
        self._models = ModelsPanel(bench)
        return (self._case, segment, overlay, review, correct, handover, self._worklist, fine_tune, self._models)

    @property
    def uploads(self) -> WebApp:
        """Who takes what a person uploads."""
        return self

    async def open(self) -> None:
        """Look for models, and open the volume that was named, or the sample case."""
        await self.bench.web.models.look()
        self.bench.changed()
        self._worklist.look()
        self._models.look()
        if self._settings.volume is None:
            await self._load_sample()
        else:
            await self._load(self._settings.volume, self._settings.volume.name)
        self._segment.look_for_devices()

    async def received(self, path: Path, name: str) -> str:
        """Open a file that was uploaded.

        Args:
            path: where it lies now.
            name: that it had on the person's computer.

        Returns:
            Nothing: what is wrong with it is raised.

        Raises:
            DualSSLError: it is no volume.
        """
        self._opening(f"Opening {name}")
        try:
            self._use(await open_volume(self.bench.workspace.scene, path, (path if path.is_dir() else path.parent,)))
        finally:
            self._opening("")
        return ""

    def close(self) -> None:
        """End everything. A second call does nothing."""
        if not self._open:
            return
        self._open = False
        for panel in (*reversed(self._panels), self._jobs):
            panel.close()
        self.bench.close()
        self._drawing.close()
        self.bench.web.close()

    def _open_sample(self) -> None:
        self.bench.run(self._load_sample())

    async def _load_sample(self) -> None:
        self._opening("Making the sample case")
        try:
            path = await make_sample(self._settings.home)
        except DualSSLError as error:
            self._opening("")
            self.bench.alert("case", str(error))
            return
        if await self._load(path, "the sample case") and self._settings.model is None:
            models = self.bench.web.models
            found = model_for_sample(models.choices, models.chosen(self.bench.chosen.model))
            self._sample_model = self.bench.chosen.model = "" if found is None else found.id
            self.bench.changed()

    async def _open_case(self, path: Path, library: Path, name: str, segment: bool) -> None:
        if await self._load(path, name, library, name) and segment:
            self._segment.segment()

    async def _load(self, path: Path, what: str, root: Path | None = None, name: str = "") -> bool:
        """Open a volume of the server's disk from below a root, by default the folder that it is in; whether it was opened."""
        self._opening(f"Opening {what}")
        roots = (root or (path if path.is_dir() else path.parent),)
        try:
            node = await open_volume(self.bench.workspace.scene, path, roots)
        except DualSSLError as error:
            self.bench.alert("case", str(error))
            return False
        else:
            if name:
                node.SetName(name)
            self._use(node)
            return True
        finally:
            self._opening("")

    def _use(self, node: Any) -> None:
        if self._sample_model and self.bench.chosen.model == self._sample_model:
            # What was chosen for the sample case was not chosen by a person.
            self.bench.chosen.model = ""
        self._sample_model = ""
        self.bench.say("case", "")
        self._case.use_volume(node)

    def _opening(self, text: str) -> None:
        self.bench.put("busy_opening", text)
        self.bench.changed()

    def _show_top(self) -> None:
        session = self.bench.workspace.session
        image = self._segment.image
        name = "" if image is None else image.GetName()
        self.bench.put("top_state", name if session is None else session.case.node.GetName())
