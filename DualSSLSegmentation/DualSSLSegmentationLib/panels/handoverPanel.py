"""Hand the corrected case over to the library that fine-tuning learns from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from dualssl.cases.names import usable_name
from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.jobs.handover import Handover
from DualSSLSegmentationLib.panels.common import JobDisplay, allow, connect, pushButton, section, warn

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
        # What a person said of the whole case, or None while they said nothing.
        self._looked: bool | None = None
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
            self._looked = None
            self.say("")
            self.nameLine.text = usable_name(session.case.image.GetName())
        self._session = session
        self._reviewed()

    def _reviewed(self) -> None:
        """Whoever has decided on every region is taken to have looked at the whole case, until they say otherwise."""
        review = None if self._session is None else self._session.review
        decided = review is not None and len(review.decided()) == len(review.entries()) > 0
        self._filling = True
        self.wholeCase.checked = decided if self._looked is None else self._looked
        self._filling = False
        self._enable()

    def _edited(self, _summary: EditSummary) -> None:
        self._enable()

    def _wholeCaseChosen(self, on: bool) -> None:
        if not self._filling:
            self._looked = on
            self._enable()

    def _job(self, kind: str, state: JobState | None) -> None:
        if kind == "save":
            self._display.show(state)
            self._enable()

    def _saved(self, answer: dict[str, Any]) -> None:
        self.say(_("Saved as '{case}', version {version}.").format(case=answer["case"], version=answer["version"]))

    def _enable(self) -> None:
        running = self._workspace.busy("save")
        none = _("Segment a volume first") if self._workspace.session is None else ""
        for line in (self.libraryLine, self.nameLine, self.reviewerLine, self.notesLine):
            line.enabled = not running
        allow(
            self.wholeCase,
            _("Off: fine-tuning learns only from decided regions and from what you changed"),
            none or (_("The case is being saved") if running else ""),
        )
        self.button.text = _("Cancel") if running else _("Save corrected case")
        if running:
            allow(self.button, _("Stop; the library stays as it was"))
            return
        why = none
        if not why and not self.nameLine.text.strip():
            why = _("Give the case a name first")
        if not why and not self.reviewerLine.text.strip():
            why = _("Name the reviewer first")
        if not why and not self._anythingSeen():
            why = _("Decide on a region, change something, or say that you have looked at the whole case")
        allow(self.button, _("Write image, corrected labels and edits to the library"), why)

    def _anythingSeen(self) -> bool:
        """Whether there is anything to learn from; a case of which nobody looked at anything ends a fine-tuning."""
        session = self._workspace.session
        if session is None or self.wholeCase.checked or session.review.decided():
            return True
        edits = session.edits
        # Where edits cannot be told nothing is marked as unseen either.
        return bool(edits.voxels or edits.problem)


def _line(name: str, toolTip: str) -> Any:
    line = qt.QLineEdit()
    line.objectName = name
    line.toolTip = toolTip
    return line


def _setting(key: str) -> str:
    value = qt.QSettings().value(key)
    return str(value) if value else ""
