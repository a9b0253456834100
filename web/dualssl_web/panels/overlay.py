"""Show where the result is ambiguous and where the networks are in conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v

from dualssl_web.choices import overlay_state
from dualssl_web.panels import widgets
from DualSSLSegmentationLib.display.uncertaintyDisplay import UncertaintyDisplay
from DualSSLSegmentationLib.presentation.overlayView import THRESHOLD_RANGES, modeNamed, overlayView

if TYPE_CHECKING:
    from collections.abc import Callable

    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.review.caseSession import CaseSession


class OverlayPanel:
    """Its controls act while they are moved.

    Args:
        bench: shared by the panels.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._display = UncertaintyDisplay(
            bench.web.scene.composite_nodes, lambda text: bench.alert("review", text), bench.web.soon
        )
        name = bench.choices.name
        shown = (name.overlay, name.opacity, name.entropy_threshold, name.kl_threshold, name.surface)
        bench.choices.bind_changes(dict.fromkeys(shown, self._chosen))
        self._stop_edits: Callable[[], None] | None = None
        self._display.show(None, overlay_state(bench.chosen), bench.chosen.surface)
        self._stops = [bench.onShow.add(self.show), bench.workspace.onCase.add(self._case_opened)]
        self.show()

    def build(self) -> None:
        """Its section."""
        name = self._bench.choices.name
        with widgets.section("overlay", "Uncertainty", "mdi-blur"):
            with (
                widgets.hinted("overlay_view.modes[0].offer"),
                v.VBtnToggle(
                    v_model=(name.overlay,),
                    mandatory=True,
                    disabled=("!overlay_view.modes[0].offer.enabled",),
                    density="compact",
                    variant="outlined",
                    divided=True,
                    classes="mode-toggle",
                    raw_attrs=['role="group"', 'aria-label="What lies over the image"'],
                ),
                v.VBtn(
                    v_for="mode in overlay_view.modes",
                    key="mode.mode",
                    value=("mode.mode",),
                    raw_attrs=[":id=\"'overlay-' + mode.mode\""],
                ),
            ):
                html.Span("{{ mode.text }}")
                v.VTooltip(text=("mode.offer.hint",), activator="parent", location="bottom", max_width=320, open_delay=300)
            widgets.slider("opacity", "Opacity", name.opacity, 1.0, "overlay_view.opacity")
            for kind, text, model in (
                ("entropy", "Ambiguous from", name.entropy_threshold),
                ("kl", "Conflict from", name.kl_threshold),
            ):
                widgets.slider(f"{kind}-threshold", text, model, THRESHOLD_RANGES[kind][1], f"overlay_view.thresholds.{kind}")
            widgets.check_box("surface", "Colour the surface in 3D", name.surface, "overlay_view.surface")

    def show(self) -> None:
        """Push what there is to see."""
        session = self._bench.workspace.session
        self._bench.put("overlay_view", overlayView(session is not None, modeNamed(self._bench.chosen.overlay)))

    def close(self) -> None:
        """Listen no more; nothing of it stays in the scene."""
        for stop in self._stops:
            stop()
        if self._stop_edits is not None:
            self._stop_edits()
        self._display.close()

    def _chosen(self, *_value: object) -> None:
        session = self._bench.workspace.session
        case = None if session is None else session.case
        self._display.show(case, overlay_state(self._bench.chosen), bool(self._bench.chosen.surface))
        self._bench.web.scene.draw_slices()
        self._bench.changed()

    def _case_opened(self, session: CaseSession | None) -> None:
        if self._stop_edits is not None:
            self._stop_edits()
        self._stop_edits = None if session is None else session.onEdits.add(lambda _edits: self._display.edited())
        self._display.caseChanged(None if session is None else session.case)
