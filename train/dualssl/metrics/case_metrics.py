"""The figures of one case: how well a label map agrees with the truth, structure by structure and on average."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.metrics.overlap import dice, jaccard
from dualssl.metrics.surface import VOXELS, SurfacePair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from dualssl.labels import LabelTable

SURFACE_TOLERANCE_MM = 2.0


@dataclass(frozen=True)
class SegmentationScores:
    """Agreement of one mask with the truth, or means of such figures; every one is finite.

    Attributes:
        dice, jaccard: overlap, 0..1.
        hd95, assd: 95th percentile Hausdorff and average symmetric surface distance in mm.
        hd95_voxels, assd_voxels: the same in voxels, as much of the literature on cropped MR reports them.
        surface_dice: share of the surfaces within the tolerance, 0..1.
    """

    dice: float
    jaccard: float
    hd95: float
    assd: float
    hd95_voxels: float
    assd_voxels: float
    surface_dice: float

    @classmethod
    def of_masks(
        cls,
        prediction: ArrayLike,
        truth: ArrayLike,
        spacing: tuple[float, float, float],
        tolerance_mm: float = SURFACE_TOLERANCE_MM,
    ) -> SegmentationScores:
        """Compare two masks (k, j, i) of one shape; `spacing` is mm along (k, j, i).

        Raises:
            ValueError: the shapes differ.
        """
        pair = SurfacePair.of_masks(prediction, truth)
        mm, voxels = pair.distances(spacing), pair.distances(VOXELS)
        return cls(
            dice=dice(prediction, truth),
            jaccard=jaccard(prediction, truth),
            hd95=mm.hd95,
            assd=mm.assd,
            hd95_voxels=voxels.hd95,
            assd_voxels=voxels.assd,
            surface_dice=mm.surface_dice(tolerance_mm),
        )

    @classmethod
    def mean_of(cls, scores: Iterable[SegmentationScores]) -> SegmentationScores:
        """The mean of each figure.

        Raises:
            ValueError: there is nothing to average.
        """
        listed = list(scores)
        if not listed:
            raise ValueError("the mean of no scores is not defined")
        return cls(*(float(np.mean([getattr(s, f.name) for s in listed])) for f in fields(cls)))

    def to_json(self) -> dict[str, float]:
        """Plain data: the field names and floats."""
        return {name: float(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class StructureScore:
    """The figures of one structure, named as in the label table."""

    name: str
    scores: SegmentationScores


@dataclass(frozen=True)
class CaseScore:
    """The figures of one case.

    Attributes:
        structures: in the label table's order; a structure that neither map holds counts as perfect, one that a single
            map holds as the worst value.
        tolerance_mm: at which surface Dice was taken.
    """

    structures: tuple[StructureScore, ...]
    tolerance_mm: float

    @property
    def mean(self) -> SegmentationScores:
        """The mean over the structures, each of the same weight."""
        return SegmentationScores.mean_of(s.scores for s in self.structures)

    def to_json(self) -> dict[str, Any]:
        """Plain data: `{"mean": {...}, "structures": {NAME: {...}}, "surface_tolerance_mm": ...}`."""
        return {
            "mean": self.mean.to_json(),
            "structures": {s.name: s.scores.to_json() for s in self.structures},
            "surface_tolerance_mm": float(self.tolerance_mm),
        }


def score_label_map(
    prediction: ArrayLike,
    truth: ArrayLike,
    labels: LabelTable,
    spacing: tuple[float, float, float],
    tolerance_mm: float = SURFACE_TOLERANCE_MM,
) -> CaseScore:
    """Compare two label maps.

    Args:
        prediction, truth: label maps (k, j, i) of one shape.
        labels: the structures to score.
        spacing: mm along (k, j, i), `Geometry.spacing`.
        tolerance_mm: of surface Dice.

    Raises:
        ValueError: the shapes differ.
    """
    p, t = np.asarray(prediction), np.asarray(truth)
    return CaseScore(
        structures=tuple(
            StructureScore(label.name, SegmentationScores.of_masks(p == label.value, t == label.value, spacing, tolerance_mm))
            for label in labels
        ),
        tolerance_mm=float(tolerance_mm),
    )
