"""What a person gains who corrects the most uncertain voxels first.

Voxels of equal uncertainty are taken in random order, and the figures are what that order gives on average: of a group
of ties that is reviewed to one half, one half of its errors are found. Random order is then the case in which all voxels
are ties, and the oracle's the one in which errors are ranked above everything else. Dice is taken of the expected counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.metrics.overlap import dice_of_counts
from dualssl.metrics.ranking import TieGroups
from dualssl.metrics.voxels import voxels_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from dualssl.labels import LabelTable

DEFAULT_FRACTIONS: tuple[float, ...] = tuple(n / 100 for n in range(101))


@dataclass(frozen=True, eq=False)
class ReviewGain:
    """What one order of review gives at each point of the curve.

    Attributes:
        dice: (n,) mean Dice over the structures after correction.
        errors_found: (n,) share of all errors of the case that were corrected; 1 where the case has none.
    """

    dice: NDArray[np.float64]
    errors_found: NDArray[np.float64]

    def to_json(self) -> dict[str, list[float]]:
        """Plain data."""
        return {"dice": [float(v) for v in self.dice], "errors_found": [float(v) for v in self.errors_found]}


@dataclass(frozen=True, eq=False)
class ReviewCurve:
    """The review-efficiency curve.

    Attributes:
        fractions: (n,) share of the band's voxels that was reviewed.
        by_uncertainty: the most uncertain voxels first.
        oracle: the errors first, the best any map can do.
        random: no order at all.
    """

    fractions: NDArray[np.float64]
    by_uncertainty: ReviewGain
    oracle: ReviewGain
    random: ReviewGain

    @classmethod
    def mean_of(cls, curves: Iterable[ReviewCurve]) -> ReviewCurve:
        """Mean over cases, point by point.

        Raises:
            ValueError: there are no curves, or their fractions differ.
        """
        listed = list(curves)
        if not listed or any(not np.array_equal(c.fractions, listed[0].fractions) for c in listed):
            raise ValueError("only curves with the same fractions have a mean")

        def mean(gains: list[ReviewGain]) -> ReviewGain:
            return ReviewGain(np.mean([g.dice for g in gains], axis=0), np.mean([g.errors_found for g in gains], axis=0))

        return cls(
            listed[0].fractions,
            mean([c.by_uncertainty for c in listed]),
            mean([c.oracle for c in listed]),
            mean([c.random for c in listed]),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "fractions": [float(f) for f in self.fractions],
            "by_uncertainty": self.by_uncertainty.to_json(),
            "oracle": self.oracle.to_json(),
            "random": self.random.to_json(),
        }


def review_curve(
    uncertainty: ArrayLike,
    prediction: ArrayLike,
    truth: ArrayLike,
    band: ArrayLike,
    labels: LabelTable,
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
) -> ReviewCurve:
    """Correct the top share of the band's voxels and see what it brings.

    Args:
        uncertainty: a map (k, j, i) of any unit; only its order counts.
        prediction, truth: label maps of the same shape.
        band: the voxels that may be reviewed, same shape; errors outside it are never found.
        labels: the structures over which Dice is averaged; one that neither map holds counts as 1.
        fractions: of the band's voxels, 0..1.

    Raises:
        ValueError: the shapes differ, the map is not finite inside the band, or a fraction lies outside 0..1.
    """
    shares = _checked(fractions)
    p, t = np.asarray(prediction), np.asarray(truth)
    if p.shape != t.shape:
        raise ValueError(f"the prediction has shape {p.shape}, the truth {t.shape}")
    chosen = np.asarray(band).astype(bool, copy=False)
    values, wrong = voxels_in(uncertainty, p != t, chosen)
    counts = _Counts.of_case(p, t, chosen, labels)
    return ReviewCurve(
        fractions=shares,
        by_uncertainty=counts.reviewed(TieGroups.descending(values), wrong, shares),
        oracle=counts.reviewed(TieGroups.descending(wrong.astype(np.float64)), wrong, shares),
        random=counts.reviewed(TieGroups.descending(np.zeros(wrong.size)), wrong, shares),
    )


def share_of_errors_in_top(uncertainty: ArrayLike, errors: ArrayLike, band: ArrayLike | None, fraction: float) -> float | None:
    """Share of all errors that lie among the most uncertain `fraction` of the band's voxels.

    Args:
        uncertainty: a map (k, j, i) of any unit.
        errors: where the prediction is wrong, same shape; those outside the band count as not found.
        band: same shape; every voxel if None.
        fraction: of the band's voxels, 0..1.

    Returns:
        0..1, or None if there is no error to find.

    Raises:
        ValueError: the shapes differ, the map is not finite inside the band, or the fraction lies outside 0..1.
    """
    share = _checked([fraction])
    values, wrong = voxels_in(uncertainty, errors, band)
    total = int(np.count_nonzero(errors))
    if total == 0:
        return None
    groups = TieGroups.descending(values)
    return float(_reached(groups, groups.sums(wrong), share)[0]) / total


def best_share_of_errors_in_top(errors: ArrayLike, band: ArrayLike | None, fraction: float) -> float | None:
    """The most that `share_of_errors_in_top` can be: that of a map which ranks every error first.

    Where more than `fraction` of the band is wrong, no map can hold all errors in so few voxels: with an error rate of 13 %,
    the top 5 % hold at most 38 % of the errors.

    Args:
        errors: where the prediction is wrong (k, j, i).
        band: same shape; every voxel if None.
        fraction: of the band's voxels, 0..1.

    Returns:
        0..1, or None if there is no error to find.

    Raises:
        ValueError: the shapes differ, or the fraction lies outside 0..1.
    """
    return share_of_errors_in_top(errors, errors, band, fraction)


@dataclass(frozen=True, eq=False)
class _Counts:
    """Voxel counts before the review, and the band's label pairs that the review replaces.

    Attributes:
        values: the structures' label values.
        common, predicted, true: voxels of each structure in the intersection, the prediction and the truth.
        errors: wrong voxels of the whole case.
        band_prediction, band_truth: labels of the band's voxels (n,) in memory order.
    """

    values: tuple[int, ...]
    common: tuple[int, ...]
    predicted: tuple[int, ...]
    true: tuple[int, ...]
    errors: int
    band_prediction: NDArray[np.generic]
    band_truth: NDArray[np.generic]

    @classmethod
    def of_case(cls, p: NDArray[np.generic], t: NDArray[np.generic], band: NDArray[np.bool_], labels: LabelTable) -> _Counts:
        values = tuple(label.value for label in labels)
        return cls(
            values=values,
            common=tuple(int(np.count_nonzero((p == v) & (t == v))) for v in values),
            predicted=tuple(int(np.count_nonzero(p == v)) for v in values),
            true=tuple(int(np.count_nonzero(t == v)) for v in values),
            errors=int(np.count_nonzero(p != t)),
            band_prediction=p[band],
            band_truth=t[band],
        )

    def reviewed(self, groups: TieGroups, wrong: NDArray[np.bool_], shares: NDArray[np.float64]) -> ReviewGain:
        found = _reached(groups, groups.sums(wrong), shares)
        dice: list[NDArray[np.float64]] = []
        for value, common, predicted, true in zip(self.values, self.common, self.predicted, self.true, strict=True):
            gained = _reached(groups, groups.sums(wrong & (self.band_truth == value)), shares)
            lost = _reached(groups, groups.sums(wrong & (self.band_prediction == value)), shares)
            dice.append(
                np.array([dice_of_counts(common + g, predicted + g - x, true) for g, x in zip(gained, lost, strict=True)])
            )
        return ReviewGain(
            dice=np.mean(dice, axis=0),
            errors_found=found / self.errors if self.errors else np.ones_like(found),
        )


def _reached(groups: TieGroups, sums: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected sum of a quantity over the first share of the voxels, ties in random order."""
    voxels = np.concatenate([[0], np.cumsum(groups.sizes)])
    return np.interp(shares * voxels[-1], voxels, np.concatenate([[0], np.cumsum(sums)]))


def _checked(fractions: Sequence[float]) -> NDArray[np.float64]:
    shares = np.asarray(fractions, dtype=np.float64)
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError("a fraction of the band's voxels must lie in 0..1")
    return shares
