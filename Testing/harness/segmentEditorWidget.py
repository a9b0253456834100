"""Stand-in of qMRMLSegmentEditorWidget: a small segment editor that works, on the real vtkSlicerSegmentEditorLogic.

What a module leans on follows Slicer's: nothing happens before scene and segment editor node are set; choosing a segmentation
chooses its reference volume, its first segment and no effect; the source volume is shown in the slice views where it is not
yet; shortcuts are installed in the main window; view observations come and go with an effect. Its widgets are fewer and
simpler.
"""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

import guard
import slicerCore
from pythonqtMembers import scripted
from segmentEditorEffects import qSlicerSegmentEditorAbstractEffect
from segmentEditorParts import SegmentEditorParts
from segmentEditorShortcuts import EditorShortcuts
from segmentEditorViews import EditorViews
from slicerApplication import qtApplication

_Property = QtCore.Property


class qMRMLSegmentEditorWidget(SegmentEditorParts):
    """The segment editor."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        self._views = EditorViews()
        self._shortcuts: EditorShortcuts | None = None
        self._lastActive = ""
        super().__init__(parent)

    # --- nodes

    @scripted
    def setMRMLScene(self, scene: Any) -> None:
        """Set the scene: only now are nodes offered."""
        if scene is self._scene:
            return
        if self._scene is not None:
            self._observers.remove(self._scene)
        super().setMRMLScene(scene)
        self._updating = True
        for box in (self._segmentationBox, self._sourceBox):
            box.setMRMLScene(scene)
        self._updating = False
        self._logic.SetMRMLApplicationLogic(slicerCore.application().applicationLogic)
        self._logic.SetMRMLScene(scene)
        if scene is not None:
            self._observers.add(scene, slicer.vtkMRMLScene.EndCloseEvent, self._setDefaults)
            self._observers.add(scene, slicer.vtkMRMLScene.EndCloseEvent, self._update)
            self._observers.add(scene, slicer.vtkMRMLScene.EndBatchProcessEvent, self._onBatchEnded)
        self._update()

    def _onBatchEnded(self) -> None:
        """The selectors win: what a loaded scene's segment editor node names is lost where they were not told of it."""
        if self._node is not None and self._node.GetSegmentationNode() is not self._segmentationBox.currentNode():
            self.setSegmentationNode(self._segmentationBox.currentNode())
        if self._node is not None and self._node.GetSourceVolumeNode() is not self._sourceBox.currentNode():
            self.setSourceVolumeNode(self._sourceBox.currentNode())
        self._update()

    @scripted
    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        """Set the node that keeps what is edited and how."""
        if node is self._node:
            return
        self._nodeObservers.removeAll()
        self._node = node
        self._logic.SetSegmentEditorNode(node)
        if node is not None:
            self._nodeObservers.add(node, "ModifiedEvent", self._update)
            self._setDefaults()
            self._update()

    def _setDefaults(self) -> None:
        if self._node is not None:
            for effect in self._effects.values():
                effect.setDefaults()

    @scripted
    def mrmlSegmentEditorNode(self) -> Any:
        """The node that keeps what is edited and how."""
        return self._node

    @scripted
    def setSegmentationNode(self, node: Any) -> None:
        """Edit another segmentation; the active effect ends."""
        if self._logic.GetSegmentationNode() is not node:
            self._logic.SetSegmentationNode(node)
            self.setActiveEffect(None)

    @scripted
    def setSegmentationNodeID(self, nodeId: str) -> None:
        """As `setSegmentationNode`, by ID."""
        self.setSegmentationNode(self._scene.GetNodeByID(nodeId))

    @scripted
    def segmentationNode(self) -> Any:
        """The segmentation that is edited."""
        return self._segmentationBox.currentNode()

    @scripted
    def segmentationNodeID(self) -> str:
        """Its ID."""
        node = self.segmentationNode()
        return node.GetID() if node is not None else ""

    @scripted
    def setSourceVolumeNode(self, node: Any) -> None:
        """Edit on another volume."""
        self._logic.SetSourceVolumeNode(node)

    @scripted
    def setSourceVolumeNodeID(self, nodeId: str) -> None:
        """As `setSourceVolumeNode`, by ID."""
        self.setSourceVolumeNode(self._scene.GetNodeByID(nodeId))

    @scripted
    def sourceVolumeNode(self) -> Any:
        """The volume that is edited on."""
        return self._logic.GetSourceVolumeNode()

    @scripted
    def sourceVolumeNodeID(self) -> str:
        """Its ID."""
        node = self.sourceVolumeNode()
        return node.GetID() if node is not None else ""

    @scripted
    def currentSegmentID(self) -> str:
        """ID of the selected segment."""
        return self._logic.GetCurrentSegmentID() if self._node is not None else ""

    @scripted
    def setCurrentSegmentID(self, segmentId: str) -> None:
        """Select a segment."""
        if self._node is not None:
            self._node.SetSelectedSegmentID(segmentId)

    # --- effects

    @scripted
    def availableEffectNames(self) -> list[str]:
        """Names of the effects; Slicer has more."""
        return list(self._effects)

    @scripted
    def effectByName(self, name: str) -> Any:
        """An effect, None where there is none of the name."""
        return self._effects.get(name)

    @scripted
    def activeEffect(self) -> Any:
        """The active effect."""
        return self._active

    @scripted
    def setActiveEffect(self, effect: qSlicerSegmentEditorAbstractEffect | None) -> None:
        """Make an effect the active one, or none."""
        if self._node is None:
            if effect is not None:
                guard.log.add("qt", "qMRMLSegmentEditorWidget::setActiveEffect: Invalid segment editor parameter set node")
            return
        self._lastActive = self._active.effectName if self._active is not None else ""
        self._node.SetActiveEffectName(effect.effectName if effect is not None else "")

    @scripted
    def setActiveEffectByName(self, name: str) -> None:
        """Make an effect the active one; an unknown name makes none."""
        self.setActiveEffect(self._effects.get(name))

    # --- views

    @scripted
    def setupViewObservations(self) -> None:
        """Give the slice views' mouse to the active effect."""
        self._views.observe(self._sliceLogics(), lambda: self._active)

    @scripted
    def removeViewObservations(self) -> None:
        """Give the mouse back."""
        self._views.remove()

    @scripted
    def showSourceVolumeInSliceViewers(self, forceShowInBackground: bool = False, fitSlice: bool = False) -> None:
        """Show the source volume in the slice views."""
        if self._source is None:
            return
        for logic in self._sliceLogics():
            if forceShowInBackground:
                logic.GetSliceCompositeNode().SetBackgroundVolumeID(None)
            self._show([logic])
            if fitSlice:
                logic.FitSliceToBackground()

    # --- undo

    @scripted
    def saveStateForUndo(self) -> None:
        """Keep the segmentation as it is: undo leads back to it."""
        self._logic.SaveStateForUndo()

    @scripted
    def undo(self) -> None:
        """One step back."""
        self._logic.Undo()

    @scripted
    def redo(self) -> None:
        """One step forward."""
        self._logic.Redo()

    # --- shortcuts

    @scripted
    def installKeyboardShortcuts(self, parent: QtWidgets.QWidget | None = None) -> None:
        """Take keys of the main window, or of another widget."""
        self.uninstallKeyboardShortcuts()
        place = parent or qtApplication().mainWindow()
        if place is None:
            guard.log.add("qt", "QShortcut: No widget parent defined")
        else:
            self._shortcuts = EditorShortcuts(self, place, list(self._effects))

    @scripted
    def uninstallKeyboardShortcuts(self) -> None:
        """Give the keys back."""
        if self._shortcuts is not None:
            self._shortcuts.remove()
            self._shortcuts = None

    def toggleEffect(self, name: str) -> None:
        """Make an effect the active one, or none where it is that already; "last": the one before."""
        if not self._readOnly:
            wanted = self._lastActive if name == "last" else name
            active = self._active is not None and self._active.effectName == wanted
            self.setActiveEffectByName("" if active else wanted)

    @scripted
    def selectPreviousSegment(self) -> None:
        """Select the segment before."""
        self._logic.SelectPreviousSegment(False)

    @scripted
    def selectNextSegment(self) -> None:
        """Select the next segment."""
        self._logic.SelectNextSegment(False)

    # --- what is shown

    @scripted
    def setSegmentationNodeSelectorVisible(self, visible: bool) -> None:
        """Whether the segmentation can be chosen."""
        self._selectors.setRowVisible(self._segmentationBox, visible)

    @scripted
    def setSourceVolumeNodeSelectorVisible(self, visible: bool) -> None:
        """Whether the volume can be chosen."""
        self._selectors.setRowVisible(self._sourceBox, visible)

    @scripted
    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        """How many steps undo goes back."""
        self._logic.SetMaximumNumberOfUndoStates(count)

    @scripted
    def setReadOnly(self, readOnly: bool) -> None:
        """Whether nothing can be edited."""
        self._readOnly = readOnly
        if readOnly:
            self.setActiveEffect(None)
        self._update()

    @scripted
    def setAutoShowSourceVolumeNode(self, show: bool) -> None:
        """Whether a source volume is shown in the slice views when it is chosen."""
        self._autoShow = show

    @scripted
    def setMaskingSectionVisible(self, visible: bool) -> None:
        """Whether the masking can be chosen."""
        self._maskBox.setVisible(visible)

    @scripted
    def updateWidgetFromMRML(self) -> None:
        """Show what the nodes say."""
        self._update()

    segmentationNodeSelectorVisible = _Property(
        bool, lambda self: self._selectors.isRowVisible(self._segmentationBox), setSegmentationNodeSelectorVisible
    )
    sourceVolumeNodeSelectorVisible = _Property(
        bool, lambda self: self._selectors.isRowVisible(self._sourceBox), setSourceVolumeNodeSelectorVisible
    )
    maskingSectionVisible = _Property(bool, lambda self: not self._maskBox.isHidden(), setMaskingSectionVisible)
    autoShowSourceVolumeNode = _Property(bool, lambda self: self._autoShow, setAutoShowSourceVolumeNode)
    readOnly = _Property(bool, lambda self: self._readOnly, setReadOnly)
    maximumNumberOfUndoStates = _Property(
        int, lambda self: self._logic.GetMaximumNumberOfUndoStates(), setMaximumNumberOfUndoStates
    )
