"""Prediction as the published evaluation does it, for comparison: many small steps, float32, equal weights."""

from __future__ import annotations

from itertools import product
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shape = tuple[int, int, int]

PUBLISHED_STRIDES: Shape = (4, 18, 18)
"""Steps between windows along k, j and i, in voxels."""


def published_starts(shape: Shape, patch: Shape, strides: Shape = PUBLISHED_STRIDES) -> list[Shape]:
    """First voxels of the published protocol's windows on a volume of at least the patch's size, the last at the end."""
    axes = []
    for n, side, stride in zip(shape, patch, strides, strict=True):
        room = max(n - side, 0)
        # Patches smaller than the published ones: no voxel may be left out between two windows.
        step = min(stride, side)
        axes.append([min(step * number, room) for number in range(ceil(room / step) + 1)])
    return [(k, j, i) for k, j, i in product(*axes)]


def predict_like_published(
    networks: nn.Module, image: NDArray[np.float32], patch: Shape, strides: Shape = PUBLISHED_STRIDES
) -> NDArray[np.float32]:
    """Mean of both networks' probabilities, averaged over all windows that hold a voxel.

    Windows are of the training patch's size and computed one at a time in float32, in the usual memory order, with batch
    normalisation as layers of its own.

    Args:
        networks: an unfused pair; it is moved to the CPU, float32 and evaluation mode.
        image: (channels, k, j, i), normalised.
        patch: sides of the windows (k, j, i), multiples of 16.
        strides: steps between windows (k, j, i).

    Returns:
        float32 (C, k, j, i).
    """
    # torch's stubs lack the memory format in `to`.
    order: Any = {"memory_format": torch.contiguous_format}
    networks = networks.to(device="cpu", dtype=torch.float32, **order).eval()
    shape = image.shape[1:]
    # Smaller volumes are padded with zeros, evenly on both ends.
    missing = [max(side - n, 0) for n, side in zip(shape, patch, strict=True)]
    padded = np.pad(image, [(0, 0), *((m // 2, m - m // 2) for m in missing)])
    k_size, j_size, i_size = padded.shape[1:]
    count = np.zeros((k_size, j_size, i_size), np.float32)
    total: NDArray[np.float32] | None = None
    with torch.inference_mode():
        for start in published_starts((k_size, j_size, i_size), patch, strides):
            box = tuple(slice(s, s + side) for s, side in zip(start, patch, strict=True))
            window = torch.from_numpy(np.ascontiguousarray(padded[(slice(None), *box)], np.float32))[None]
            (a, _), (b, _) = networks(window)
            mean = 0.5 * (a.softmax(dim=1) + b.softmax(dim=1))[0]
            if total is None:
                total = np.zeros((mean.shape[0], *count.shape), np.float32)
            total[(slice(None), *box)] += mean.numpy()
            count[box] += 1
    assert total is not None  # at least one window
    total /= count
    inside = tuple(slice(m // 2, m // 2 + n) for m, n in zip(missing, shape, strict=True))
    return total[(slice(None), *inside)]
