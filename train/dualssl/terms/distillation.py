"""Keeping what the parent model knows: distillation from it where no label says otherwise."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dualssl.networks.pair import NetworkOutput
from dualssl.terms.base import Step, Term, masked_mean, register


@register
class Distillation(Term):
    """KL(parent || student) on unlabelled voxels, each network from its own counterpart, so that the two stay unlike.

    After Li and Hoiem, Learning without Forgetting (2016), with one change: a voxel counts by the parent's certainty,
    1 - entropy / log C of its two networks' mean. What the parent was sure of is kept; where it was not, corrected cases may
    teach otherwise.
    """

    name = "distillation"
    needs_parent = True

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`, in nats."""
        if step.parent is None:
            raise ValueError("distillation needs the parent's probabilities")
        with torch.no_grad():
            mean = 0.5 * (step.parent[0] + step.parent[1])
            entropy = -(mean * mean.clamp_min(1e-12).log()).sum(dim=1)
            certainty = (1.0 - entropy / math.log(mean.shape[1])).clamp_min(0.0)
        return {
            "a": masked_mean(_divergence(step.parent[0], step.a), step.unlabelled, certainty),
            "b": masked_mean(_divergence(step.parent[1], step.b), step.unlabelled, certainty),
        }


def _divergence(parent: Tensor, student: NetworkOutput) -> Tensor:
    """KL(parent || student) per voxel, (B, D, H, W)."""
    return (parent * (parent.clamp_min(1e-12).log() - student.log_probabilities)).sum(dim=1)
