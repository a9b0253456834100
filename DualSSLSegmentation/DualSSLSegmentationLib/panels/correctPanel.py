"""Correct the result with Slicer's own segment editor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from DualSSLSegmentationLib.panels.common import note, say, section
from DualSSLSegmentationLib.presentation.editView import editsText
from DualSSLSegmentationLib.scene.structureSegments import isHelper

if TYPE_CHECKING:
    from collections.abc import Callable

    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.review.editTracking import EditSummary
    from DualSSLSegmentationLib.workspace import Workspace

EDITOR_TAG = "DualSSLSegmentation"
UNDO_STEPS = 10


class CorrectPanel:
    """The segment editor on the case in hand, with a word on what has been changed.

    Args:
        workspace: whose case is edited.
        layout: where it goes.
    """

    def __init__(self, workspace: Workspace, layout: Any) -> None:
        self._workspace = workspace
        self._session: CaseSession | None = None
        self._stopSession: list[Callable[[], None]] = []
        self._observed: list[tuple[Any, int]] = []
        self.section, form = section(_("Correct"), layout)
        self.summary = note("editSummary")
        form.addRow(self.summary)
        self.editor = slicer.qMRMLSegmentEditorWidget()
        self.editor.objectName = "segmentEditor"
        self.editor.setMaximumNumberOfUndoStates(UNDO_STEPS)
        # The case decides what is edited on which image; two more places to choose it would let them disagree.
        self.editor.setSegmentationNodeSelectorVisible(False)
        self.editor.setSourceVolumeNodeSelectorVisible(False)
        self.editor.setMRMLScene(workspace.scene)
        form.addRow(self.editor)
        self._editorNode: Any = None
        self._stops = [workspace.onCase.add(self.showSession)]
        self.showSession(workspace.session)

    @property
    def editorNode(self) -> Any:
        """The segment editor's parameter node, made when it is first needed."""
        scene = self._workspace.scene
        if self._editorNode is None or not scene.IsNodePresent(self._editorNode):
            node = scene.GetSingletonNode(EDITOR_TAG, "vtkMRMLSegmentEditorNode")
            if node is None:
                node = slicer.vtkMRMLSegmentEditorNode()
                node.SetSingletonTag(EDITOR_TAG)
                node = scene.AddNode(node)
            self._editorNode = node
            self.editor.setMRMLSegmentEditorNode(node)
        return self._editorNode

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self._leaveSession()
        self.editor.setMRMLScene(None)
        _stopWatchingSlices(self.editor)

    def enter(self) -> None:
        """The module is shown: the editor's shortcuts and views are its own."""
        # Without a node of its own the editor crashes Slicer at the next change of the layout, as when a scene is closed.
        _made = self.editorNode
        self.editor.setupViewObservations()
        # Without a main window there is nothing to press them in, and Qt complains about each.
        if slicer.util.mainWindow() is not None:
            self.editor.installKeyboardShortcuts()

    def exit(self) -> None:
        """The module is hidden: no effect is left active, no shortcut taken."""
        self.editor.setActiveEffect(None)
        self.editor.uninstallKeyboardShortcuts()
        self.editor.removeViewObservations()

    def sceneClosing(self) -> None:
        """The scene is about to be emptied: let go of the views."""
        self.editor.setActiveEffect(None)
        self.editor.setSegmentationNode(None)
        self.editor.removeViewObservations()

    def sceneClosed(self) -> None:
        """The scene is empty, and the module is shown: the views are the editor's again."""
        _made = self.editorNode
        self.editor.setupViewObservations()

    def sceneLoaded(self) -> None:
        """A scene was loaded, and with it perhaps another state of the editor: it edits the case in hand all the same."""
        if self._session is not None:
            self._editCase(self._session)

    def saveStateForUndo(self, segmentationNode: Any) -> None:
        """Keep a segmentation as it is now, for the editor's undo."""
        if self.editor.segmentationNode() is segmentationNode:
            self.editor.saveStateForUndo()

    def showSession(self, session: CaseSession | None) -> None:
        """Edit another case, or none."""
        self._leaveSession()
        self._session = session
        if session is None:
            if self._editorNode is not None:
                self.editor.setSegmentationNode(None)
                self.editor.setSourceVolumeNode(None)
            self.editor.enabled = False
            say(self.summary, editsText(None))
            return
        self._editCase(session)
        self.editor.enabled = True
        self._stopSession = [session.onEdits.add(self._showEdits)]
        segmentation = session.case.node.GetSegmentation()
        for event in (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved):
            self._observed.append((segmentation, segmentation.AddObserver(event, self._hideHelpers)))
        self._hideHelpers()
        self._showEdits(session.edits)

    def _editCase(self, session: CaseSession) -> None:
        _made = self.editorNode
        self.editor.setSegmentationNode(session.case.node)
        self.editor.setSourceVolumeNode(session.case.image)

    def _leaveSession(self) -> None:
        for stop in self._stopSession:
            stop()
        for segmentation, observation in self._observed:
            segmentation.RemoveObserver(observation)
        self._stopSession, self._observed, self._session = [], [], None

    def _hideHelpers(self, _caller: Any = None, _event: str = "") -> None:
        """The segment that holds the editor inside a region is not for painting."""
        if self._session is None:
            return
        segmentation = self._session.case.node.GetSegmentation()
        helpers = [name for name in segmentation.GetSegmentIDs() if isHelper(segmentation.GetSegment(name))]
        table = slicer.util.findChild(self.editor, "SegmentsTableView")
        if list(table.hideSegments()) != helpers:
            table.setHideSegments(helpers)

    def _showEdits(self, summary: EditSummary) -> None:
        say(self.summary, editsText(summary))


def _stopWatchingSlices(editor: Any) -> None:
    """See that nothing of the editor is called after it is gone.

    Slicer's Threshold effect watches the slice views from the first change of their layout on, and stops only when it is put
    down, even where nobody has taken it up.
    """
    threshold = editor.effectByName("Threshold")
    effect = None if threshold is None else threshold.self()
    stop = getattr(effect, "removeSliceCompositeObservers", None)
    if stop is not None:
        stop()
