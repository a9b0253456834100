"""A list whose first entries are worth looking at and unlike one another.

After the greedy k-centre choice of core-sets (Sener and Savarese, Active learning for convolutional neural networks: a
core-set approach, ICLR 2018), which takes the case farthest from its nearest chosen one, again and again. Three things
differ. The distance is multiplied with the case's value, for a case that is new but sure can wait. The distance is
saturated, so that an outlier cannot outweigh any value. Where no case was chosen before, the choice begins with the most
valuable one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualssl.worklist.ranks import rank_shares

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FIRST = 5
"""So many entries at the top of the list are from different groups while there are any."""

UNKNOWN_NOVELTY = 0.5
"""Novelty of a case without features: that of the case in the middle."""

_CHUNK = 256


def diversified(
    values: ArrayLike, features: ArrayLike, groups: Sequence[str], count: int, taken: ArrayLike | None = None
) -> NDArray[np.intp]:
    """Order cases by value, the first `count` of them also by how unlike they are to those before them.

    Takes again and again the case of the highest value × novelty; where no case was taken yet, that of the highest value.
    Values count by their ranks, so that the scale of a strategy does not matter. Novelty is d / (d + m), with d the Euclidean
    distance to the nearest case taken in the space of the standardised features and m the median d of the cases that wait: 0
    for a twin, 1/2 in the middle, near 1 for an outlier. Among the first `FIRST` of them, no group comes twice while another
    one waits.

    Equal products go to the higher value, then to the case that comes first in the arguments: sort them by name before.

    Args:
        values: of the cases (n,), finite; the higher the sooner.
        features: their descriptors (n, d); a row with NaN stands for a case without one.
        groups: of the cases (n).
        count: how many are chosen with novelty; the rest follows by value alone.
        taken: descriptors (m, d) of cases that are not in the list, for they were taken before; none if None.

    Returns:
        Indices (n,) of all cases in the order of the list.

    Raises:
        ValueError: the arguments are not of one length, or the taken cases' descriptors not of the others'.
    """
    value = np.asarray(values, dtype=np.float64)
    points = np.asarray(features, dtype=np.float64)
    if points.ndim != 2 or not value.size == len(points) == len(groups):
        raise ValueError(f"{value.size} values, features of shape {points.shape} and {len(groups)} groups are not of one list")
    before = np.empty((0, points.shape[1])) if taken is None else np.asarray(taken, dtype=np.float64)
    if before.ndim != 2 or before.shape[1] != points.shape[1]:
        raise ValueError(f"features of shape {points.shape}, but of shape {before.shape} for the cases taken before")
    share = rank_shares(value)
    points, before = np.split(standardised(np.concatenate([points, before])), [len(points)])
    described = np.all(np.isfinite(points), axis=1)
    group = group_numbers(groups)
    waiting = np.ones(value.size, dtype=bool)
    untouched = np.ones(value.size, dtype=bool)
    # NaN, the distance from or to a case without features, never lowers a minimum that `fmin` takes.
    nearest = np.fmin(np.inf, _distance_to_nearest(points, before))
    chosen: list[int] = []
    for position in range(min(count, value.size)):
        fresh = waiting & untouched
        allowed = fresh if position < FIRST and fresh.any() else waiting
        best = _best(share * _novelty(nearest, described, waiting), share, allowed)
        chosen.append(best)
        waiting[best] = False
        untouched[group == group[best]] = False
        nearest = np.fmin(nearest, _length(points - points[best]))
    rest = np.flatnonzero(waiting)
    by_value = rest[np.argsort(-value[rest], kind="stable")]
    return np.concatenate([np.array(chosen, dtype=np.intp), by_value])


def standardised(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features (n, d) less their mean, divided by their standard deviation; 0 for a feature that is the same everywhere.

    Rows with NaN have no part in mean and deviation and are NaN throughout.
    """
    known = np.isfinite(features).all(axis=1)
    result = np.full(features.shape, np.nan)
    if known.any():
        rows = features[known]
        centred = rows - rows.mean(axis=0)
        deviation = rows.std(axis=0)
        # The deviation of equal numbers can be a rounding error above 0, which must not be blown up to 1.
        varies = np.ptp(rows, axis=0) > 0
        result[known] = np.where(varies, centred / np.where(varies, deviation, 1.0), 0.0)
    return result


def group_numbers(groups: Sequence[str]) -> NDArray[np.intp]:
    """A number (n,) for each group's name, the same for the same name."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.intp)


def _distance_to_nearest(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance (n,) of each of the points (n, d) to the nearest of the others (m, d); infinite or NaN where there is none."""
    known = others[np.isfinite(others).all(axis=1)]
    if not len(known):
        return np.full(len(points), np.inf)
    found = np.zeros(len(points), dtype=np.intp)
    least = np.full(len(points), np.inf)
    for start in range(0, len(known), _CHUNK):
        part = known[start : start + _CHUNK]
        # The squared distance but for what all of `part` share. It only finds the nearest: rounding makes twins of none.
        apart = np.einsum("md,md->m", part, part) - 2.0 * points @ part.T
        nearer = apart.argmin(axis=1)
        lowest = np.take_along_axis(apart, nearer[:, None], axis=1)[:, 0]
        found = np.where(lowest < least, start + nearer, found)
        least = np.fmin(least, lowest)
    return _length(points - known[found])


def _length(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean length (n,) of vectors (n, d)."""
    return np.sqrt(np.einsum("nd,nd->n", vectors, vectors))


def _novelty(nearest: NDArray[np.float64], described: NDArray[np.bool_], waiting: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Novelty (n,), 0..1, from the distance (n,) to the nearest case taken; infinite where none has been taken."""
    known = described & np.isfinite(nearest)
    novelty = np.full(nearest.size, UNKNOWN_NOVELTY)
    compared = nearest[known & waiting]
    if compared.size:
        scale = nearest[known] + np.median(compared)
        novelty[known] = np.divide(nearest[known], scale, out=np.zeros_like(scale), where=scale > 0)
    return novelty


def _best(product: NDArray[np.float64], value: NDArray[np.float64], allowed: NDArray[np.bool_]) -> int:
    candidates = np.flatnonzero(allowed)
    highest = candidates[product[candidates] == product[candidates].max()]
    return int(highest[np.argmax(value[highest])])
