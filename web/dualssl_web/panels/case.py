"""Which volume is worked on, and which segmentation of it; volumes come in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v

from dualssl_web.choices import OPEN_WITH_A_CASE
from dualssl_web.panels import widgets
from DualSSLSegmentationLib.presentation.caseView import caseView
from DualSSLSegmentationLib.scene.caseWatch import casesIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.review.caseSession import CaseSession


class CasePanel:
    """Volumes that were opened and cases that were made of them.

    Args:
        bench: shared by the panels.
        sample: opens the sample case.
    """

    def __init__(self, bench: Bench, sample: Callable[[], None]) -> None:
        self._bench = bench
        self._sample = sample
        self._seen = False
        bench.put("busy_opening", "")
        bench.put("upload", None)
        self._stops = [bench.onShow.add(self.show), bench.workspace.onCase.add(self._case_opened)]
        name = bench.choices.name
        bench.choices.bind_changes(
            {name.volume: self._volume_chosen, name.segmentation: bench.guarded("case", self._case_chosen)}
        )
        bench.server.state.change("upload")(self._upload_told)
        self.show()

    def build(self) -> None:
        """Its section."""
        name, server = self._bench.choices.name, self._bench.server
        with widgets.section("case", "Case", "mdi-folder-open-outline"):
            with widgets.hinted("case_view.chooseVolume"):
                widgets.select("volume", "Volume", name.volume, "case_view.volumes", "!case_view.chooseVolume.enabled")
            widgets.note("case_view.about", "volume-facts", "quiet")
            with widgets.hinted("case_view.chooseCase"):
                widgets.select("case", "Segmentation", name.segmentation, "case_view.cases", "!case_view.chooseCase.enabled")
            with widgets.row():
                widgets.button(
                    server,
                    "upload-button",
                    "Open a file",
                    "case_view.upload",
                    self._nothing,
                    icon="mdi-tray-arrow-up",
                )
                widgets.button(
                    server, "sample-button", "Sample case", "case_view.sample", self._sample, icon="mdi-flask-outline"
                )
            html.Input(
                type="file",
                id="upload-file",
                classes="hidden-input",
                multiple=True,
                raw_attrs=['tabindex="-1"', 'aria-label="File to open"'],
            )
            v.VProgressLinear(
                v_if=("!!busy_opening || !!upload",),
                id="open-bar",
                indeterminate=("!!busy_opening || !upload || upload.fraction === 1",),
                model_value=("100 * (upload?.fraction ?? 0)",),
                height=6,
                rounded=True,
                color="primary",
                raw_attrs=['aria-label="Opening"'],
            )
            widgets.note("busy_opening || (upload ? 'Sending ' + upload.name : said.case)", "case-status")

    def show(self) -> None:
        """Push what there is to see."""
        bench = self._bench
        workspace = bench.workspace
        view = caseView(bench.web.scene.volumes(), casesIn(workspace.scene), bench.chosen.volume, workspace.busy("segment"))
        bench.put("case_view", view)

    def use_volume(self, node: Any) -> None:
        """Work on a volume that has just come; an earlier case of another volume is put away."""
        self._bench.chosen.volume = node.GetID()
        self._volume_chosen(node.GetID())

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()

    def _volume_chosen(self, identity: str) -> None:
        workspace = self._bench.workspace
        image = workspace.scene.GetNodeByID(identity) if identity else None
        session = workspace.session
        if session is None or session.case.image is not image:
            cases = workspace.casesOf(image)
            workspace.openCase(cases[-1].node if cases else None)
        self._bench.web.scene.show_image(image)
        self._bench.changed()

    def _case_chosen(self, identity: str) -> None:
        workspace = self._bench.workspace
        node = workspace.scene.GetNodeByID(identity) if identity else None
        session = workspace.openCase(node)
        if session is not None and session.case.image.GetID() != self._bench.chosen.volume:
            self.use_volume(session.case.image)

    def _upload_told(self, upload: Any = None, **_state: Any) -> None:
        """The page tells how far it is with sending a file, and why the server refused it."""
        problem = upload.get("problem") if isinstance(upload, dict) else None
        if problem:
            self._bench.put("upload", None)
            self._bench.alert("case", str(problem))

    def _case_opened(self, session: CaseSession | None) -> None:
        chosen = self._bench.chosen
        for case in casesIn(self._bench.workspace.scene):
            # A server has no other place where a person could hide one.
            case.node.GetDisplayNode().SetVisibility(session is not None and case.node is session.case.node)
        chosen.segmentation = "" if session is None else session.case.node.GetID()
        if session is not None and not self._seen:
            # Once: after that, what is folded and unfolded is the person's business.
            self._seen = True
            chosen.open_parts = [*chosen.open_parts, *(part for part in OPEN_WITH_A_CASE if part not in chosen.open_parts)]
        self._bench.changed()

    def _nothing(self) -> None:
        """The page itself opens its dialog for files: no other than a person's own click may do that."""
