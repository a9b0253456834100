"""Walking through the voxels of large maps without large temporaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

_CHUNK = 1 << 22


def chosen_voxels(
    values: ArrayLike, flags: ArrayLike, band: ArrayLike | None
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Values and flags of the voxels in the band, chunk by chunk in memory order.

    Args:
        values: a map (k, j, i) of any real type.
        flags: booleans of the same shape.
        band: mask of the same shape; None chooses every voxel.

    Raises:
        ValueError: the shapes differ.
    """
    v, f = np.asarray(values), np.asarray(flags)
    if v.shape != f.shape:
        raise ValueError(f"a map of shape {v.shape} beside one of shape {f.shape}")
    b = None if band is None else np.asarray(band)
    if b is not None and b.shape != v.shape:
        raise ValueError(f"a band of shape {b.shape} on a map of shape {v.shape}")
    v, f = v.reshape(-1), f.reshape(-1).astype(bool, copy=False)
    b = None if b is None else b.reshape(-1).astype(bool, copy=False)
    for start in range(0, v.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        if b is None:
            yield v[part].astype(np.float64), f[part]
        else:
            chosen = b[part]
            yield v[part][chosen].astype(np.float64), f[part][chosen]


def voxels_in(values: ArrayLike, flags: ArrayLike, band: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """As `chosen_voxels`, all at once: (n,) values and (n,) flags.

    Raises:
        ValueError: the shapes differ, or a value in the band is not finite.
    """
    parts = list(chosen_voxels(values, flags, band))
    if not parts:
        return np.empty(0), np.empty(0, dtype=bool)
    v = np.concatenate([p[0] for p in parts])
    if not np.all(np.isfinite(v)):
        raise ValueError("a map holds NaN or infinite values inside the band")
    return v, np.concatenate([p[1] for p in parts])


def empty_bins(bins: int) -> NDArray[np.int64]:
    """Counts (bins,) of a histogram before anything was counted.

    Raises:
        ValueError: fewer than one bin.
    """
    if bins < 1:
        raise ValueError(f"a histogram needs at least one bin, not {bins}")
    return np.zeros(bins, dtype=np.int64)


def check_bins(one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
    """See that two histograms can be merged.

    Raises:
        ValueError: the numbers of bins differ.
    """
    if len(one) != len(other):
        raise ValueError(f"histograms of {len(one)} and {len(other)} bins cannot be merged")
