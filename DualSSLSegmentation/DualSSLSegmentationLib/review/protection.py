"""Merging a new prediction with what a person made of an earlier one. NumPy only."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from dualssl.metrics.band import bounding_box

NEIGHBOURHOOD = 2
"""Voxels around an edited one, along each axis, that `MergeChoice.onlyUntouched` leaves as they are."""


class MergeChoice(Enum):
    """What happens to a person's work when a new prediction arrives; see `merged`."""

    keepMine = "keepMine"
    takeModel = "takeModel"
    onlyUntouched = "onlyUntouched"


def merged(
    current: NDArray[np.integer],
    editMask: NDArray[np.generic],
    newPrediction: NDArray[np.integer],
    reviewedRegions: NDArray[np.generic] | None,
    choice: MergeChoice,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bring a new prediction into a label map that a person has worked on.

    What a voxel becomes, and whether it counts as a person's (`protected`) from then on:

    | voxel                                     | keepMine         | onlyUntouched    | takeModel |
    |-------------------------------------------|------------------|------------------|-----------|
    | edited                                    | stays, protected | stays, protected | new       |
    | in a region that a person has decided on  | new              | stays, protected | new       |
    | at most `NEIGHBOURHOOD` voxels from those edited | new       | stays            | new       |
    | all others                                | new              | new              | new       |

    The neighbourhood keeps the new prediction from cutting into the rim of an edit. It is not protected, for nobody looked at
    it. All arrays are (k, j, i) of one shape; none is changed.

    Args:
        current: label map as it is now.
        editMask: not 0 where a person edited, see `editTracking`.
        newPrediction: label map of the new prediction.
        reviewedRegions: not 0 in regions that a person accepted or answered; only `onlyUntouched` asks for it. None: nowhere.
        choice: what to do.

    Returns:
        The new label map, and the voxels that are a person's (uint8, 0 or 1), both new arrays.

    Raises:
        ValueError: the shapes differ.
    """
    shapes = {a.shape for a in (current, editMask, newPrediction, reviewedRegions) if a is not None}
    if len(shapes) != 1:
        raise ValueError(f"arrays of shapes {sorted(shapes)} are not of one case")
    new = np.array(newPrediction, dtype=np.uint8)
    if choice is MergeChoice.takeModel:
        return new, np.zeros(new.shape, np.uint8)
    edited = np.asarray(editMask) != 0
    if choice is MergeChoice.keepMine:
        return _keeping(edited, current, new), edited.astype(np.uint8)
    person = edited if reviewedRegions is None else edited | (np.asarray(reviewedRegions) != 0)
    return _keeping(person | around(edited), current, new), person.astype(np.uint8)


def around(mask: NDArray[np.bool_], voxels: int = NEIGHBOURHOOD) -> NDArray[np.bool_]:
    """The mask (k, j, i), and all voxels that lie at most `voxels` away from it along every axis."""
    grown = np.zeros(mask.shape, bool)
    box = bounding_box(mask, margin=voxels)
    if box is not None:
        part = mask[box]
        for axis in range(part.ndim):
            part = _stretched(part, axis, voxels)
        grown[box] = part
    return grown


def _stretched(mask: NDArray[np.bool_], axis: int, voxels: int) -> NDArray[np.bool_]:
    """The mask, and what lies at most `voxels` away from it along one axis."""
    along = np.moveaxis(mask, axis, 0)
    result = along.copy()
    for step in range(1, min(voxels, len(along) - 1) + 1):
        result[step:] |= along[:-step]
        result[:-step] |= along[step:]
    return np.moveaxis(result, 0, axis)


def _keeping(kept: NDArray[np.bool_], current: NDArray[np.integer], new: NDArray[np.uint8]) -> NDArray[np.uint8]:
    np.copyto(new, current, where=kept, casting="unsafe")
    return new
