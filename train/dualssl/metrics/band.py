"""Where error detection is judged: the neighbourhood of the predicted foreground.

Over a whole volume nearly every voxel is certain and right, which flatters every figure; a band around what was
segmented holds the voxels that a person would look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Box = tuple[slice, ...]


def bounding_box(mask: NDArray[np.bool_], margin: int = 0) -> Box | None:
    """The smallest box that holds every true voxel.

    Args:
        mask: boolean array, e.g. (k, j, i).
        margin: voxels by which the box grows on every side, clipped to the array.

    Returns:
        One slice an axis, or None where no voxel is true.
    """
    box: list[slice] = []
    inside = mask
    for axis, length in enumerate(mask.shape):
        # Each axis is searched only within the box of those before it: cheap even where the array is large.
        others = tuple(a for a in range(mask.ndim) if a != axis)
        hits = np.flatnonzero(inside.any(axis=others))
        if hits.size == 0:
            return None
        first, last = int(hits[0]), int(hits[-1])
        inside = inside[(slice(None),) * axis + (slice(first, last + 1),)]
        box.append(slice(max(first - margin, 0), min(last + 1 + margin, length)))
    return tuple(box)


def foreground_band(prediction: ArrayLike, voxels: int) -> NDArray[np.bool_]:
    """Predicted foreground dilated by a cube: all voxels at most `voxels` steps away from it along each axis.

    Args:
        prediction: label map or mask (k, j, i); everything but 0 is foreground.
        voxels: how far the band reaches beyond the foreground; 0 gives the foreground itself.

    Returns:
        Boolean mask of the prediction's shape; nowhere true if there is no foreground.

    Raises:
        ValueError: `voxels` is negative.
    """
    if voxels < 0:
        raise ValueError(f"a band cannot reach {voxels} voxels: give 0 or more")
    foreground = np.asarray(prediction) != 0
    box = bounding_box(foreground, margin=voxels)
    if box is None or voxels == 0:
        return foreground
    # Here, for a program that only shows results has no use for SciPy and would wait for it.
    from scipy import ndimage

    part = foreground[box].view(np.uint8)
    for axis in range(part.ndim):
        part = ndimage.maximum_filter1d(part, size=2 * voxels + 1, axis=axis, mode="constant", cval=0)
    band = np.zeros_like(foreground)
    band[box] = part.view(np.bool_)
    return band
