"""Label maps and segmentation nodes: making a segmentation, reading its voxels out, and writing voxels into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.metrics.band import bounding_box
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
from DualSSLSegmentationLib.scene.segmentLayers import (
    Layer,
    arrayOf,
    binaryLabelmap,
    closedSurface,
    covering,
    gridOf,
    inSpace,
    isEmpty,
    layersOf,
    onGrid,
    orientedImage,
)
from DualSSLSegmentationLib.scene.structureSegments import newSegment, segmentIdFor, structureSegments
from DualSSLSegmentationLib.scene.volumes import checkSameGrid, checkTransform, geometryOf, transformBetween

FILL_OPACITY = 0.15
"""Of a new segmentation in slice views, 0..1; its border is drawn in full."""


@dataclass(frozen=True, eq=False)
class LabelMapOfSegments:
    """What the segments of a case say, voxel by voxel.

    Attributes:
        array: uint8 (k, j, i), on the image's grid; where segments overlap, the one of the later layer wins.
        unknown: names of segments that stand for no structure.
        overlapping: voxels that lie in more than one structure's segment.
    """

    array: NDArray[np.uint8]
    unknown: tuple[str, ...]
    overlapping: int


def addSegmentation(scene: Any, labelMap: Volume, labels: LabelTable, image: Any, name: str) -> Any:
    """Add a segmentation with one segment for each structure, also for those without a voxel, all in one layer.

    Args:
        scene: where to.
        labelMap: on the image's grid.
        labels: names, colours, codes and values.
        image: volume node that was segmented; gives grid and parent transform.
        name: made unique in the scene.

    Returns:
        vtkMRMLSegmentationNode with a display node.

    Raises:
        VolumeError: another grid than the image's, values that are not in `labels`, or the image is under a transform that is
            not linear.
    """
    checkTransform(image)
    checkSameGrid(f"The label map of '{name}'", labelMap.geometry, geometryOf(image), image.GetName())
    layer = orientedImage(_checkedValues(labelMap.array, labels, name), labelMap.geometry)
    node = scene.CreateNodeByClass("vtkMRMLSegmentationNode")
    node.SetName(scene.GenerateUniqueName(name))
    segmentation = node.GetSegmentation()
    segmentation.SetSourceRepresentationName(binaryLabelmap())
    _useFastSurfaces(segmentation)
    for label in labels:
        segment = newSegment(label)
        segment.AddRepresentation(binaryLabelmap(), layer)
        segmentation.AddSegment(segment, segmentIdFor(label))
    # Complete before it is added: whoever hears of the new node sees its segments.
    scene.AddNode(node)
    node.UnRegister(None)
    node.SetAndObserveTransformNodeID(image.GetTransformNodeID())
    # After the transform: the geometry is kept in the segmentation's own space, and files are written on its lattice.
    node.SetReferenceImageGeometryParameterFromVolumeNode(image)
    node.CreateDefaultDisplayNodes()
    _letTheImageShow(node)
    return node


def segmentIdOf(segmentationNode: Any, labelValue: int) -> str | None:
    """Id of the segment that stands for a label value, or None; see `structureSegments`. The labels are the case's own."""
    return structureSegments(segmentationNode, SegmentedCase(segmentationNode).labels).byValue.get(labelValue)


def _letTheImageShow(segmentationNode: Any) -> None:
    """A thin fill: Slicer's usual one lies over the maps of uncertainty and hides them just where they matter."""
    display = segmentationNode.GetDisplayNode()
    for segmentId in segmentationNode.GetSegmentation().GetSegmentIDs():
        display.SetSegmentOpacity2DFill(segmentId, FILL_OPACITY)


def labelMapOf(case: Any, labels: LabelTable, image: Any) -> LabelMapOfSegments:
    """Read all structures out as one label map on the image's grid, whatever the segmentation's own grid is.

    Hidden segments count like others, helper segments do not. The scene is left as it is.

    Args:
        case: a `SegmentedCase` or a segmentation node.
        labels: the structures; which segment stands for which says `structureSegments`.
        image: volume node whose grid is wanted.

    Raises:
        VolumeError: the image has no voxels, a parent transform is not linear, or the segments cannot be turned into voxels.
    """
    node = case.node if isinstance(case, SegmentedCase) else case
    match = structureSegments(node, labels)
    grid = inSpace(geometryOf(image), transformBetween(image, node))
    result: NDArray[np.uint8] | None = None
    overlapping: NDArray[np.bool_] | None = None
    # Segments of one layer cannot overlap, so layers are compared, not segments.
    for layer in layersOf(node):
        table = _labelsByLayerValue(node, layer, match.byValue)
        if isEmpty(layer.image) or not table.any():
            continue
        part = _lookedUp(table, onGrid(arrayOf(layer.image), gridOf(layer.image), grid))
        if result is None:
            result = part
            continue
        both = (part != 0) & (result != 0)
        overlapping = both if overlapping is None else overlapping | both
        np.copyto(result, part, where=part != 0)
    names = tuple(node.GetSegmentation().GetSegment(i).GetName() for i in match.unknown)
    count = 0 if overlapping is None else int(np.count_nonzero(overlapping))
    return LabelMapOfSegments(np.zeros(grid.shape, np.uint8) if result is None else result, names, count)


def writeLabels(
    segmentationNode: Any,
    labelMap: Volume,
    labels: LabelTable,
    only: NDArray[np.bool_] | None = None,
    undo: Callable[[], None] | None = None,
) -> None:
    """Replace voxels of the structures' segments in one go; other segments stay as they are.

    Each layer keeps its own lattice, so that what a person painted finer than the image stays fine outside `only`. A structure
    that has no segment any more, but voxels in `labelMap`, gets a new one. Surfaces are made anew where there were some.

    Args:
        segmentationNode: what is written to.
        labelMap: new label values (k, j, i) on the image's grid, 0 for background.
        labels: the structures.
        only: True where voxels are replaced, of the same shape; None replaces everywhere.
        undo: called once before the first change, to save the state for undo; not called where nothing changes.

    Raises:
        VolumeError: the label map is not on the image's grid, its values are not in `labels`, or a parent transform is not
            linear.
    """
    name = segmentationNode.GetName()
    grid = _gridInNode(segmentationNode, labelMap.geometry)
    array = _checkedValues(labelMap.array, labels, name)
    mask = np.ones(array.shape, bool) if only is None else np.asarray(only, bool)
    if mask.shape != array.shape:
        raise ValueError(f"a mask of shape {mask.shape} for a label map of shape {array.shape}")
    match = structureSegments(segmentationNode, labels).byValue
    layers = layersOf(segmentationNode)
    changes = [c for layer in layers if (c := _change(segmentationNode, layer, match, array, mask, grid)) is not None]
    placed = {segmentId for layer in layers for segmentId in layer.segmentIds}
    homeless = [label for label in labels if match.get(label.value) not in placed and np.any((array == label.value) & mask)]
    if not changes and not homeless:
        return
    if undo is not None:
        undo()
    hadSurface = segmentationNode.GetSegmentation().ContainsRepresentation(closedSurface())
    before = segmentationNode.StartModify()
    try:
        segmentationNode.SetSourceRepresentationToBinaryLabelmap()
        for change in changes:
            change.apply(segmentationNode)
        if homeless:
            _addLayer(segmentationNode, homeless, match, np.where(mask, array, 0), grid)
        if hadSurface:
            segmentationNode.CreateClosedSurfaceRepresentation()
    finally:
        segmentationNode.EndModify(before)


def showSurface(segmentationNode: Any, shown: bool) -> None:
    """Show the segments in 3D views, or no longer. A surface that is not shown is removed, for keeping it up to date costs."""
    display = segmentationNode.GetDisplayNode()
    if shown:
        segmentationNode.CreateClosedSurfaceRepresentation()
        if display is not None:
            display.SetPreferredDisplayRepresentationName3D(closedSurface())
            display.SetVisibility3D(True)
    else:
        segmentationNode.RemoveClosedSurfaceRepresentation()


@dataclass(frozen=True, eq=False)
class _Change:
    """New voxels of a layer.

    Attributes:
        layer: whose.
        image: new voxels of the layer.
        split: voxels for `leaving`, which can no longer share the layer; None where all stay.
        leaving: ids of segments.
    """

    layer: Layer
    image: Any
    split: Any = None
    leaving: tuple[str, ...] = ()

    def apply(self, segmentationNode: Any) -> None:
        segmentation = segmentationNode.GetSegmentation()
        for segmentId in self.leaving:
            segmentation.GetSegment(segmentId).AddRepresentation(binaryLabelmap(), self.split)
        # In place, as Segment Editor does it: Slicer then tells its observers, and no longer trusts the old surfaces.
        self.layer.image.ShallowCopy(self.image)


def _change(
    node: Any, layer: Layer, match: dict[int, str], array: NDArray[np.uint8], mask: NDArray[np.bool_], grid: Geometry
) -> _Change | None:
    """What replacing `array` inside `mask` does to a layer, or None where it does nothing."""
    mine = {value: i for value, i in match.items() if i in layer.segmentIds}
    if not mine:
        return None
    layerValue = {i: int(node.GetSegmentation().GetSegment(i).GetLabelValue()) for i in layer.segmentIds}
    if isEmpty(layer.image):
        lattice, old = grid, np.zeros(grid.shape, np.min_scalar_type(max(layerValue.values())))
    else:
        lattice = covering(gridOf(layer.image), grid)
        old = onGrid(arrayOf(layer.image), gridOf(layer.image), lattice)
    inside = onGrid(mask.astype(np.uint8), grid, lattice) != 0
    # Most changes are those of one region: only its box is looked at.
    box = bounding_box(inside)
    if box is None:
        return None
    inside, before = inside[box], old[box]
    toLayer = np.zeros(max(int(array.max()), *mine) + 1, old.dtype)
    for value, segmentId in mine.items():
        toLayer[value] = layerValue[segmentId]
    wanted = _lookedUp(toLayer, onGrid(array, grid, lattice)[box])
    others = [layerValue[i] for i in layer.segmentIds if i not in mine.values()]
    foreign = np.isin(before, others) if others else np.zeros(before.shape, bool)
    if np.any(inside & foreign & (wanted != 0)):
        # Somebody else's voxels are where a structure's must go: one layer cannot hold both.
        theirs = np.isin(old, others)
        split, kept = np.where(theirs, 0, old), np.where(theirs, old, 0)
        split[box] = np.where(inside, wanted, split[box])
        return _Change(layer, orientedImage(kept, lattice), orientedImage(split, lattice), tuple(mine.values()))
    new = np.where(inside & ~foreign, wanted, before)
    if np.array_equal(new, before):
        return None
    old[box] = new
    return _Change(layer, orientedImage(old, lattice))


def _addLayer(node: Any, homeless: list[Any], match: dict[int, str], array: NDArray[np.uint8], grid: Geometry) -> None:
    """One layer for structures that have no segment, or a segment without voxels."""
    values = [label.value for label in homeless]
    image = orientedImage(np.where(np.isin(array, values), array, 0).astype(np.uint8), grid)
    segmentation = node.GetSegmentation()
    for label in homeless:
        segment = newSegment(label) if label.value not in match else segmentation.GetSegment(match[label.value])
        segment.SetLabelValue(label.value)
        segment.AddRepresentation(binaryLabelmap(), image)
        if label.value not in match:
            segmentation.AddSegment(segment, segmentation.GenerateUniqueSegmentID(segmentIdFor(label)))


def _gridInNode(segmentationNode: Any, grid: Geometry) -> Geometry:
    """A grid of the case's image in the segmentation's own space, which differs where their parent transforms do."""
    image = SegmentedCase(segmentationNode).image
    if image is None:
        return grid
    checkSameGrid(f"The new label map of '{segmentationNode.GetName()}'", grid, geometryOf(image), image.GetName())
    return inSpace(grid, transformBetween(image, segmentationNode))


def _useFastSurfaces(segmentation: Any) -> None:
    """Make surfaces by smoothed surface nets: a seventh of the time of Slicer's default, which every stroke would cost."""
    rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule
    segmentation.SetConversionParameter(rule.GetConversionMethodParameterName(), "1")
    segmentation.SetConversionParameter(rule.GetSurfaceNetInternalSmoothingParameterName(), "1")


def _checkedValues(array: NDArray[Any], labels: LabelTable, name: str) -> NDArray[np.uint8]:
    if array.dtype.kind not in "biu":
        raise VolumeError(f"The label map of '{name}' has voxels of type {array.dtype}: use whole numbers.")
    if array.min() < 0 or array.max() > len(labels):
        raise VolumeError(
            f"The label map of '{name}' has values from {array.min()} to {array.max()}, its structures are 1 to {len(labels)} "
            f"({', '.join(labels.names)}): use the labels it was made with."
        )
    return array.astype(np.uint8, copy=False)


def _labelsByLayerValue(node: Any, layer: Layer, match: dict[int, str]) -> NDArray[np.uint8]:
    """For each value of a layer, the label value of the segment that owns it; 0 for values of other segments or of none."""
    labelOf = {segmentId: value for value, segmentId in match.items()}
    owned = {int(node.GetSegmentation().GetSegment(i).GetLabelValue()): labelOf.get(i, 0) for i in layer.segmentIds}
    highest = 0 if isEmpty(layer.image) else int(arrayOf(layer.image).max())
    table = np.zeros(max([highest, *owned, 0]) + 1, np.uint8)
    for value, label in owned.items():
        table[value] = label
    return table


def _lookedUp(table: NDArray[Any], array: NDArray[Any]) -> NDArray[Any]:
    """The entry of a table for each value of an array, as a new array."""
    # Most layers hold the label values themselves, and a look at each voxel's entry takes ten times as long as a copy.
    if array.dtype.kind == "u" and np.array_equal(table, np.arange(len(table))):
        return array.astype(table.dtype)
    return np.asarray(np.take(table, _indices(array)))


def _indices(array: NDArray[Any]) -> NDArray[Any]:
    """A layer's values as indices; some are stored as floating-point numbers, and negative ones belong to nobody."""
    return array if array.dtype.kind == "u" else np.maximum(array, 0).astype(np.int32)
