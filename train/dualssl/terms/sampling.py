"""A few voxels of each class, and their features: what contrastive terms work on."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def sample_per_class(label: Tensor, mask: Tensor, classes: int, count: int) -> tuple[Tensor, Tensor]:
    """Random voxels of each class, without replacement, drawn with torch's global generator (so the seed decides).

    Shapes do not depend on how many voxels there are: nothing waits for the device.

    Args:
        label: (B, D, H, W) int64, the class of each voxel.
        mask: (B, D, H, W) bool, the voxels to draw from.
        classes: number of classes.
        count: at most so many of each.

    Returns:
        Flat voxel indices (classes, n) with n <= count, and (classes, n) bool which of them are real.
    """
    score = torch.rand(label.numel(), device=label.device)
    group = torch.where(mask, label, -1).flatten()
    n = min(count, score.numel())
    top = [torch.where(group == c, score, -1.0).topk(n, sorted=False) for c in range(classes)]
    return torch.stack([t.indices for t in top]), torch.stack([t.values for t in top]) >= 0.0


def features_at(features: Tensor, index: Tensor) -> Tensor:
    """Feature vectors of some voxels, float32, with gradient.

    Args:
        features: (B, F, D, H, W), in any memory layout.
        index: flat indices into (B, D, H, W), of any shape.

    Returns:
        `index.shape` + (F,).
    """
    # One flat index keeps the gradient in the memory layout of the features; five of them would make it contiguous, and the
    # networks' backward pass through channels-last features slow.
    return features.permute(0, 2, 3, 4, 1).flatten(0, 3)[index].float()


def class_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean within each class, then mean over the classes that have any weight; zero if none has.

    Args:
        values: (classes, n).
        weight: (classes, n), not negative.
    """
    total = weight.sum(dim=1)
    means = (values * weight).sum(dim=1) / total.clamp_min(1e-6)
    present = (total > 0).to(values.dtype)
    return (means * present).sum() / present.sum().clamp_min(1.0)
