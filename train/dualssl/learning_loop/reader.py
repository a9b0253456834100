"""A reader who mends the top regions of a review list from the truth, and what that brings region by region.

The reader works as a person with a brush would: inside the listed regions, and a little over their borders, everything is
right afterwards; everywhere else the prediction stays as it was, with the errors that nobody was pointed to.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.errors import TrainingError
from dualssl.metrics.band import foreground_band
from dualssl.metrics.overlap import dice_of_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.review import ReviewRegions


@dataclass(frozen=True)
class ReaderSettings:
    """How the reader works.

    Attributes:
        regions: so many of the list are mended, from the top.
        margin: voxels by which the brush reaches over a region's border, along each axis.
        course: so many regions (at least `regions`) are followed for the curve of what more work would bring.
    """

    regions: int = 5
    margin: int = 1
    course: int = 20

    def __post_init__(self) -> None:
        if self.regions < 0 or self.course < 0:
            raise TrainingError(f"--regions {self.regions}: give a number of regions, such as 5.")
        if self.margin < 0:
            raise TrainingError(f"--margin {self.margin}: give 0 or more voxels.")

    @property
    def followed(self) -> int:
        """Number of regions that are looked at, mended or not."""
        return max(self.regions, self.course)


@dataclass(frozen=True, eq=False)
class CaseLabels:
    """The label maps of one case, all (k, j, i) of one shape with values 0 to the number of structures.

    Attributes:
        predicted: of the mean prediction, which the reader begins with.
        network_a, network_b: of each network.
        truth: what is right.
    """

    predicted: NDArray[np.uint8]
    network_a: NDArray[np.uint8]
    network_b: NDArray[np.uint8]
    truth: NDArray[np.uint8]

    def __post_init__(self) -> None:
        shapes = {array.shape for array in (self.predicted, self.network_a, self.network_b, self.truth)}
        if len(shapes) != 1:
            raise ValueError(f"label maps of shapes {sorted(shapes)} are not of one case")


@dataclass(frozen=True)
class RegionRepair:
    """What mending one region does, counted in voxels.

    Attributes:
        id: of the region.
        voxels: of the region.
        brushed: of the region and the margin around it.
        errors: wrong voxels of the prediction under the brush.
        repaired: those of them that no region before it had repaired.
        wrong_mean: wrong voxels in the region, without margin, as predicted: what one click on "take the mean" leaves.
        wrong_a, wrong_b: wrong voxels there after one click on "take A" or "take B".
    """

    id: int
    voxels: int
    brushed: int
    errors: int
    repaired: int
    wrong_mean: int
    wrong_a: int
    wrong_b: int

    @property
    def one_click(self) -> int:
        """Errors in the region that the best of the three clicks repairs; 0 where the prediction is best left alone."""
        return self.wrong_mean - min(self.wrong_mean, self.wrong_a, self.wrong_b)

    def to_json(self) -> dict[str, int]:
        """Plain data."""
        return {**asdict(self), "one_click": self.one_click}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RegionRepair:
        """Inverse of `to_json`; KeyError, TypeError or ValueError where `data` are something else."""
        names = ("id", "voxels", "brushed", "errors", "repaired", "wrong_mean", "wrong_a", "wrong_b")
        return cls(*(int(data[name]) for name in names))


@dataclass(frozen=True, eq=False)
class Reading:
    """What the reader leaves.

    Attributes:
        labels: corrected label map (k, j, i).
        edits: voxels (k, j, i) whose value the reader changed.
        seen: voxels (k, j, i) that the reader looked at, those changed among them.
        mended: number of regions that were mended; less than asked for where the list is shorter.
        errors_before, errors_after: wrong voxels of the whole case.
        repairs: of each region that was followed, in the list's order; the first `mended` went into `labels`.
        dice: mean over the structures after 0, 1, ... regions, 0..1; one more than `repairs`.
        errors_found: share of all errors of the case that were repaired by then, 0..1; 1 where the case has none.
    """

    labels: NDArray[np.uint8]
    edits: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    mended: int
    errors_before: int
    errors_after: int
    repairs: tuple[RegionRepair, ...]
    dice: tuple[float, ...]
    errors_found: tuple[float, ...]


def read_regions(case: CaseLabels, found: ReviewRegions, structures: int, settings: ReaderSettings | None = None) -> Reading:
    """Let the reader mend a case.

    Args:
        case: its label maps.
        found: the review list, of the same shape.
        structures: number of structures, background left out.
        settings: defaults if None.

    Raises:
        ValueError: the regions are of another shape.
    """
    chosen = settings or ReaderSettings()
    if found.shape != case.truth.shape:
        raise ValueError(f"regions of shape {found.shape} in a case of shape {case.truth.shape}")
    counts = _Overlap(case.predicted, case.truth, structures)
    current = case.predicted.copy()
    mended = min(chosen.regions, len(found))
    labels = current.copy()
    looked = seen = np.zeros(found.shape, dtype=bool)
    errors = int(np.count_nonzero(case.predicted != case.truth))
    repairs: list[RegionRepair] = []
    dice, repaired = [counts.dice()], [0]
    for region, members in zip(found.regions[: chosen.followed], found.members, strict=False):
        brush = _brush(members, found.shape, chosen.margin)
        wrong = brush & (current != case.truth)
        counts.mend(current[wrong], case.truth[wrong])
        current[wrong] = case.truth[wrong]
        repairs.append(_repair(case, region.id, members, brush, int(np.count_nonzero(wrong))))
        dice.append(counts.dice())
        repaired.append(repaired[-1] + repairs[-1].repaired)
        looked = looked | brush
        if len(repairs) == mended:
            labels, seen = current.copy(), looked
    edits = labels != case.predicted
    return Reading(
        labels=labels,
        edits=edits,
        seen=seen,
        mended=mended,
        errors_before=errors,
        errors_after=errors - int(np.count_nonzero(edits)),
        repairs=tuple(repairs),
        dice=tuple(dice),
        errors_found=tuple(count / errors if errors else 1.0 for count in repaired),
    )


class _Overlap:
    """Voxel counts from which the Dice of every structure follows, kept up to date as voxels are mended."""

    def __init__(self, labels: NDArray[np.uint8], truth: NDArray[np.uint8], structures: int) -> None:
        self._classes = structures + 1
        self._labels = self._count(labels)
        self._truth = self._count(truth)
        self._common = self._count(truth[labels == truth])

    def mend(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
        """Wrong voxels (n,) of these values became right ones."""
        right = self._count(after)
        self._labels += right - self._count(before)
        self._common += right

    def dice(self) -> float:
        """Mean over the structures."""
        counts = zip(self._common[1:], self._labels[1:], self._truth[1:], strict=True)
        return float(np.mean([dice_of_counts(int(c), int(p), int(t)) for c, p, t in counts]))

    def _count(self, values: NDArray[np.uint8]) -> NDArray[np.intp]:
        return np.bincount(values.reshape(-1), minlength=self._classes)


def _brush(members: NDArray[np.intp], shape: tuple[int, int, int], margin: int) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    mask.reshape(-1)[members] = True
    return foreground_band(mask, margin)


def _repair(case: CaseLabels, number: int, members: NDArray[np.intp], brush: NDArray[np.bool_], repaired: int) -> RegionRepair:
    truth = case.truth.reshape(-1)[members]

    def wrong(labels: NDArray[np.uint8]) -> int:
        return int(np.count_nonzero(labels.reshape(-1)[members] != truth))

    return RegionRepair(
        id=number,
        voxels=len(members),
        brushed=int(np.count_nonzero(brush)),
        errors=int(np.count_nonzero(brush & (case.predicted != case.truth))),
        repaired=repaired,
        wrong_mean=wrong(case.predicted),
        wrong_a=wrong(case.network_a),
        wrong_b=wrong(case.network_b),
    )
