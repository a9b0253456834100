"""Continue training from the corrected cases, watch it, and decide about the new model."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.jobs.fineTuning import FineTuneWish, comparisonOf
from DualSSLSegmentationLib.panels.common import (
    JobDisplay,
    allow,
    note,
    pushButton,
    readOnlyTable,
    row,
    say,
    section,
    setCell,
    warn,
)
from DualSSLSegmentationLib.panels.curveView import CurveView

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
        self._running: FineTuneWish | None = None
        self._unfinished: FineTuneWish | None = None
        self._version: str | None = None
        self._decision = ""
        self.section, form = section(_("Fine-tune"), layout)
        self.iterations = qt.QSpinBox()
        self.iterations.objectName = "iterations"
        self.iterations.minimum, self.iterations.maximum, self.iterations.singleStep = 1, 10_000, 50
        self.iterations.value = 200
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
        self.table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        self.table.visible = False
        form.addRow(self.table)
        self.activateButton = pushButton(_("Activate"), "", self._activate, "activateButton")
        self.discardButton = pushButton(_("Discard"), "", self._discard, "discardButton")
        form.addRow(row(self.activateButton, self.discardButton))
        self._stops = [
            workspace.onJob.add(self._job),
            workspace.onCurves.add(self.curves.show),
            workspace.onFineTuned.add(self._fineTuned),
            workspace.onModels.add(self.refresh),
            workspace.onSaved.add(self._saved),
        ]
        self._offer(None, "")
        self.refresh()
        self.section.collapsed = True

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()

    @property
    def said(self) -> str:
        """What is said there."""
        return str(self._display.status.text)

    def say(self, text: str) -> None:
        """Say something below the button."""
        self._display.say(text)

    def refresh(self) -> None:
        """Show what can be done now."""
        running = self._workspace.busy("finetune")
        self.iterations.enabled = self.prove.enabled = not running
        self.button.text = _("Cancel") if running else _("Fine-tune")
        if running:
            allow(self.button, _("Stop; training can be resumed"))
        else:
            why = "" if self._library().is_dir() else _("Save a corrected case first")
            if self._segment.chosenModel() is None:
                why = _("Choose a model in Segment first")
            allow(self.button, _("Go on training the chosen model from the corrected cases of the library"), why)
        stopped = "" if self._unfinished is not None and not running else _("There is no cancelled training to go on with")
        allow(self.resumeButton, _("Go on with the training that was cancelled"), stopped)

    def _clicked(self) -> None:
        if self._workspace.busy("finetune"):
            self._workspace.cancel("finetune")
            return
        choice = self._segment.chosenModel()
        if choice is None or not self._ready():
            return
        places = self._workspace.places
        self._start(
            FineTuneWish(
                model=choice.folder,
                library=self._library(),
                registry=places.registry,
                output=places.runs / datetime.now().strftime("%Y-%m-%d_%H-%M-%S"),
                device=self._segment.chosenDevice(),
                iterations=self.iterations.value,
                prove=self.prove.checked,
            )
        )

    def _resume(self) -> None:
        if self._unfinished is not None and self._ready():
            self._start(replace(self._unfinished, resume=True))

    def _start(self, wish: FineTuneWish) -> None:
        self._offer(None, "")
        self.curves.clear()
        try:
            self._workspace.fineTune(wish)
        except DualSSLError as error:
            self.say(str(error))
            warn(str(error))
        else:
            self._running, self._unfinished = wish, None
        self.refresh()

    def _job(self, kind: str, state: JobState | None) -> None:
        if kind != "finetune":
            return
        self._display.show(state)
        if state is None:
            # What came to its end is forgotten in `_fineTuned`.
            running, self._running = self._running, None
            self._unfinished = running if running is not None and running.output.is_dir() else None
        self.refresh()

    def _saved(self, _answer: dict[str, Any]) -> None:
        self.refresh()

    def _fineTuned(self, answer: dict[str, Any]) -> None:
        self._unfinished = None
        version, verdict = answer.get("version"), answer.get("verdict")
        comparison = None if verdict is None else comparisonOf(verdict)
        self._offer(None if version is None else version["id"], "" if comparison is None else comparison.decision)
        if comparison is None:
            say(self.reason, " ".join([_("The new model was not compared with the present one."), *answer.get("notes", ())]))
        else:
            say(self.reason, comparison.reason)
            self._compare(comparison)
        self.refresh()

    def _compare(self, comparison: Comparison) -> None:
        self.table.setRowCount(len(comparison.rows))
        for line, figures in enumerate(comparison.rows):
            for column, text in enumerate((figures.name, figures.old, figures.new, figures.change)):
                item = setCell(self.table, line, column, text)
                if column == 3:
                    item.setForeground(qt.QBrush(qt.QColor(COLOURS.get(figures.outcome, "#000000"))))
        self.table.visible = True

    def _offer(self, version: str | None, decision: str) -> None:
        self._version, self._decision = version, decision
        self.table.visible = False
        say(self.reason, "")
        none = _("There is no new model to decide about") if version is None else ""
        unproved = "" if decision == "better" else _("Only a model that has proved better can be activated")
        allow(self.activateButton, _("Use the new model from now on"), none or unproved)
        allow(self.discardButton, _("Put the new model away"), none)

    def _activate(self) -> None:
        if self._decide(self._workspace.activate, _("The new model is in use now.")):
            self._segment.useDefaultModel()

    def _discard(self) -> None:
        self._decide(self._workspace.discard, _("The new model was put away."))

    def _decide(self, what: Callable[[str], None], said: str) -> bool:
        if self._version is None:
            return False
        try:
            what(self._version)
        except DualSSLError as error:
            warn(str(error))
            return False
        self._offer(None, "")
        say(self.reason, said)
        return True
