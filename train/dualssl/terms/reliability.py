"""Which unlabelled voxels both networks can be believed about."""

from __future__ import annotations

import torch
from torch import Tensor

from dualssl.terms.base import Step

BINS = 2048
"""Bins of the entropy histogram of a class. They are even in log entropy over `DECADES` decades: a threshold is right to
1.0 % of itself however sure the networks have become; even bins would put a well trained background into one."""

DECADES = 9


def keep_share(progress: float, start: float = 0.2, end: float = 0.8) -> float:
    """Share of the voxels of a class to believe at `progress` (0..1): linear from `start` to `end`."""
    return start + (end - start) * min(max(progress, 0.0), 1.0)


def reliable_set(step: Step, keep: float) -> Tensor:
    """Unlabelled voxels on which both networks agree and whose entropy is low for their class.

    The uncertainty of a voxel is the larger of the two normalised entropies. Of the voxels that both networks give class c,
    the `keep` share with the lowest uncertainty is taken, for each c by itself: one threshold for all would keep hardly
    anything but background. Thresholds come from a histogram, without sorting and without waiting for the device; the bin in
    which a threshold falls is kept whole, so at least `keep` of each class that occurs is taken.

    Args:
        step: the step; the result is kept in its cache.
        keep: 0..1.

    Returns:
        (B, D, H, W) bool.
    """
    key = ("reliable", keep)
    if key not in step.cache:
        step.cache[key] = _reliable_set(step, keep)
    return step.cache[key]


def _reliable_set(step: Step, keep: float) -> Tensor:
    # Not under no_grad: what the outputs derive and cache here must keep its graph for the terms that follow.
    classes = step.classes
    label = step.a.label
    candidate = step.unlabelled & (label == step.b.label)
    entropy = torch.maximum(step.a.entropy, step.b.entropy)
    position = entropy.clamp(10.0**-DECADES, 1.0).log10_().div_(DECADES).add_(1.0)
    bin_ = (position * BINS).long().clamp_max_(BINS - 1)

    slot = torch.where(candidate, label * BINS + bin_, classes * BINS).flatten()
    one = torch.ones((), dtype=torch.int32, device=slot.device).expand(slot.shape)
    counts = torch.zeros(classes * BINS + 1, dtype=torch.int32, device=slot.device).scatter_add_(0, slot, one)
    cumulative = counts[:-1].view(classes, BINS).cumsum(dim=1)
    last = (cumulative < keep * cumulative[:, -1:]).sum(dim=1)
    return candidate & (bin_ <= last[label])
