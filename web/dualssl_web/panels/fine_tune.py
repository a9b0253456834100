"""Continue training from the corrected cases, watch it, and decide about the new model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html

from dualssl_web.panels import widgets
from dualssl_web.panels.curves import curves_svg
from DualSSLSegmentationLib.presentation.curvePlot import curvePlot
from DualSSLSegmentationLib.presentation.fineTuneDesk import DEFAULT_ITERATIONS, ITERATION_RANGE, FineTuneDesk

if TYPE_CHECKING:
    from collections.abc import Callable

    from dualssl_web.panels.bench import Bench
    from DualSSLSegmentationLib.jobs.fineTuning import Curves
    from DualSSLSegmentationLib.jobs.modelCatalogue import ModelChoice


class FineTunePanel:
    """Start and Cancel are one button; the new model waits for a decision.

    Args:
        bench: shared by the panels.
        model: asked for the chosen model.
    """

    def __init__(self, bench: Bench, model: Callable[[], ModelChoice | None]) -> None:
        self._bench = bench
        self._model = model
        self._desk = FineTuneDesk(bench.workspace)
        self._desk.onChange.add(bench.changed)
        self._curves: Curves | None = None
        self._stops = [bench.onShow.add(self.show), bench.workspace.onCurves.add(self._told)]
        self.show()

    def build(self) -> None:
        """Its section."""
        name, server, guarded = self._bench.choices.name, self._bench.server, self._bench.guarded
        with widgets.section("finetune", "Fine-tune", "mdi-school-outline"):
            widgets.text_field(
                "iterations",
                f"Steps of training ({ITERATION_RANGE[0]} to {ITERATION_RANGE[1]:,})",
                name.iterations,
                "fine_tune_view.running",
                type="number",
                raw_attrs=[f'min="{ITERATION_RANGE[0]}"', f'max="{ITERATION_RANGE[1]}"', 'step="50"'],
            )
            with html.Div(classes="hinted"):
                widgets.plain_check_box("prove", "Prove that it is better", name.prove, "fine_tune_view.running")
            with widgets.row():
                widgets.button(
                    server,
                    "finetune-button",
                    "{{ fine_tune_view.button }}",
                    "fine_tune_view.press",
                    guarded("finetune", self._pressed),
                    look="flat",
                    color="primary",
                    more=":class=\"{ 'is-cancel': fine_tune_view.running }\"",
                )
                widgets.button(server, "resume-button", "Resume", "fine_tune_view.resume", guarded("finetune", self._resume))
            widgets.job("finetune", "finetune", "finetune")
            html.Div(v_if=("!!curves_svg",), v_html=("curves_svg",), id="curves", classes="curves")
            widgets.note("fine_tune_view.reason", "finetune-reason", "strong")
            widgets.comparison("fine_tune_view.comparison", "finetune-comparison")
            activate, discard = guarded("finetune", self._activate), guarded("finetune", self._discard)
            with widgets.row():
                widgets.button(server, "activate-new", "Activate", "fine_tune_view.activate", activate)
                widgets.button(server, "discard-new", "Discard", "fine_tune_view.discard", discard)

    def show(self) -> None:
        """Push what there is to see."""
        model = self._model()
        view = self._desk.view(self._bench.workspace.places.library, None if model is None else model.folder)
        self._bench.put("fine_tune_view", view)
        self._bench.put("curves_svg", curves_svg(None if self._curves is None else curvePlot(self._curves)))

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self._desk.close()

    def _pressed(self) -> None:
        workspace, model = self._bench.workspace, self._model()
        if workspace.busy("finetune"):
            self._desk.cancel()
        elif model is not None:
            self._curves = None
            chosen = self._bench.chosen
            steps = _iterations(chosen.iterations)
            self._desk.start(model.folder, workspace.places.library, chosen.device, steps, bool(chosen.prove))

    def _resume(self) -> None:
        self._curves = None
        self._desk.resume()

    def _told(self, curves: Curves) -> None:
        self._curves = curves
        self._bench.changed()

    def _activate(self) -> None:
        self._desk.activate()

    def _discard(self) -> None:
        self._desk.discard()


def _iterations(written: str) -> int:
    """A number of steps that can be used, whatever was written."""
    try:
        number = int(float(written))
    except (ValueError, OverflowError):
        return DEFAULT_ITERATIONS
    return min(max(number, ITERATION_RANGE[0]), ITERATION_RANGE[1])
