"""Overlap of two masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def as_masks(prediction: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both as boolean arrays of one shape; not 0 is foreground.

    Raises:
        ValueError: the shapes differ.
    """
    a = np.asarray(prediction).astype(bool, copy=False)
    b = np.asarray(truth).astype(bool, copy=False)
    if a.shape != b.shape:
        raise ValueError(f"the prediction has shape {a.shape}, the truth {b.shape}")
    return a, b


def dice(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Dice's coefficient 2|P ∩ T| / (|P| + |T|) of two masks of one shape.

    Both empty count as agreement, 1.0; one empty alone gives 0.0.

    Raises:
        ValueError: the shapes differ.
    """
    p, t = as_masks(prediction, truth)
    return dice_of_counts(int(np.count_nonzero(p & t)), int(np.count_nonzero(p)), int(np.count_nonzero(t)))


def dice_of_counts(common: float, prediction: float, truth: float) -> float:
    """Dice's coefficient from the voxel counts of the intersection and of both masks."""
    total = prediction + truth
    return 2.0 * common / total if total else 1.0


def jaccard(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Jaccard's index |P ∩ T| / |P ∪ T| of two masks of one shape.

    Both empty count as agreement, 1.0; one empty alone gives 0.0.

    Raises:
        ValueError: the shapes differ.
    """
    p, t = as_masks(prediction, truth)
    union = np.count_nonzero(p | t)
    return float(np.count_nonzero(p & t)) / float(union) if union else 1.0
