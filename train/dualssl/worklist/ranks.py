"""Values as ranks, so that measures of different scales can be put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def mid_ranks(values: ArrayLike) -> NDArray[np.float64]:
    """How many values lie below each, ties and the value itself counted by half.

    Args:
        values: finite numbers (n,).

    Returns:
        Whole and half numbers (n,), from 0.5 to n - 0.5: sums of them are exact.
    """
    _, place, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    return (below + 0.5 * counts)[place]


def rank_shares(values: ArrayLike) -> NDArray[np.float64]:
    """`mid_ranks` as shares of n: above 0 and below 1, 0.5 where there is nothing to compare with.

    Only the order of the values counts: any strictly growing function of them has the same shares.
    """
    ranks = mid_ranks(values)
    return ranks / max(1, ranks.size)
