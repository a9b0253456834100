"""The widgets of the segment editor's stand-in, and how they follow the nodes; its methods are in segmentEditorWidget.py."""

from __future__ import annotations

from typing import Any, ClassVar

import slicer
from PySide6 import QtCore, QtWidgets

from mrmlWidget import qMRMLWidget
from qmrml import qMRMLNodeComboBox
from segmentEditorEffects import makeEffects
from segmentEditorTable import SegmentsTable, segmentIdsOf
from slicerApplication import qtApplication
from vtkConnections import VtkConnections

_MASK_MODES = {
    "Everywhere": slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere,
    "Inside all segments": slicer.vtkMRMLSegmentationNode.EditAllowedInsideAllSegments,
    "Inside all visible segments": slicer.vtkMRMLSegmentationNode.EditAllowedInsideVisibleSegments,
    "Outside all segments": slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments,
    "Outside all visible segments": slicer.vtkMRMLSegmentationNode.EditAllowedOutsideVisibleSegments,
}


class SegmentEditorParts(qMRMLWidget):
    """Selectors, table of segments, effects, undo and masking, kept as the nodes say."""

    SIGNALS: ClassVar[dict[str, str]] = {
        "segmentationNodeChanged(vtkMRMLSegmentationNode*)": "segmentationChanged_",
        "sourceVolumeNodeChanged(vtkMRMLVolumeNode*)": "sourceChanged_",
    }
    segmentationChanged_ = QtCore.Signal(object)
    sourceChanged_ = QtCore.Signal(object)
    currentSegmentIDChanged = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._node: Any = None
        self._segmentation: Any = None
        self._source: Any = None
        self._active: Any = None
        self._readOnly = False
        self._autoShow = True
        self._updating = False
        self._nodeObservers = VtkConnections(self)
        self._segmentationObservers = VtkConnections(self)
        self._effects = makeEffects(self._logic, self.setActiveEffectByName, self)
        self._observers = VtkConnections(self)
        self._observers.add(self._logic, self._logic.SegmentationHistoryChangedEvent, self._updateUndo)
        self._makeWidgets()
        self._update()

    def setActiveEffectByName(self, name: str) -> None:
        """Make an effect the active one; an unknown name makes none."""
        raise NotImplementedError

    def undo(self) -> None:
        """One step back."""
        self._logic.Undo()

    def redo(self) -> None:
        """One step forward."""
        self._logic.Redo()

    def setupViewObservations(self) -> None:
        """Give the slice views' mouse to the active effect."""
        raise NotImplementedError

    def removeViewObservations(self) -> None:
        """Give the mouse back."""
        raise NotImplementedError

    def _makeWidgets(self) -> None:
        layout = QtWidgets.QVBoxLayout(self)
        self._selectors = QtWidgets.QFormLayout()
        self._segmentationBox = self._selector("Segmentation:", "SegmentationNodeComboBox", "vtkMRMLSegmentationNode")
        self._sourceBox = self._selector("Source volume:", "SourceVolumeNodeComboBox", "vtkMRMLScalarVolumeNode")
        self._segmentationBox.nodeChanged_.connect(self._onSegmentationChosen)
        self._sourceBox.nodeChanged_.connect(self._onSourceChosen)
        layout.addLayout(self._selectors)
        self._table = SegmentsTable(self)
        self._table.segmentChosen.connect(self._onSegmentChosen)
        layout.addWidget(self._table)
        row = QtWidgets.QHBoxLayout()
        self._buttons = {name: self._effectButton(name, row) for name in ("", *self._effects)}
        self._undoButton = self._button("Undo", "UndoButton", self.undo, row)
        self._redoButton = self._button("Redo", "RedoButton", self.redo, row)
        layout.addLayout(row)
        self._options = QtWidgets.QGroupBox(self)
        self._options.setObjectName("OptionsGroupBox")
        QtWidgets.QVBoxLayout(self._options).setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._options)
        self._maskBox = QtWidgets.QComboBox(self)
        self._maskBox.setObjectName("MaskModeComboBox")
        self._maskBox.currentIndexChanged.connect(self._onMaskMode)
        layout.addWidget(self._maskBox)

    def _selector(self, label: str, name: str, nodeType: str) -> qMRMLNodeComboBox:
        box = qMRMLNodeComboBox(self)
        box.setObjectName(name)
        box.setProperty("nodeTypes", [nodeType])
        for flag in ("addEnabled", "removeEnabled"):
            box.setProperty(flag, False)
        box.setProperty("noneEnabled", True)
        self._selectors.addRow(label, box)
        return box

    def _button(self, text: str, name: str, slot: Any, row: QtWidgets.QHBoxLayout) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton(self)
        button.setText(text)
        button.setObjectName(name)
        button.clicked.connect(lambda _checked: slot())
        row.addWidget(button)
        return button

    def _effectButton(self, name: str, row: QtWidgets.QHBoxLayout) -> QtWidgets.QToolButton:
        button = self._button(name or "None", name or "NULL", lambda: self.setActiveEffectByName(name), row)
        button.setCheckable(True)
        return button

    # --- from the nodes to the widgets

    def _update(self) -> None:
        if self._scene is not None and (self._scene.IsClosing() or self._scene.IsBatchProcessing()):
            return
        if self._updating:
            return
        self._updating = True
        self._takeSegmentation()
        self._takeSource()
        ready = self._node is not None and self._node.GetSourceVolumeNode() is not None and not self._readOnly
        for box, enabled in ((self._segmentationBox, self._node), (self._sourceBox, self._segmentation)):
            box.setEnabled(enabled is not None)
        for name, button in self._buttons.items():
            button.setEnabled(ready and (not name or bool(self._node.GetSelectedSegmentID())))
        self._table.show_(self._segmentation, self.currentSegmentID())
        self._takeMaskModes()
        self._takeEffect()
        self._updateUndo()
        self._updating = False

    def _takeSegmentation(self) -> None:
        node = self._node.GetSegmentationNode() if self._node is not None else None
        _quietly(self._segmentationBox, node)
        if node is self._segmentation:
            return
        self._segmentationObservers.removeAll()
        self._segmentation = node
        if node is not None:
            self._segmentationObservers.add(node, "ModifiedEvent", self._update)
            for event in (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved):
                self._segmentationObservers.add(node, event, self._update)
            node.CreateDefaultDisplayNodes()
            reference = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
            self._logic.SetSourceVolumeNode(reference)
            ids = segmentIdsOf(node)
            if ids and self._node.GetSelectedSegmentID() not in ids:
                self._node.SetSelectedSegmentID(ids[0])
            composites = [logic.GetSliceCompositeNode() for logic in self._sliceLogics()]
            for composite in composites:
                composite.SetLabelVolumeID(None)
            self._effects["Threshold"].layoutChanged(composites)
        self.segmentationChanged_.emit(node)

    def _takeSource(self) -> None:
        source = self._logic.GetSourceVolumeNode() if self._node is not None else None
        _quietly(self._sourceBox, source)
        if source is self._source:
            return
        self._source = source
        if source is not None and self._autoShow:
            self._show(self._sliceLogics())
        self.sourceChanged_.emit(source)

    def _takeMaskModes(self) -> None:
        self._maskBox.blockSignals(True)
        self._maskBox.clear()
        for text, mode in _MASK_MODES.items():
            self._maskBox.addItem(text, mode)
        for segmentId in segmentIdsOf(self._segmentation):
            name = self._segmentation.GetSegmentation().GetSegment(segmentId).GetName()
            self._maskBox.addItem(f"Inside {name}", segmentId)
        if self._node is not None:
            inside = self._node.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment
            self._maskBox.setCurrentIndex(
                self._maskBox.findData(self._node.GetMaskSegmentID() if inside else self._node.GetMaskMode())
            )
        self._maskBox.blockSignals(False)

    def _takeEffect(self) -> None:
        name = self._node.GetActiveEffectName() or "" if self._node is not None else ""
        effect = self._effects.get(name)
        for known, button in self._buttons.items():
            button.setChecked(known == name)
        if effect is self._active:
            return
        self._active = effect
        layout = self._options.layout()
        while layout.count():
            layout.takeAt(0).widget().deleteLater()
        self._options.setVisible(effect is not None)
        if effect is None:
            self.removeViewObservations()
            return
        self._logic.SetSourceRepresentationToBinaryLabelMap()
        self.setupViewObservations()
        self._options.setTitle(name)
        layout.addWidget(effect.makeOptions(self._options))

    def _updateUndo(self) -> None:
        self._undoButton.setEnabled(not self._readOnly and self._logic.CanUndo())
        self._redoButton.setEnabled(not self._readOnly and self._logic.CanRedo())

    # --- from the widgets to the nodes

    def _onSegmentationChosen(self, node: Any) -> None:
        if not self._updating and self._scene is not None and not self._scene.IsBatchProcessing():
            self.setSegmentationNode(node)

    def _onSourceChosen(self, node: Any) -> None:
        if not self._updating and self._scene is not None and not self._scene.IsBatchProcessing():
            self.setSourceVolumeNode(node)

    def _onSegmentChosen(self, segmentId: str) -> None:
        if self._node is not None and segmentId != (self._node.GetSelectedSegmentID() or ""):
            self._node.SetSelectedSegmentID(segmentId)
            self.currentSegmentIDChanged.emit(segmentId)

    def _onMaskMode(self, index: int) -> None:
        data = self._maskBox.itemData(index)
        if self._node is not None and isinstance(data, str):
            self._node.SetMaskSegmentID(data)
            self._node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)
        elif self._node is not None and data is not None:
            self._node.SetMaskMode(data)

    def _sliceLogics(self) -> list[Any]:
        manager = qtApplication().layoutManager()
        logics = [] if manager is None else [manager.sliceWidget(name).view.logic for name in manager.sliceViewNames()]
        return [logic for logic in logics if self._logic.IsSegmentationDisplayableInView(logic.GetSliceNode())]

    def _show(self, logics: list[Any]) -> None:
        """Show the source volume in slice views that do not show it yet, as their only volume."""
        for logic in logics:
            composite = logic.GetSliceCompositeNode()
            if self._source.GetID() not in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()):
                composite.SetBackgroundVolumeID(self._source.GetID())
                composite.SetForegroundVolumeID(None)
                composite.SetLabelVolumeID(None)


def _quietly(box: qMRMLNodeComboBox, node: Any) -> None:
    before = box.blockSignals(True)
    box.setCurrentNode(node)
    box.blockSignals(before)
