"""The surface of a structure in 3D, coloured by how unsure the networks are there.

On the surface itself the prediction passes from one label to another, so its entropy is high all over it, even where the border
is beyond doubt. What differs is how far the doubt reaches to both sides. The colour therefore stands for the mean along the
normal.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util import numpy_support

from DualSSLSegmentationLib.display.colorTables import SCALES, useScale
from DualSSLSegmentationLib.display.legends import addLegend
from DualSSLSegmentationLib.scene.caseNodes import CaseError
from DualSSLSegmentationLib.scene.helperNodes import addHelper, removeHelper
from DualSSLSegmentationLib.scene.segmentation import segmentIdOf
from DualSSLSegmentationLib.scene.segmentLayers import closedSurface
from DualSSLSegmentationLib.scene.volumes import transformBetween, volumeOf
from DualSSLSegmentationLib.steps import runAll

if TYPE_CHECKING:
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

REACH_MM = 2.0
"""How far to both sides of the surface the mean goes."""
_SAMPLES = 7  # along the normal

_MAPS = {"entropy": "entropy map", "kl": "map of the KL divergence"}


class UncertaintySurface:
    """At most one coloured surface at a time."""

    def __init__(self) -> None:
        self._shown: tuple[SegmentedCase, int, str] | None = None
        self._model: Any = None
        self._hidden: tuple[Any, str] | None = None

    @property
    def node(self) -> Any:
        """The vtkMRMLModelNode, or None while there is none."""
        return self._model if self._model is not None and self._model.GetScene() is not None else None

    def show(self, case: SegmentedCase, labelValue: int, kind: str, insteadOfSegment: bool = False) -> Any:
        """Show a structure's surface instead of the one that is shown.

        Args:
            case: whose.
            labelValue: of the structure.
            kind: `entropy` or `kl`.
            insteadOfSegment: hide the segment itself in 3D until the surface goes; else the segment's own surface, where a
                person shows it, lies over this one.

        Returns:
            vtkMRMLModelNode.

        Raises:
            CaseError: the structure has no segment or no voxels, or the map was deleted.
            VolumeError: the map or the segmentation is under a transform that is not linear.
        """
        runAll(self.showSteps(case, labelValue, kind, insteadOfSegment))
        return self._model

    def showSteps(
        self, case: SegmentedCase, labelValue: int, kind: str, insteadOfSegment: bool = False
    ) -> Generator[str, None, None]:
        """As `show`, in short steps; until the last one what was shown stays."""
        mesh = yield from _colouredMesh(case, labelValue, kind)
        yield "Showing the surface"
        model = _modelOf(case, labelValue, kind, mesh)
        self.remove()
        self._model = model
        self._shown = (case, labelValue, kind)
        if insteadOfSegment:
            self._hideSegment(case.node, labelValue)

    def update(self) -> Any:
        """Make the surface anew from what the segment and the map are now; None where nothing is shown.

        Raises:
            CaseError: the segment, its voxels or the map are gone; the surface is gone then, too.
            VolumeError: as `show`.
        """
        if self._shown is None or self.node is None:
            return None
        try:
            return colouredSurface(*self._shown, self._model)
        except Exception:
            self.remove()
            raise

    def remove(self) -> None:
        """Take the surface away and show the segment again as it was; a second call does nothing."""
        model, self._model, self._shown = self._model, None, None
        if model is not None:
            removeHelper(model)
        hidden, self._hidden = self._hidden, None
        if hidden is not None and hidden[0].GetScene() is not None:
            hidden[0].SetSegmentVisibility3D(hidden[1], True)

    def _hideSegment(self, segmentationNode: Any, labelValue: int) -> None:
        display, segmentId = segmentationNode.GetDisplayNode(), segmentIdOf(segmentationNode, labelValue)
        if display is not None and segmentId is not None and display.GetSegmentVisibility3D(segmentId):
            display.SetSegmentVisibility3D(segmentId, False)
            self._hidden = display, segmentId


def colouredSurface(case: SegmentedCase, labelValue: int, kind: str, model: Any = None) -> Any:
    """A model of a structure's surface in the colours of a scale, with its legend: hidden from editors, and never saved.

    Args:
        case: whose.
        labelValue: of the structure.
        kind: `entropy` or `kl`.
        model: one that this function made for the same structure and kind: it is brought up to date. None makes one.

    Returns:
        vtkMRMLModelNode; `helperNodes.removeHelper` takes it out of the scene.

    Raises:
        CaseError, VolumeError: as `UncertaintySurface.show`.
    """
    mesh = runAll(_colouredMesh(case, labelValue, kind))
    if model is None:
        return _modelOf(case, labelValue, kind, mesh)
    modifying = model.StartModify()
    model.SetAndObserveMesh(mesh)
    model.SetAndObserveTransformNodeID(case.node.GetTransformNodeID())
    model.EndModify(modifying)
    return model


def _modelOf(case: SegmentedCase, labelValue: int, kind: str, mesh: Any) -> Any:
    segment = case.node.GetSegmentation().GetSegment(segmentIdOf(case.node, labelValue) or "")
    if case.scene is None or segment is None:
        raise _nothing(case, labelValue)
    return _addModel(case.scene, mesh, segment.GetName(), kind, case.node.GetTransformNodeID())


def _nothing(case: SegmentedCase, labelValue: int) -> CaseError:
    return CaseError(f"'{case.node.GetName()}' has no voxels of structure {labelValue}: choose another structure.")


def _addModel(scene: Any, mesh: Any, name: str, kind: str, transformId: str | None) -> Any:
    display = addHelper(scene, "vtkMRMLModelDisplayNode", f"{name} surface by {kind} display")
    display.SetActiveScalarName(SCALES[kind].title)
    display.SetScalarVisibility(True)
    useScale(display, kind)
    # Little shading and no gloss: the colour is to be read.
    display.SetAmbient(0.35)
    display.SetDiffuse(0.65)
    display.SetSpecular(0.0)
    model = addHelper(scene, "vtkMRMLModelNode", f"{name} surface by {kind}")
    model.SetAndObserveMesh(mesh)
    model.SetAndObserveTransformNodeID(transformId)
    model.SetAndObserveDisplayNodeID(display.GetID())
    addLegend(model, kind)
    return model


def _colouredMesh(case: SegmentedCase, labelValue: int, kind: str) -> Generator[str, None, Any]:
    """The closed surface of a structure with its uncertainty as point scalars, in the segmentation's own coordinates."""
    yield "Making the surface"
    uncertainty = {"entropy": case.entropy, "kl": case.kl}[kind]
    if uncertainty is None:
        raise CaseError(f"The {_MAPS[kind]} of '{case.node.GetName()}' was deleted: segment the image again to see it.")
    mesh = _surfaceOf(case.node, segmentIdOf(case.node, labelValue))
    if mesh is None:
        raise _nothing(case, labelValue)
    yield "Colouring the surface"
    values = _sampled(mesh, volumeOf(uncertainty), transformBetween(case.node, uncertainty))
    scalars = numpy_support.numpy_to_vtk(values.astype(np.float32), deep=True)
    scalars.SetName(SCALES[kind].title)
    mesh.GetPointData().SetScalars(scalars)
    return mesh


def _surfaceOf(segmentationNode: Any, segmentId: str | None) -> Any:
    """The closed surface of a segment, made from its voxels if it has none; None where there are no voxels."""
    if segmentId is None:
        return None
    segmentation = segmentationNode.GetSegmentation()
    mesh = segmentation.GetSegmentRepresentation(segmentId, closedSurface())
    if mesh is None:
        # On a copy: in the segmentation itself it would appear in 3D, and be made anew after each stroke.
        copy = slicer.vtkSegmentation()
        copy.SetSourceRepresentationName(segmentation.GetSourceRepresentationName())
        copy.CopyConversionParameters(segmentation)
        copy.CopySegmentFromSegmentation(segmentation, segmentId)
        if not copy.CreateRepresentation(closedSurface()):
            return None
        mesh = copy.GetSegmentRepresentation(segmentId, closedSurface())
    if mesh is None or mesh.GetNumberOfPoints() == 0:
        return None
    own = vtk.vtkPolyData()
    own.ShallowCopy(mesh)
    return own if own.GetPointData().GetNormals() is not None else _withNormals(own)


def _withNormals(mesh: Any) -> Any:
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputData(mesh)
    normals.SplittingOff()
    # Where two parts of a surface touch, making the cells' order consistent turns one of them inside out.
    normals.ConsistencyOff()
    normals.Update()
    return normals.GetOutput()


def _sampled(mesh: Any, uncertainty: Any, toVolume: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the uncertainty along the normal at each point (n); outside the map there is none."""
    points = numpy_support.vtk_to_numpy(mesh.GetPoints().GetData()).astype(np.float64)
    normals = numpy_support.vtk_to_numpy(mesh.GetPointData().GetNormals()).astype(np.float64)
    total = np.zeros(len(points))
    for distance in np.linspace(-REACH_MM, REACH_MM, _SAMPLES):
        ras = (points + distance * normals) @ toVolume[:3, :3].T + toVolume[:3, 3]
        places = uncertainty.geometry.ras_to_kji(ras)
        total += _interpolated(uncertainty.array, places)
    return total / _SAMPLES


def _interpolated(array: NDArray[Any], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Trilinear interpolation of an array (k, j, i) at places (n, 3) in indices; 0 outside.

    SciPy's would take half a second when it is imported, in which the application stands still.
    """
    flat = np.ascontiguousarray(array).reshape(-1)
    inside = np.ones(len(places), bool)
    first, corners, shares = np.zeros(len(places), np.intp), [0], []
    for axis, count in enumerate(array.shape):
        along = places[:, axis]
        inside &= (along >= 0) & (along <= count - 1)
        low = np.clip(along, 0, max(count - 2, 0)).astype(np.intp)
        step = int(np.prod(array.shape[axis + 1 :]))
        first += low * step
        shares.append(along - low)
        # The neighbour along an axis of a single voxel is that voxel.
        corners = [corner + further for corner in corners for further in (0, step if count > 1 else 0)]
    values = [np.take(flat, first + corner) for corner in corners]
    for share in reversed(shares):
        values = [low + share * (high - low) for low, high in zip(values[::2], values[1::2], strict=True)]
    return np.where(inside, values[0], 0.0)
