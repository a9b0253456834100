"""Continue training from the corrected cases, watch it, and decide about the new model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.panels.common import (
    JobDisplay,
    agreed,
    interactive,
    note,
    offer,
    pushButton,
    readOnlyTable,
    row,
    say,
    section,
    setCell,
    warn,
)
from DualSSLSegmentationLib.panels.curveView import CurveView
from DualSSLSegmentationLib.presentation.fineTuneDesk import DEFAULT_ITERATIONS, ITERATION_RANGE, FineTuneDesk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from DualSSLSegmentationLib.jobs.fineTuning import Comparison
    from DualSSLSegmentationLib.jobs.jobState import JobState
    from DualSSLSegmentationLib.panels.segmentPanel import SegmentPanel
    from DualSSLSegmentationLib.workspace import Workspace

COLOURS = {"better": "#00734d", "worse": "#a03c00"}


class FineTunePanel:
    """Start and Cancel are one button; the new model waits for a decision.

    Args:
        workspace: what it drives.
        layout: where it goes.
        segment: where model and device are chosen.
        library: asked where the case library is.
        ready: asked before a start whether the engine can run; returns False after telling why.
    """

    def __init__(
        self,
        workspace: Workspace,
        layout: Any,
        segment: SegmentPanel,
        library: Callable[[], Path],
        ready: Callable[[], bool],
    ) -> None:
        self._workspace = workspace
        self._segment = segment
        self._library = library
        self._ready = ready
        self._desk = FineTuneDesk(workspace)
        self.section, form = section(_("Fine-tune"), layout)
        self.iterations = qt.QSpinBox()
        self.iterations.objectName = "iterations"
        self.iterations.minimum, self.iterations.maximum = ITERATION_RANGE
        self.iterations.singleStep = 50
        self.iterations.value = DEFAULT_ITERATIONS
        self.iterations.toolTip = _("Steps of training; 200 suit 1 to 100 corrected cases")
        form.addRow(_("Steps:"), self.iterations)
        self.prove = qt.QCheckBox(_("Prove that it is better"))
        self.prove.objectName = "prove"
        self.prove.checked = True
        self.prove.toolTip = _("Compare with the present model on cases held out from training; takes extra trainings")
        form.addRow(self.prove)
        self.button = pushButton(_("Fine-tune"), "", self._clicked, "fineTuneButton")
        self.resumeButton = pushButton(_("Resume"), "", self._resume, "resumeButton")
        form.addRow(row(self.button, self.resumeButton))
        self._display = JobDisplay(form, "fineTune")
        self.curves = CurveView("trainingCurves")
        form.addRow(self.curves.widget)
        self.reason = note("comparisonReason")
        form.addRow(self.reason)
        self.table = readOnlyTable(
            "comparisonTable",
            [_("Figure"), _("Present"), _("New"), _("Change")],
            _("Present against new model on the cases held out; green is better, brown is worse"),
        )
        # Names are longer than figures, and the panel is narrow.
        self.table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.table.visible = False
        form.addRow(self.table)
        self.activateButton = pushButton(_("Activate"), "", self._activate, "activateButton")
        self.discardButton = pushButton(_("Discard"), "", self._discard, "discardButton")
        form.addRow(row(self.activateButton, self.discardButton))
        self._stops = [
            workspace.onJob.add(self._job),
            workspace.onCurves.add(self.curves.show),
            self._desk.onChange.add(self.refresh),
        ]
        self.refresh()
        self.section.collapsed = True

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self._desk.close()

    @property
    def said(self) -> str:
        """What is said there."""
        return str(self._display.status.text)

    def say(self, text: str) -> None:
        """Say something below the button."""
        self._display.say(text)

    def refresh(self) -> None:
        """Show what can be done now."""
        choice = self._segment.chosenModel()
        view = self._desk.view(self._library(), None if choice is None else choice.folder)
        self.iterations.enabled = self.prove.enabled = not view.running
        self.button.text = view.button
        for button, what in (
            (self.button, view.press),
            (self.resumeButton, view.resume),
            (self.activateButton, view.activate),
            (self.discardButton, view.discard),
        ):
            offer(button, what)
        say(self.reason, view.reason)
        self._compare(view.comparison)

    def _clicked(self) -> None:
        if self._workspace.busy("finetune"):
            self._desk.cancel()
            return
        choice = self._segment.chosenModel()
        if choice is not None and self._ready():
            device, steps, prove = self._segment.chosenDevice(), self.iterations.value, self.prove.checked
            self._start(lambda: self._desk.start(choice.folder, self._library(), device, steps, prove))

    def _resume(self) -> None:
        if self._ready():
            self._start(self._desk.resume)

    def _start(self, start: Callable[[], None]) -> None:
        self.curves.clear()
        try:
            start()
        except DualSSLError as error:
            self.say(str(error))
            warn(str(error))
        self.refresh()

    def _job(self, kind: str, state: JobState | None) -> None:
        if kind == "finetune":
            self._display.show(state)

    def _compare(self, comparison: Comparison | None) -> None:
        self.table.visible = comparison is not None
        if comparison is None:
            return
        self.table.setRowCount(len(comparison.rows))
        for line, figures in enumerate(comparison.rows):
            for column, text in enumerate((figures.name, figures.old, figures.new, figures.change)):
                item = setCell(self.table, line, column, text)
                if column == 3:
                    item.setForeground(qt.QBrush(qt.QColor(COLOURS.get(figures.outcome, "#000000"))))

    def _activate(self) -> None:
        self._decide(lambda: self._desk.activate(self._segment.useDefaultModel))

    def _discard(self) -> None:
        text = _("Put the new model away? It cannot be chosen any more; its files are kept in the trash of your models.")
        # Where nobody can be asked, pressing the button is enough.
        if not interactive() or agreed(text):
            self._decide(self._desk.discard)

    def _decide(self, what: Callable[[], bool]) -> None:
        try:
            what()
        except DualSSLError as error:
            warn(str(error))
        self.refresh()
