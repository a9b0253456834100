"""Voxels in order of a map's value, equal values kept together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class TieGroups:
    """Voxels sorted from the highest value down, and where each group of equal values begins.

    Attributes:
        order: indices (n,) of the voxels, highest value first.
        starts: positions (g,) in `order` at which the groups begin; empty if there is no voxel.
    """

    order: NDArray[np.intp]
    starts: NDArray[np.intp]

    @classmethod
    def descending(cls, values: NDArray[np.float64]) -> TieGroups:
        """Sort finite values (n,)."""
        order = np.argsort(-values, kind="stable")
        ranked = values[order]
        new = np.ones(ranked.size, dtype=bool)
        new[1:] = ranked[1:] != ranked[:-1]
        return cls(order, np.flatnonzero(new))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Voxels in each group (g,)."""
        return np.diff(np.append(self.starts, self.order.size)).astype(np.int64)

    def sums(self, quantity: ArrayLike) -> NDArray[np.int64]:
        """Sum of a whole-numbered or boolean quantity (n,) over each group (g,)."""
        q = np.asarray(quantity)
        if self.starts.size == 0:
            return np.zeros(0, dtype=np.int64)
        return np.add.reduceat(q[self.order].astype(np.int64), self.starts)
