"""A list whose first entries are worth looking at and unlike one another.

After the greedy k-centre choice of core-sets (Sener and Savarese, Active learning for convolutional neural networks: a
core-set approach, ICLR 2018), which takes the case farthest from its nearest chosen one, again and again. Three things
differ. The distance is multiplied with the case's value, for a case that is new but sure can wait. The distance is
saturated, so that an outlier cannot outweigh any value. The choice begins with the most valuable case, not with cases
that are labelled already.
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


def diversified(values: ArrayLike, features: ArrayLike, groups: Sequence[str], count: int) -> NDArray[np.intp]:
    """Order cases by value, the first `count` of them also by how unlike they are to those before them.

    Takes the case of the highest value, then again and again that of the highest value × novelty. Values count by their
    ranks, so that the scale of a strategy does not matter. Novelty is d / (d + m), with d the Euclidean distance to the nearest
    case taken in the space of the standardised features and m the median d of the cases that wait: 0 for a twin, 1/2
    in the middle, near 1 for an outlier. Among the first `FIRST` of them, no group comes twice while another one waits.

    Equal products go to the higher value, then to the case that comes first in the arguments: sort them by name before.

    Args:
        values: of the cases (n,), finite; the higher the sooner.
        features: their descriptors (n, d); a row with NaN stands for a case without one.
        groups: of the cases (n).
        count: how many are chosen with novelty; the rest follows by value alone.

    Returns:
        Indices (n,) of all cases in the order of the list.

    Raises:
        ValueError: the arguments are not of one length.
    """
    value = np.asarray(values, dtype=np.float64)
    points = np.asarray(features, dtype=np.float64)
    if points.ndim != 2 or not value.size == len(points) == len(groups):
        raise ValueError(f"{value.size} values, features of shape {points.shape} and {len(groups)} groups are not of one list")
    share = rank_shares(value)
    points = standardised(points)
    described = np.all(np.isfinite(points), axis=1)
    group = group_numbers(groups)
    waiting = np.ones(value.size, dtype=bool)
    untouched = np.ones(value.size, dtype=bool)
    # NaN, the distance from or to a case without features, never lowers a minimum that `fmin` takes.
    nearest = np.full(value.size, np.inf)
    chosen: list[int] = []
    for position in range(min(count, value.size)):
        fresh = waiting & untouched
        allowed = fresh if position < FIRST and fresh.any() else waiting
        best = _best(share * _novelty(nearest, described, waiting), share, allowed)
        chosen.append(best)
        waiting[best] = False
        untouched[group == group[best]] = False
        apart = points - points[best]
        nearest = np.fmin(nearest, np.sqrt(np.einsum("nd,nd->n", apart, apart)))
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
