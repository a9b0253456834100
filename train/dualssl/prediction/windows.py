"""Which windows cover a volume, and with what weight each counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import TYPE_CHECKING, Literal

import numpy as np

from dualssl.model.manifest import DOWNSAMPLINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shape = tuple[int, int, int]
Blending = Literal["gaussian", "constant"]

MULTIPLE = 2**DOWNSAMPLINGS
"""Sides of windows are multiples of this: the networks halve the grid so often."""

# Windows that cost at most this much more than the cheapest are as good; the one shallow in k then needs the least memory.
_AS_CHEAP = 1.05
_GAUSSIAN_WIDTH = 0.125
_LEAST_IMPORTANCE = 1e-3


@dataclass(frozen=True)
class WindowPlan:
    """A grid of equal windows over a volume.

    Attributes:
        shape: of the volume (k, j, i).
        window: of each window (k, j, i), multiples of 16.
        starts: first voxels along k, j and i; windows are at all their combinations. Along an axis on which the volume is
            smaller than the window there is one start, 0 or negative: the volume lies in the window's middle.
    """

    shape: Shape
    window: Shape
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    @property
    def count(self) -> int:
        """Number of windows."""
        return len(self.starts[0]) * len(self.starts[1]) * len(self.starts[2])

    @property
    def voxels(self) -> int:
        """Number of voxels that the networks compute in all windows together."""
        return self.count * int(np.prod(self.window))

    def __iter__(self) -> Iterator[Shape]:
        """First voxels (k, j, i), sorted by k."""
        return product(*self.starts)


def plan_windows(shape: Shape, window: Shape, overlap: float = 0.25) -> WindowPlan:
    """Cover a volume with the fewest windows that overlap by at least `overlap`, spread evenly, the last at the very end.

    Args:
        shape: of the volume (k, j, i).
        window: its sides are rounded up to multiples of 16.
        overlap: share of a window's side, 0 <= overlap < 1.
    """
    if not 0.0 <= overlap < 1.0:
        raise ValueError(f"windows overlap by a share of at least 0 and below 1 of their side, not {overlap}")
    sides = _rounded(window)
    k, j, i = (_axis_starts(n, side, overlap) for n, side in zip(shape, sides, strict=True))
    return WindowPlan(shape, sides, (k, j, i))


def choose_window(
    shape: Shape, patch: Shape, norm: Literal["batch", "instance"], budget_voxels: int, overlap: float = 0.25
) -> Shape:
    """The window that costs least for a volume.

    Networks with batch normalisation are a fixed filter at prediction: what a voxel gets depends on its surroundings alone,
    so windows may be larger than the training patch, and fewer, larger ones compute fewer voxels twice. Instance
    normalisation takes its statistics from the window: only the training patch is as the networks learned it.

    Args:
        shape: of the volume (k, j, i).
        patch: of the training (k, j, i).
        norm: normalisation layers of the networks.
        budget_voxels: most voxels a window may have; the patch is allowed in any case.
        overlap: as in `plan_windows`.

    Returns:
        Sides (k, j, i), multiples of 16, each at least the patch's and at most what covers the volume.
    """
    least = _rounded(patch)
    if norm == "instance":
        return least
    sides = [np.arange(p, max(p, most) + 1, MULTIPLE) for p, most in zip(least, _rounded(shape), strict=True)]
    lengths = [
        np.array([side * len(_axis_starts(n, int(side), overlap)) for side in axis])
        for n, axis in zip(shape, sides, strict=True)
    ]
    size = np.multiply.outer(np.multiply.outer(sides[0], sides[1]), sides[2])
    cost = np.multiply.outer(np.multiply.outer(lengths[0], lengths[1]), lengths[2]).astype(np.float64)
    cost[size > max(budget_voxels, int(np.prod(least)))] = np.inf
    good = np.argwhere(cost <= _AS_CHEAP * cost.min())
    shallow = good[good[:, 0] == good[:, 0].min()]
    k, j, i = shallow[np.argmin(cost[tuple(shallow.T)])]
    return int(sides[0][k]), int(sides[1][j]), int(sides[2][i])


def blending_weights(plan: WindowPlan, blending: Blending) -> tuple[list[NDArray[np.float32]], ...]:
    """Weights of every window along k, j and i, which multiplied give its weight at each voxel.

    Along each axis they are divided by their sum over the windows there. Since windows lie on a grid, the products then sum
    to 1 at every voxel of the volume, and the weighted sum of probabilities is their mean: no sum of weights is kept.

    Args:
        plan: the windows.
        blending: `gaussian` (standard deviation an eighth of the side, as MONAI's) or `constant`.

    Returns:
        For each axis a list over its starts of float32 arrays as long as the window's side; 0 outside the volume.
    """
    result = []
    for n, side, starts in zip(plan.shape, plan.window, plan.starts, strict=True):
        profile = np.ones(side)
        if blending == "gaussian":
            distance = (np.arange(side) - (side - 1) / 2) / (_GAUSSIAN_WIDTH * side)
            profile = np.maximum(np.exp(-0.5 * distance**2), _LEAST_IMPORTANCE)
        total = np.zeros(n)
        parts = [(slice(max(s, 0), min(s + side, n)), max(-s, 0)) for s in starts]
        for inside, skip in parts:
            total[inside] += profile[skip : skip + inside.stop - inside.start]
        axis: list[NDArray[np.float32]] = []
        for inside, skip in parts:
            weights = np.zeros(side, np.float32)
            covered = slice(skip, skip + inside.stop - inside.start)
            weights[covered] = profile[covered] / total[inside]
            axis.append(weights)
        result.append(axis)
    return tuple(result)


def _rounded(shape: Shape) -> Shape:
    k, j, i = (ceil(n / MULTIPLE) * MULTIPLE for n in shape)
    return k, j, i


def _axis_starts(size: int, side: int, overlap: float) -> tuple[int, ...]:
    room = size - side
    if room <= 0:
        return (room // 2,)
    stride = max(1, int(side * (1.0 - overlap)))
    count = ceil(room / stride) + 1
    return tuple(round(n * room / (count - 1)) for n in range(count))
