"""Hold the segment editor inside one region.

The editor can be told to work inside one segment only. So a hidden helper segment with the region's voxels is added, and the
editor told to stay inside it. What the editor does to such a segment is made good at once, before anybody sees it:

* Painting takes the painted voxels away from it, so that they could not be erased again: they are given back to it.
* Erasing is not held inside it, but moves the voxels that it erases elsewhere into it: they are given back to their segment.
* Undo removes it where it goes back to before it was added: it is added again, while the undo is still going on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import slicer

from dualssl.metrics.band import bounding_box
from DualSSLSegmentationLib.scene.caseNodes import PREFIX, ROLE_TAG, CaseError
from DualSSLSegmentationLib.scene.segmentLayers import arrayOf, binaryLabelmap, gridOf, inSpace, isEmpty, onGrid
from DualSSLSegmentationLib.scene.structureSegments import isHelper
from DualSSLSegmentationLib.scene.volumes import fillImage, geometryOf, matrixOfArray, transformBetween, volumeOf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from dualssl.geometry import Geometry
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

ROLE = "regionMask"
"""Value of the helper segment's role tag."""
_ID_PREFIX = PREFIX + "RegionMask."
# After everybody else has heard of a removed segment.
_LAST = -1000.0
_inUse: set[str] = set()


def regionVoxels(case: SegmentedCase, regionId: int) -> NDArray[np.bool_]:
    """True in the voxels of a region, on the image's grid (k, j, i).

    Raises:
        CaseError: the image or the map of regions are gone, or they do not fit each other.
    """
    name = case.node.GetName()
    for node, what in ((case.image, "image"), (case.regionMap, "map of uncertain regions")):
        if node is None:
            raise CaseError(f"The {what} of '{name}' was deleted: load the scene again, or segment the image again.")
    ids = volumeOf(case.regionMap).array
    if ids.shape != geometryOf(case.image).shape:
        raise CaseError(f"The map of uncertain regions of '{name}' does not fit its image: segment the image again.")
    return np.asarray(ids == regionId)


def removeLeftovers(segmentationNode: Any, editorNodes: Iterable[Any] = ()) -> None:
    """Remove helper segments that no mask uses: of a saved scene, or brought back by undo after their mask was removed.

    To be called when a case is opened, and never while the segment editor is at work inside a stroke.

    Args:
        segmentationNode: where to look.
        editorNodes: vtkMRMLSegmentEditorNodes that may still be held inside one of them; they may edit everywhere again.
    """
    segmentation = segmentationNode.GetSegmentation()
    for segmentId in segmentation.GetSegmentIDs():
        if segmentId not in _inUse and (segmentId.startswith(_ID_PREFIX) or isHelper(segmentation.GetSegment(segmentId))):
            segmentation.RemoveSegment(segmentId)
    for editor in editorNodes:
        held = editor.GetMaskSegmentID() or ""
        if held.startswith(_ID_PREFIX) and held not in _inUse:
            _setMask(editor, slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere, None)


class RegionMask:
    """While it is active, the segment editor changes voxels of one region only.

    It ends by itself when a person chooses another editable area or another segmentation in the editor; what they chose stays.

    Args:
        case: whose segmentation is edited.
        regionId: of the region.
        editorNode: vtkMRMLSegmentEditorNode of the editor.
        onEnded: called when it ends by itself.

    Attributes:
        segmentId: of the helper segment.

    Raises:
        CaseError: the region has no voxels, nodes of the case are gone, or its segments are not made of voxels.
    """

    def __init__(self, case: SegmentedCase, regionId: int, editorNode: Any, onEnded: Callable[[], None] | None = None) -> None:
        self.segmentId = f"{_ID_PREFIX}{uuid4().hex[:8]}"
        self._node = case.node
        self._segmentation = case.node.GetSegmentation()
        self._editor = editorNode
        self._onEnded = onEnded
        self._name = f"Region {regionId} (editable area)"
        if self._segmentation.GetSourceRepresentationName() != binaryLabelmap():
            raise CaseError(
                f"The segments of '{case.node.GetName()}' are not made of voxels: choose Binary labelmap as the source "
                "representation in the Segmentations module."
            )
        region = regionVoxels(case, regionId)
        if not region.any():
            raise CaseError(f"Region {regionId} of '{case.node.GetName()}' has no voxels: choose one of its review list.")
        self._region = region
        self._grid = inSpace(geometryOf(case.image), transformBetween(case.image, case.node))
        self._active = False
        self._suspended = False
        self._busy = False
        self._clean: tuple[str, int] | None = None
        self._selected: str | None = None
        self._earlier: tuple[int, str | None] = (0, None)
        self._observed: list[tuple[Any, int]] = []
        removeLeftovers(case.node, [editorNode])
        self._segmentation.AddObserver(slicer.vtkSegmentation.SegmentAdded, self._hiddenWhereLeft())
        self._begin()

    @property
    def active(self) -> bool:
        """Whether the editor is held inside the region."""
        return self._active

    def remove(self) -> None:
        """Let the editor go: what it could edit before, it can again. A second call does nothing."""
        self._suspended = False
        self._end()

    def suspend(self) -> None:
        """Take the helper segment out, so that a scene can be saved without it."""
        if self._active:
            self._end()
            self._suspended = True

    def resume(self) -> None:
        """Go on after `suspend`, unless the segmentation has left the scene."""
        if self._suspended and self._node.GetScene() is not None:
            self._suspended = False
            self._begin()

    def _begin(self) -> None:
        self._earlier = (self._editor.GetMaskMode(), self._editor.GetMaskSegmentID())
        self._selected = self._editor.GetSelectedSegmentID()
        self._active = True
        _inUse.add(self.segmentId)
        self._add()
        self._hold()
        for event in ("SourceRepresentationModified", "RepresentationModified", "SegmentModified"):
            self._observe(self._segmentation, getattr(slicer.vtkSegmentation, event), self._voxelsModified)
        self._observe(self._segmentation, slicer.vtkSegmentation.SegmentRemoved, self._segmentRemoved, _LAST)
        self._observe(self._editor, "ModifiedEvent", self._editorModified)
        self._observe(self._node, self._node.SegmentationChangedEvent, self._otherSegmentation)

    def _observe(self, caller: Any, event: Any, function: Any, priority: float = 0.0) -> None:
        self._observed.append((caller, caller.AddObserver(event, function, priority)))

    def _end(self) -> None:
        if not self._active:
            return
        self._active = False
        _inUse.discard(self.segmentId)
        for caller, number in self._observed:
            caller.RemoveObserver(number)
        self._observed = []
        if self._isHeld():  # if not, a person has chosen something else
            mode, segmentId = self._earlier
            if segmentId and self._segmentation.GetSegment(segmentId) is None:
                mode, segmentId = slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere, None
            _setMask(self._editor, mode, segmentId)
        removeLeftovers(self._node)

    def _isHeld(self) -> bool:
        inside = slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment
        return self._editor.GetMaskMode() == inside and self._editor.GetMaskSegmentID() == self.segmentId

    def _hold(self) -> None:
        _setMask(self._editor, slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment, self.segmentId)

    def _add(self) -> None:
        segment = slicer.vtkSegment()
        segment.SetName(self._name)
        segment.SetTag(ROLE_TAG, ROLE)
        segment.AddRepresentation(binaryLabelmap(), _imageOf(self._region, self._grid))
        self._segmentation.AddSegment(segment, self.segmentId)
        _hide(self._node, self.segmentId)
        self._clean = self._voxelTime()

    def _voxelTime(self) -> tuple[str, int] | None:
        segment = self._segmentation.GetSegment(self.segmentId)
        image = None if segment is None else segment.GetRepresentation(binaryLabelmap())
        return None if image is None else (image.GetAddressAsString(""), image.GetMTime())

    def _segmentRemoved(self, _caller: Any, _event: str) -> None:
        if self._active and self._segmentation.GetSegment(self.segmentId) is None:
            # At once: the history takes no notice of what happens while it restores a state, and so keeps its steps forward.
            self._add()

    def _voxelsModified(self, _caller: Any, _event: str) -> None:
        time = self._voxelTime()
        if self._busy or time is None or time == self._clean:
            return
        self._busy = True
        try:
            self._makeGood()
        finally:
            self._busy = False
            self._clean = self._voxelTime()

    def _makeGood(self) -> None:
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        erased, whole = self._foundInHelper()
        edited = self._editor.GetSelectedSegmentID()
        if erased is not None and edited and edited != self.segmentId and self._segmentation.GetSegment(edited) is not None:
            logic.SetBinaryLabelmapToSegment(erased, self._node, edited, logic.MODE_MERGE_MASK)
        if not whole:
            region = _imageOf(self._region, self._grid)
            logic.SetBinaryLabelmapToSegment(region, self._node, self.segmentId, logic.MODE_REPLACE)

    def _foundInHelper(self) -> tuple[Any, bool]:
        """Voxels of the helper segment outside the region, as an image or None, and whether it is just the region."""
        segment = self._segmentation.GetSegment(self.segmentId)
        image = segment.GetRepresentation(binaryLabelmap())
        if isEmpty(image):
            return None, False
        # On the helper's own lattice: a person may have chosen smaller voxels for editing than the image's.
        lattice = gridOf(image)
        own = arrayOf(image) == segment.GetLabelValue()
        outside = own & (onGrid(self._region.astype(np.uint8), self._grid, lattice) == 0)
        if not outside.any():
            same = np.allclose(lattice.ijk_to_ras[:3, :3], self._grid.ijk_to_ras[:3, :3])
            return None, bool(same and own.sum() == self._region.sum())
        erased = slicer.vtkOrientedImageData()
        erased.DeepCopy(image)
        arrayOf(erased)[...] = outside
        return erased, False

    def _editorModified(self, _caller: Any, _event: str) -> None:
        if self._busy:
            return
        if self._editor.GetSegmentationNode() is not self._node or not self._isHeld():
            self._endByItself()
        elif self._editor.GetSelectedSegmentID() == self.segmentId:
            self._editor.SetSelectedSegmentID(self._selected)
        else:
            self._selected = self._editor.GetSelectedSegmentID()

    def _otherSegmentation(self, _caller: Any, _event: str) -> None:
        self._endByItself()

    def _endByItself(self) -> None:
        self._end()
        if self._onEnded is not None:
            self._onEnded()

    def _hiddenWhereLeft(self) -> Any:
        """An observer that hides the helper segment where undo brings it back after the mask was removed.

        It is not removed then: the history would read beyond its list of segments.
        """
        segmentId, nodeId, scene = self.segmentId, self._node.GetID(), self._node.GetScene()

        def hide(segmentation: Any, _event: str) -> None:
            node = scene.GetNodeByID(nodeId)
            if segmentId not in _inUse and node is not None and segmentation.GetSegment(segmentId) is not None:
                _hide(node, segmentId)

        return hide


def _hide(segmentationNode: Any, segmentId: str) -> None:
    display = segmentationNode.GetDisplayNode()
    if display is not None:
        display.SetSegmentVisibility(segmentId, False)


def _setMask(editorNode: Any, mode: int, segmentId: str | None) -> None:
    before = editorNode.StartModify()
    editorNode.SetMaskSegmentID(segmentId)
    editorNode.SetMaskMode(mode)
    editorNode.EndModify(before)


def _imageOf(mask: NDArray[np.bool_], grid: Geometry) -> Any:
    """A vtkOrientedImageData of the smallest extent that holds a mask (k, j, i) with some voxel, on the lattice of its grid."""
    box = bounding_box(mask)
    assert box is not None
    image = slicer.vtkOrientedImageData()
    fillImage(image, mask[box], (box[0].start, box[1].start, box[2].start))
    image.SetGeometryFromImageToWorldMatrix(matrixOfArray(grid.ijk_to_ras))
    return image
