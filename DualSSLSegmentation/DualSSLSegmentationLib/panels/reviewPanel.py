"""The uncertain regions by rank: look, decide, and take an answer in one click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.panels.common import (
    connect,
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
from DualSSLSegmentationLib.presentation.reviewView import reviewView
from DualSSLSegmentationLib.scene.caseNodes import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.workspace import Workspace


class ReviewPanel:
    """Which case is in hand, a table of its regions, and buttons for the region in front.

    Args:
        workspace: whose case is reviewed.
        layout: where it goes.
    """

    def __init__(self, workspace: Workspace, layout: Any) -> None:
        self._workspace = workspace
        self._parameters: Any = None
        self._session: CaseSession | None = None
        self._stopSession: list[Callable[[], None]] = []
        self._filling = False
        self.section, form = section(_("Review"), layout)
        self.caseSelector = self._makeSelector()
        form.addRow(_("Case:"), self.caseSelector)
        self.summary = note("reviewSummary")
        form.addRow(self.summary)
        self.table = readOnlyTable(
            "regionTable",
            [_("Rank"), _("Kind"), _("ml"), _("Score"), _("State")],
            _("Uncertain regions, the most urgent first; click one to go there"),
        )
        self.table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.minimumHeight = 140
        form.addRow(self.table)
        self.previousButton = pushButton(_("Previous"), "", self.goPrevious, "previousButton")
        self.nextButton = pushButton(_("Next"), "", self.goNext, "nextButton")
        self.acceptButton = pushButton(_("Accept"), "", self.accept, "acceptButton")
        self.flagButton = pushButton(_("Flag"), "", self.flag, "flagButton")
        self.reopenButton = pushButton(_("Reopen"), "", self.reopen, "reopenButton")
        form.addRow(row(self.previousButton, self.nextButton))
        form.addRow(row(self.acceptButton, self.flagButton, self.reopenButton))
        self.takeA = pushButton(_("Network A"), "", self._takeA, "takeA")
        self.takeB = pushButton(_("Network B"), "", self._takeB, "takeB")
        self.takeMean = pushButton(_("Mean"), "", self._takeMean, "takeMean")
        form.addRow(_("Take:"), row(self.takeA, self.takeB, self.takeMean))
        self.onlyInside = qt.QCheckBox(_("Edit only inside this region"))
        self.onlyInside.objectName = "onlyInside"
        form.addRow(self.onlyInside)
        connect(self.caseSelector, "currentNodeChanged(vtkMRMLNode*)", self._caseChosen)
        connect(self.table, "cellClicked(int,int)", self._cellClicked)
        # For the arrow keys.
        connect(self.table, "currentCellChanged(int,int,int,int)", self._cellReached)
        connect(self.onlyInside, "toggled(bool)", self._onlyInsideChosen)
        self._stops = [workspace.onCase.add(self.showSession)]
        self.showSession(workspace.session)

    def close(self) -> None:
        """Listen no more."""
        for stop in (*self._stops, *self._stopSession):
            stop()

    def setParameters(self, parameters: Any) -> None:
        """Show another parameter node, or None between two scenes."""
        self._parameters = parameters
        self.refresh()

    def refresh(self) -> None:
        """Show which case the parameter node names."""
        if self._parameters is not None:
            self._filling = True
            self.caseSelector.setCurrentNode(self._parameters.segmentation)
            self._filling = False

    def showSession(self, session: CaseSession | None) -> None:
        """Show another case, or none."""
        for stop in self._stopSession:
            stop()
        self._session = session
        listeners = () if session is None else (session.onReview.add(self._refresh), session.onEdits.add(self._edited))
        self._stopSession = list(listeners)
        self._refresh()

    def goNext(self) -> None:
        """To the next open region."""
        self._do(lambda session: session.next())

    def goPrevious(self) -> None:
        """To the open region before."""
        self._do(lambda session: session.previous())

    def accept(self) -> None:
        """The region in front is right."""
        self._do(lambda session: session.accept())

    def flag(self) -> None:
        """The region in front needs other eyes."""
        self._do(lambda session: session.flag())

    def reopen(self) -> None:
        """Take the decision on the region in front back."""
        self._do(lambda session: session.reopen())

    def _takeA(self) -> None:
        self._do(lambda session: session.take("a"))

    def _takeB(self) -> None:
        self._do(lambda session: session.take("b"))

    def _takeMean(self) -> None:
        self._do(lambda session: session.take("mean"))

    def _makeSelector(self) -> Any:
        selector = slicer.qMRMLNodeComboBox()
        selector.objectName = "caseSelector"
        selector.nodeTypes = ["vtkMRMLSegmentationNode"]
        # Only what was made here can be reviewed.
        selector.addAttribute("vtkMRMLSegmentationNode", PREFIX + "regions")
        selector.addEnabled = selector.removeEnabled = selector.renameEnabled = False
        selector.noneEnabled = True
        selector.noneDisplay = _("None")
        selector.toolTip = _("Segmentation in hand: it is shown, reviewed, corrected and handed over")
        selector.setMRMLScene(self._workspace.scene)
        return selector

    def _caseChosen(self, node: Any) -> None:
        if not self._filling and self._parameters is not None:
            self._parameters.segmentation = node

    def _refresh(self) -> None:
        view = reviewView(self._session)
        self._filling = True
        self.table.setRowCount(len(view.rows))
        for line, region in enumerate(view.rows):
            for column, text in enumerate((region.rank, region.kind, region.volume, region.score, region.state)):
                setCell(self.table, line, column, text)
            if region.id == view.current and self.table.currentRow() != line:
                self.table.setCurrentCell(line, 0)
        if view.current is None:
            self.table.clearSelection()
        self.onlyInside.checked = view.onlyInside
        self._filling = False
        say(self.summary, view.summary)
        for widget, what in (
            (self.nextButton, view.next),
            (self.previousButton, view.previous),
            (self.acceptButton, view.accept),
            (self.flagButton, view.flag),
            (self.reopenButton, view.reopen),
            (self.takeA, view.take["a"]),
            (self.takeB, view.take["b"]),
            (self.takeMean, view.take["mean"]),
            (self.onlyInside, view.holdInside),
        ):
            offer(widget, what)

    def _edited(self, _summary: Any) -> None:
        self._refresh()

    def _cellReached(self, line: int, _column: int, before: int, _columnBefore: int) -> None:
        if line != before:
            self._cellClicked(line)

    def _cellClicked(self, line: int) -> None:
        if not self._filling and line >= 0:
            self._do(lambda session: session.goTo(session.review.entries()[line].region.id))

    def _onlyInsideChosen(self, on: bool) -> None:
        if not self._filling:
            self._do(lambda session: session.editOnlyInside(on))

    def _do(self, what: Callable[[CaseSession], object]) -> None:
        # Shortcuts come here with nothing chosen, too.
        if self._session is None:
            return
        try:
            what(self._session)
        except DualSSLError as error:
            warn(str(error))
        self._refresh()
