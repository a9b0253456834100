"""Keep what is one piece in the body in one piece: remove all but the largest component of a structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOUCHING = np.ones((3, 3, 3), bool)


def keep_largest_components(labels: NDArray[np.uint8], values: Sequence[int]) -> None:
    """Set to background, in place, every piece but the largest of the given structures.

    Voxels that share a face, an edge or a corner belong together. Of pieces of one size the first in array order stays.

    Args:
        labels: label map (k, j, i).
        values: label values to treat; one that does not occur is no error.
    """
    if not values:
        return
    boxes = ndimage.find_objects(labels, max_label=max(values))
    for value in values:
        box = boxes[value - 1]
        if box is None:
            continue
        part = labels[box]
        mask = part == value
        pieces, count = ndimage.label(mask, _TOUCHING)
        if count > 1:
            sizes = np.bincount(pieces[mask], minlength=count + 1)
            part[mask & (pieces != int(sizes.argmax()))] = 0
