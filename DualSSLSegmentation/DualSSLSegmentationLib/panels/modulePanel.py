"""The whole panel of the module: its parts in order, the shortcuts, and the questions that are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.panels.common import connect, interactive, warn
from DualSSLSegmentationLib.panels.correctPanel import CorrectPanel
from DualSSLSegmentationLib.panels.fineTunePanel import FineTunePanel
from DualSSLSegmentationLib.panels.handoverPanel import HandoverPanel
from DualSSLSegmentationLib.panels.overlayPanel import OverlayPanel
from DualSSLSegmentationLib.panels.reviewPanel import ReviewPanel
from DualSSLSegmentationLib.panels.segmentPanel import SegmentPanel
from DualSSLSegmentationLib.panels.setupPanel import SetupPanel
from DualSSLSegmentationLib.presentation.mergeQuestion import mergeQuestion
from DualSSLSegmentationLib.review.protection import MergeChoice

if TYPE_CHECKING:
    from DualSSLSegmentationLib.jobs.jobState import JobState
    from DualSSLSegmentationLib.review.caseSession import CaseSession


class ModulePanel:
    """All parts, from choosing a volume to a new model.

    Args:
        logic: the module's.
        layout: of the module's widget.
    """

    def __init__(self, logic: Any, layout: Any) -> None:
        self._workspace = logic.application.workspace
        self._parameters: Any = None
        self._entered = False
        self._ended = ""
        workspace = self._workspace
        self.setup = SetupPanel(logic.application)
        self.segment = SegmentPanel(workspace, layout, self._askMerge, self.setup.ready)
        self.overlay = OverlayPanel(workspace, layout)
        self.review = ReviewPanel(workspace, layout)
        self.correct = CorrectPanel(workspace, layout)
        logic.application.setEditor(self.correct)
        self.handover = HandoverPanel(workspace, layout, self.setup.ready)
        self.fineTune = FineTunePanel(workspace, layout, self.segment, self.handover.library, self.setup.ready)
        self.setup.addTo(layout)
        layout.addStretch(1)
        self._shortcuts = self._makeShortcuts()
        self._stops = [
            workspace.onJob.add(self._job),
            workspace.onMessage.add(self._say),
            workspace.onCase.add(self._caseOpened),
        ]

    @property
    def parts(self) -> tuple[Any, ...]:
        """All panels, from top to bottom."""
        return (self.segment, self.overlay, self.review, self.correct, self.handover, self.fineTune, self.setup)

    def close(self) -> None:
        """End it with the module's widget."""
        self.exit()
        for stop in self._stops:
            stop()
        for part in self.parts:
            part.close()
            # A reload only hides what the application's widget holds: selectors would go on following the scene.
            part.section.setParent(None)
            part.section.deleteLater()
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
        self._shortcuts = []
        self._parameters = None

    def enter(self) -> None:
        """The module is shown."""
        self._entered = True
        self.segment.refreshModels()
        self.fineTune.refresh()
        self.overlay.enter()
        self.correct.enter()
        self.setup.look()
        self._enableShortcuts(True)
        session = self._workspace.session
        if session is not None:
            session.showMarks()

    def exit(self) -> None:
        """Another module is shown: the views are the person's again."""
        if not self._entered:
            return
        self._entered = False
        self._enableShortcuts(False)
        session = self._workspace.session
        if session is not None:
            session.hideMarks()
        self.correct.exit()
        self.overlay.leave()

    def setParameters(self, parameters: Any) -> None:
        """Show another parameter node, or None between two scenes."""
        self._parameters = parameters
        for part in (self.segment, self.overlay, self.review):
            part.setParameters(parameters)
        self.refresh()

    def refresh(self) -> None:
        """Show what the parameter node says."""
        parameters = self._parameters
        if parameters is None:
            return
        self.segment.refresh()
        self.review.refresh()
        self._openNamed(parameters)
        self.overlay.refresh()

    def sceneClosing(self) -> None:
        """The scene is about to be emptied."""
        self._workspace.sceneClosing()
        self.overlay.sceneClosing()
        self.correct.sceneClosing()

    def sceneClosed(self) -> None:
        """The scene is empty."""
        if self._entered:
            self.correct.sceneClosed()

    def sceneLoaded(self) -> None:
        """A scene was loaded, perhaps beside the case in hand."""
        self.correct.sceneLoaded()

    def _openNamed(self, parameters: Any) -> None:
        """Take the case in hand that the parameters name."""
        try:
            self._workspace.openCase(parameters.segmentation)
        except DualSSLError as error:
            # Named once: a parameter that cannot be followed is let go.
            parameters.segmentation = None
            self.segment.say(str(error))
            warn(str(error))

    def _caseOpened(self, session: CaseSession | None) -> None:
        if self._parameters is None or session is None:
            return
        self._parameters.segmentation = session.case.node
        shown = [node.GetBackgroundVolumeID() for node in self._workspace.views.compositeNodes()]
        if shown and session.case.image.GetID() not in shown:
            slicer.util.setSliceViewerLayers(background=session.case.image, fit=True)

    def _job(self, kind: str, state: JobState | None) -> None:
        if state is None:
            self._ended = kind

    def _say(self, kind: str, text: str, detail: str) -> None:
        """Say it where the job was started that has just ended."""
        tuning = self.fineTune
        places: dict[str, Any] = {"save": self.handover, "finetune": tuning, "models": tuning, "check": self.setup}
        places.get(self._ended, self.segment).say(text)
        if kind == "error":
            warn(text, detail)

    def _askMerge(self, edited: int) -> MergeChoice | str | None:
        """How a new result and a person's work come together."""
        if not interactive():
            return MergeChoice.keepMine
        question = mergeQuestion(edited)
        box = qt.QMessageBox(slicer.util.mainWindow())
        box.windowTitle = question.title
        box.text = question.text
        box.informativeText = question.detail
        buttons = [box.addButton(text, qt.QMessageBox.AcceptRole) for text, _answer in question.answers]
        box.addButton(qt.QMessageBox.Cancel)
        box.setDefaultButton(buttons[0])
        box.exec_()
        clicked = box.clickedButton()
        answers = zip(buttons, question.answers, strict=True)
        return next((answer for button, (_text, answer) in answers if button == clicked), None)

    def _makeShortcuts(self) -> list[Any]:
        """Without a main window there is nothing to press them in."""
        window = slicer.util.mainWindow()
        if window is None:
            return []
        review, made = self.review, []
        for keys, slot in (
            ("Shift+N", review.goNext),
            ("Shift+P", review.goPrevious),
            ("Shift+A", review.accept),
            ("Shift+F", review.flag),
        ):
            shortcut = qt.QShortcut(window)
            shortcut.setKey(qt.QKeySequence(keys))
            shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
            shortcut.enabled = False
            connect(shortcut, "activated()", slot)
            made.append(shortcut)
        return made

    def _enableShortcuts(self, on: bool) -> None:
        for shortcut in self._shortcuts:
            shortcut.enabled = on
