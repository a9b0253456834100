"""Things to look at in the scene: an oblique volume, and a small segmented case as the worker would have left it.

The case is made by the module's own code from files like the worker's, with regions found by `dualssl.review`. Two structures
lie in it, a ball ("left atrium", 1) and the shell around it ("wall", 2), on a grid that is oblique, anisotropic and
left-handed. The two networks disagree about a bulge of the ball, and the mean is unsure about a part of the shell.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.review import RegionSettings, find_regions, region_label_map, score_case
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
from DualSSLSegmentationLib.scene.predictionNodes import buildSteps
from DualSSLSegmentationLib.scene.volumes import addScalarVolume, geometryOf

LABELS = LabelTable.from_dataset_json({"background": 0, "left atrium": 1, "wall": 2})
SHAPE = (24, 30, 36)
LEFT_ATRIUM_SHAPE = (88, 140, 180)
"""Voxels (k, j, i) of a left-atrium case, for measuring time."""


def obliqueGeometry(shape: tuple[int, int, int] = SHAPE) -> Geometry:
    """A grid that is oblique, anisotropic, left-handed, and far from the origin."""
    a, b, c = np.deg2rad([20.0, -35.0, 50.0])
    turnI = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turnJ = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    turnK = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = turnK @ turnJ @ turnI @ np.diag([-0.9, 1.2, 2.0])  # mm along i, j, k; the minus makes it left-handed
    matrix[:3, 3] = [31.5, -42.25, 107.125]
    return Geometry.from_ijk_to_ras(matrix, shape)


def obliqueVolume(scene: Any, name: str = "MR", shape: tuple[int, int, int] = SHAPE, dtype: Any = np.int16) -> Any:
    """Add an oblique, anisotropic, left-handed scalar volume that shows the ball and its shell, with noise."""
    import slicer

    noise = np.random.default_rng(0).normal(0, 15, shape)
    shown = np.array([60.0, 400.0, 220.0])[_label(shape)] + noise
    nowhere = slicer.vtkMRMLScalarVolumeNode()  # under no transform
    return addScalarVolume(scene, Volume(np.maximum(shown, 0).astype(dtype), obliqueGeometry(shape)), name, nowhere)


@dataclass(frozen=True, eq=False)
class PredictedArrays:
    """What two networks made of a volume; names and types as in the worker's answer, arrays (k, j, i)."""

    label: NDArray[np.uint8]
    label_a: NDArray[np.uint8]
    label_b: NDArray[np.uint8]
    entropy: NDArray[np.float32]
    kl: NDArray[np.float32]


def predictedArrays(shape: tuple[int, int, int] = SHAPE) -> PredictedArrays:
    """Network A sees a bulge of the ball, network B does not, the mean follows A; a part of the shell is unsure."""
    k, j, i = _unit(shape)
    # Neither lies in the middle along any axis: whoever reverses or exchanges axes does not get away with it.
    bulge = ((k - 0.2) ** 2 + (j - 0.5) ** 2 + (i - 0.1) ** 2) < 0.28**2
    unsure = ((k + 0.15) ** 2 + (j + 0.5) ** 2 + (i + 0.3) ** 2) < 0.22**2
    plain = _label(shape)
    withBulge = np.where(bulge, 1, plain).astype(np.uint8)
    band = np.abs(np.sqrt(k**2 + j**2 + i**2) - 0.5) < 0.05
    entropy = np.where(unsure, 0.85, np.where(band, 0.3, 0.02)).astype(np.float32)
    kl = np.where(bulge & (plain != 1), 2.5, np.where(band, 0.1, 0.0)).astype(np.float32)
    return PredictedArrays(withBulge.copy(), withBulge, plain, entropy, kl)


def writePrediction(folder: Path, geometry: Geometry, arrays: PredictedArrays, labels: LabelTable = LABELS) -> dict[str, Any]:
    """Write files as the worker's `predict` does, and return its answer."""
    found = find_regions(arrays.entropy, arrays.kl, arrays.label, geometry, RegionSettings(min_volume_ml=0.01))
    stored = {**vars(arrays), "region_map": region_label_map(found).astype(np.uint8)}
    for key, array in stored.items():
        np.save(folder / f"{key}.npy", array, allow_pickle=False)
    return {
        "geometry": {"shape_kji": list(geometry.shape), "ijk_to_ras": geometry.ijk_to_ras.tolist()},
        "files": {key: str(folder / f"{key}.npy") for key in stored},
        "regions": [region.to_json() for region in found],
        "scores": score_case(arrays.entropy, arrays.kl, arrays.label, arrays.label_a, arrays.label_b).to_json(),
        "provenance": {
            "model_id": "left-atrium-20260131-4f2a91c0",
            "model_sha256": "ab" * 32,
            "model_name": "Left atrium",
            "model_folder": "models/left-atrium",
            "device": "cpu",
            "created": "2026-01-31T10:00:00+00:00",
            "seconds": 2.5,
            "roi": None,
            "program": "dualssl 0.1.0",
        },
        "labels": labels.to_json(),
        "seconds": 2.5,
        "warm": True,
    }


def segmentedCase(scene: Any, image: Any = None, name: str = "Case") -> SegmentedCase:
    """Add a segmented case to the scene: two structures, networks that differ, and a few regions to review.

    Args:
        scene: where to.
        image: a volume of `obliqueVolume`, of any shape; made if None.
        name: of the segmentation.
    """
    volume = image or obliqueVolume(scene)
    grid = geometryOf(volume)
    with tempfile.TemporaryDirectory() as folder:
        return runSteps(buildSteps(scene, writePrediction(Path(folder), grid, predictedArrays(grid.shape)), volume, name))


def runSteps(steps: Any) -> Any:
    """Run a generator of steps to its end and return its value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def box(low: Sequence[int], high: Sequence[int], shape: tuple[int, int, int] = SHAPE) -> NDArray[np.bool_]:
    """An array (k, j, i) that is True from `low` up to, not including, `high`."""
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return mask


def setVoxels(segmentationNode: Any, segmentId: str, mask: NDArray[np.bool_]) -> None:
    """Make a segment of exactly these voxels of its image; other segments keep theirs."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    image = segmentationNode.GetNodeReference(role)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentationNode, segmentId, image)


def voxelsOf(segmentationNode: Any, segmentId: str, image: Any) -> NDArray[np.bool_]:
    """A segment's voxels on the image's grid, by Slicer's own export."""
    return slicer.util.arrayFromSegmentBinaryLabelmap(segmentationNode, segmentId, image) != 0


def addSegment(segmentationNode: Any, name: str = "scribble", mask: NDArray[np.bool_] | None = None) -> str:
    """Add a segment as a person does, which stands for no structure unless its name says so; returns its id."""
    segmentId = str(segmentationNode.GetSegmentation().AddEmptySegment("", name))
    if mask is not None:
        setVoxels(segmentationNode, segmentId, mask)
    return segmentId


def _unit(shape: tuple[int, int, int]) -> list[NDArray[np.float64]]:
    """Coordinates k, j, i of each voxel, -1..1 across the grid."""
    return list(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))


def _label(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    k, j, i = _unit(shape)
    radius = np.sqrt(k**2 + j**2 + i**2)
    return np.where(radius < 0.5, 1, np.where(radius < 0.65, 2, 0)).astype(np.uint8)
