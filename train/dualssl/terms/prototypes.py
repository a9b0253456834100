"""A running mean feature of each class, one set a network, kept in buffers so that checkpoints carry it on."""

from __future__ import annotations

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

UNSEEN = -1e4
"""Similarity to a class without prototype: far below any real one, yet finite."""


class Prototypes(nn.Module):
    """Exponential moving averages of class features on the unit sphere, without gradient.

    Attributes:
        vectors: (2, classes, F), unit length; network A, network B.
        seen: (2, classes) bool, False while a class has had no voxel.
    """

    vectors: Tensor
    seen: Tensor

    def __init__(self, classes: int, feature_channels: int, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("vectors", torch.zeros(2, classes, feature_channels))
        self.register_buffer("seen", torch.zeros(2, classes, dtype=torch.bool))

    @torch.no_grad()
    def update(self, network: int, features: Tensor, label: Tensor, mask: Tensor) -> None:
        """Move the prototypes of one network towards the mean features of this step; classes that do not occur stay.

        Processes that train together pool their sums, so that all hold the same prototypes.

        Args:
            network: 0 for A, 1 for B.
            features: (B, F, D, H, W).
            label: (B, D, H, W) int64.
            mask: (B, D, H, W) bool, the voxels to learn from.
        """
        classes = self.vectors.shape[1]
        flat = features.detach().float().flatten(2)
        member = torch.stack([((label == c) & mask).flatten(1) for c in range(classes)], dim=1).to(flat.dtype)
        sums = torch.bmm(member, flat.transpose(1, 2)).sum(dim=0)
        counts = member.sum(dim=(0, 2))
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(sums)
            dist.all_reduce(counts)
        mean = F.normalize(sums / counts.clamp_min(1.0).unsqueeze(1), dim=1)
        old, seen = self.vectors[network], self.seen[network].unsqueeze(1)
        moved = torch.where(seen, F.normalize(self.decay * old + (1.0 - self.decay) * mean, dim=1), mean)
        occurs = counts > 0
        self.vectors[network] = torch.where(occurs.unsqueeze(1), moved, old)
        self.seen[network] |= occurs

    def similarity(self, network: int, features: Tensor) -> Tensor:
        """Cosine of features (..., F) with each prototype, (..., classes); `UNSEEN` for classes without one."""
        cosine = F.normalize(features, dim=-1) @ self.vectors[network].clone().T
        return cosine.masked_fill(~self.seen[network], UNSEEN)
