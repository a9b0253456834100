"""The losses that terms are made of: per voxel where possible, so that a term chooses the voxels and their weight.

All work on float32 log-probabilities, for any number of classes, without one-hot tensors.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from dualssl.networks.pair import NetworkOutput
from dualssl.terms.base import masked_mean

DICE_SMOOTHING = 1e-5


def cross_entropy(output: NetworkOutput, label: Tensor, on_probabilities: bool = False) -> Tensor:
    """Cross-entropy per voxel, (B, D, H, W); without meaning where `label` is negative, so mask those out.

    Args:
        output: the network that learns.
        label: (B, D, H, W) int64.
        on_probabilities: take the softmax of the probabilities once more, as the paper's released code does by mistake: the
            loss of a perfect voxel is then log(1 + (C - 1) / e), 0.313 for two classes, not 0.
    """
    log_p = F.log_softmax(output.probabilities, dim=1) if on_probabilities else output.log_probabilities
    return -_at(log_p, label)


def squared_error(output: NetworkOutput, label: Tensor) -> Tensor:
    """Squared distance of the probabilities from the one-hot `label`, mean over classes, (B, D, H, W).

    For two classes this is the squared error of the foreground probability.
    """
    p = output.probabilities
    return (p.square().sum(dim=1) - 2.0 * _at(p, label) + 1.0) / p.shape[1]


def divergence(teacher: NetworkOutput, student: NetworkOutput) -> Tensor:
    """KL(teacher || student) per voxel, (B, D, H, W), in nats. The teacher gets no gradient."""
    return (teacher.probabilities.detach() * (teacher.log_probabilities.detach() - student.log_probabilities)).sum(dim=1)


def divergence_from_uniform(output: NetworkOutput) -> Tensor:
    """KL(uniform || p) per voxel, (B, D, H, W), in nats: small where the network is undecided."""
    log_p = output.log_probabilities
    return -log_p.mean(dim=1) - math.log(log_p.shape[1])


def dice_loss(output: NetworkOutput, label: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """Soft Dice loss with squared denominator (Milletari et al. 2016), a scalar.

    Sums run over the whole batch (patches without a structure are common, a Dice of each would be noise). Background is left
    out, as is usual for the left atrium, and so is a class that `label` does not show within `mask`: its Dice says nothing.

    Args:
        output: the network that learns.
        label: (B, D, H, W) int64.
        mask: (B, D, H, W) bool, the voxels that count.
        weight: (B, D, H, W) importance of a voxel, or None.
    """
    p = output.probabilities
    m = mask.to(p.dtype) if weight is None else mask.to(p.dtype) * weight
    losses, present = [], []
    for c in range(1, p.shape[1]):
        truth = (label == c).to(p.dtype) * m
        size = truth.sum()
        overlap = (p[:, c] * truth).sum()
        total = (p[:, c].square() * m).sum() + size
        losses.append(1.0 - (2.0 * overlap + DICE_SMOOTHING) / (total + DICE_SMOOTHING))
        present.append(size > 0)
    seen = torch.stack(present).to(p.dtype)
    return (torch.stack(losses) * seen).sum() / seen.sum().clamp_min(1.0)


def segmentation_loss(output: NetworkOutput, label: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of cross-entropy and Dice loss over `mask`, a scalar: arguments as of `dice_loss`."""
    return 0.5 * (masked_mean(cross_entropy(output, label), mask, weight) + dice_loss(output, label, mask, weight))


def zero(output: NetworkOutput) -> Tensor:
    """A scalar 0 that is still connected to the network."""
    return output.logits[0, 0, 0, 0, 0] * 0.0


def _at(values: Tensor, label: Tensor) -> Tensor:
    """`values` (B, C, D, H, W) of each voxel's own class, (B, D, H, W); negative labels read class 0."""
    return values.gather(1, label.clamp_min(0).unsqueeze(1)).squeeze(1)
