"""Where the values of a label map lie, as boxes: what is done to one region need not look at the whole volume."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice, slice]


def boxesOf(values: NDArray[Any]) -> dict[int, Box]:
    """The smallest box around the voxels of each value above 0.

    Args:
        values: whole numbers (k, j, i), few of them not 0.
    """
    places = np.flatnonzero(values > 0)
    found = values.reshape(-1)[places]
    # Voxels of one value side by side: then the ends of each box are minima and maxima of runs.
    order = np.argsort(found, kind="stable")
    ids, starts = np.unique(found[order], return_index=True)
    if not len(ids):
        return {}
    sides = []
    for along in np.unravel_index(places[order], values.shape):
        sides.append((np.minimum.reduceat(along, starts), np.maximum.reduceat(along, starts)))
    (k0, k1), (j0, j1), (i0, i1) = sides
    return {
        int(value): (slice(int(k0[n]), int(k1[n]) + 1), slice(int(j0[n]), int(j1[n]) + 1), slice(int(i0[n]), int(i1[n]) + 1))
        for n, value in enumerate(ids)
    }
