"""Hand the corrected case over to the library that fine-tuning learns from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.jobs.handover import Handover
from DualSSLSegmentationLib.panels.common import JobDisplay, connect, offer, pushButton, section, warn
from DualSSLSegmentationLib.presentation.handoverView import LookedAt, handoverView, savedText, suggestedName

if TYPE_CHECKING:
    from collections.abc import Callable

    from DualSSLSegmentationLib.jobs.jobState import JobState
    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.review.editTracking import EditSummary
    from DualSSLSegmentationLib.workspace import Workspace

REVIEWER_KEY = "DualSSLSegmentation/Reviewer"
LIBRARY_KEY = "DualSSLSegmentation/Library"


class HandoverPanel:
    """Library, name of the case, reviewer, and one button.

    Reviewer and library are the person's, not the scene's: they are kept in the application's settings.

    Args:
        workspace: what it drives.
        layout: where it goes.
        ready: asked before a start whether the engine can run; returns False after telling why.
    """

    def __init__(self, workspace: Workspace, layout: Any, ready: Callable[[], bool]) -> None:
        self._workspace = workspace
        self._ready = ready
        self._session: CaseSession | None = None
        self._stopSession: list[Callable[[], None]] = []
        self._looked = LookedAt()
        self._filling = False
        self.section, form = section(_("Hand over"), layout)
        self.libraryLine = _line("libraryLine", _("Folder of the case library; made where there is none"))
        self.libraryLine.text = _setting(LIBRARY_KEY) or str(workspace.places.library)
        form.addRow(_("Library:"), self.libraryLine)
        self.nameLine = _line("caseNameLine", _("Name of the case in the library; leave names of patients out"))
        form.addRow(_("Case:"), self.nameLine)
        self.reviewerLine = _line("reviewerLine", _("Who answers for the corrected labels"))
        self.reviewerLine.text = _setting(REVIEWER_KEY)
        form.addRow(_("Reviewer:"), self.reviewerLine)
        self.notesLine = _line("notesLine", _("Anything that whoever uses the case should know"))
        form.addRow(_("Notes:"), self.notesLine)
        self.wholeCase = qt.QCheckBox(_("I have looked at the whole case"))
        self.wholeCase.objectName = "wholeCase"
        form.addRow(self.wholeCase)
        self.button = pushButton(_("Save corrected case"), "", self._clicked, "saveCaseButton")
        form.addRow(self.button)
        self._display = JobDisplay(form, "save")
        for line in (self.libraryLine, self.nameLine, self.reviewerLine):
            connect(line, "textChanged(QString)", self._enable)
        connect(self.wholeCase, "toggled(bool)", self._wholeCaseChosen)
        self._stops = [
            workspace.onCase.add(self._caseOpened),
            workspace.onJob.add(self._job),
            workspace.onSaved.add(self._saved),
        ]
        self._caseOpened(workspace.session)
        self.section.collapsed = True

    def close(self) -> None:
        """Listen no more."""
        for stop in (*self._stops, *self._stopSession):
            stop()

    def library(self) -> Path:
        """The folder that is named."""
        return Path(self.libraryLine.text.strip() or self._workspace.places.library).expanduser()

    def wish(self) -> Handover:
        """What the person says of the case."""
        return Handover(
            library=self.library(),
            caseName=self.nameLine.text.strip(),
            reviewer=self.reviewerLine.text.strip(),
            notes=self.notesLine.text.strip(),
            wholeCase=self.wholeCase.checked,
        )

    @property
    def said(self) -> str:
        """What is said there."""
        return str(self._display.status.text)

    def say(self, text: str) -> None:
        """Say something below the button."""
        self._display.say(text)

    def _clicked(self) -> None:
        if self._workspace.busy("save"):
            self._workspace.cancel("save")
            return
        if not self._ready():
            return
        settings = qt.QSettings()
        settings.setValue(REVIEWER_KEY, self.reviewerLine.text.strip())
        settings.setValue(LIBRARY_KEY, self.libraryLine.text.strip())
        try:
            self._workspace.save(self.wish())
        except DualSSLError as error:
            self.say(str(error))
            warn(str(error))
        self._enable()

    def _caseOpened(self, session: CaseSession | None) -> None:
        for stop in self._stopSession:
            stop()
        self._stopSession = [] if session is None else [session.onReview.add(self._reviewed), session.onEdits.add(self._edited)]
        if session is not None and session is not self._session:
            self._looked.forget()
            self.say("")
            self.nameLine.text = suggestedName(session)
        self._session = session
        self._reviewed()

    def _reviewed(self) -> None:
        self._filling = True
        self.wholeCase.checked = self._looked.whole(self._session)
        self._filling = False
        self._enable()

    def _edited(self, _summary: EditSummary) -> None:
        self._enable()

    def _wholeCaseChosen(self, on: bool) -> None:
        if not self._filling:
            self._looked.say(on)
            self._enable()

    def _job(self, kind: str, state: JobState | None) -> None:
        if kind == "save":
            self._display.show(state)
            self._enable()

    def _saved(self, answer: dict[str, Any]) -> None:
        self.say(savedText(answer))

    def _enable(self) -> None:
        running = self._workspace.busy("save")
        for line in (self.libraryLine, self.nameLine, self.reviewerLine, self.notesLine):
            line.enabled = not running
        view = handoverView(
            self._workspace.session, running, self.nameLine.text, self.reviewerLine.text, self.wholeCase.checked
        )
        offer(self.wholeCase, view.wholeCase)
        self.button.text = view.button
        offer(self.button, view.press)


def _line(name: str, toolTip: str) -> Any:
    line = qt.QLineEdit()
    line.objectName = name
    line.toolTip = toolTip
    return line


def _setting(key: str) -> str:
    value = qt.QSettings().value(key)
    return str(value) if value else ""
