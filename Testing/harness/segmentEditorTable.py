"""The table of segments in the segment editor's stand-in."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from pythonqtMembers import scripted

_ID = QtCore.Qt.ItemDataRole.UserRole


def segmentIdsOf(segmentationNode: Any) -> list[str]:
    """The IDs of the segments of a segmentation, in its order."""
    return list(segmentationNode.GetSegmentation().GetSegmentIDs()) if segmentationNode is not None else []


class SegmentsTable(QtWidgets.QTableWidget):
    """A row for each segment: its colour and its name. The chosen row is the selected segment."""

    segmentChosen = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget) -> None:
        super().__init__(0, 2, parent)
        self.setObjectName("SegmentsTableView")
        self.setHorizontalHeaderLabels(["", "Name"])
        self.verticalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.setColumnWidth(0, 24)
        self.setMaximumHeight(140)
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.itemSelectionChanged.connect(self._onSelection)
        self._hidden: list[str] = []
        self._shown: tuple[Any, str] = (None, "")

    def show_(self, segmentationNode: Any, selectedId: str) -> None:
        """Show the segments of a segmentation, or none."""
        self._shown = segmentationNode, selectedId
        self.blockSignals(True)
        ids = [segmentId for segmentId in segmentIdsOf(segmentationNode) if segmentId not in self._hidden]
        self.setRowCount(len(ids))
        for row, segmentId in enumerate(ids):
            segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
            colour = QtWidgets.QTableWidgetItem()
            colour.setBackground(QtGui.QColor.fromRgbF(*segment.GetColor()))
            colour.setData(_ID, segmentId)
            self.setItem(row, 0, colour)
            self.setItem(row, 1, QtWidgets.QTableWidgetItem(segment.GetName()))
        if selectedId in ids:
            self.selectRow(ids.index(selectedId))
        else:
            self.clearSelection()
        self.blockSignals(False)

    @scripted
    def setHideSegments(self, segmentIds: list[str]) -> None:
        """Leave segments out of the table."""
        self._hidden = list(segmentIds)
        self.show_(*self._shown)

    @scripted
    def hideSegments(self) -> list[str]:
        """The segments that are left out."""
        return list(self._hidden)

    def _onSelection(self) -> None:
        rows = self.selectionModel().selectedRows()
        self.segmentChosen.emit(self.item(rows[0].row(), 0).data(_ID) if rows else "")
