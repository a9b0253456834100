"""Both networks are to give the same probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from dualssl.terms.base import Step, Term, masked_mean, register


@register
class Cosine(Term):
    """One minus the cosine of the two probability vectors, mean over unlabelled voxels; both networks get a gradient.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        on_labelled: labelled voxels too, as in the released code of the paper.
    """

    name = "cosine"

    def __init__(self, classes: int, feature_channels: int, on_labelled: bool = False) -> None:
        super().__init__(classes, feature_channels)
        self.on_labelled = on_labelled

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The common loss, `both`."""
        p, q = step.a.probabilities, step.b.probabilities
        # A probability vector is never shorter than 1/sqrt(C): no division by zero to guard against.
        cosine = (p * q).sum(dim=1) * (p.square().sum(dim=1) * q.square().sum(dim=1)).rsqrt()
        mask = torch.ones_like(step.truth) if self.on_labelled else step.unlabelled
        return {"both": masked_mean(1.0 - cosine, mask)}
