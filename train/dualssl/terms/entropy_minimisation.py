"""Making up one's mind on unlabelled voxels (Grandvalet and Bengio 2004)."""

from __future__ import annotations

import math

from torch import Tensor

from dualssl.networks.pair import NetworkOutput
from dualssl.terms.base import Step, Term, masked_mean, register
from dualssl.terms.losses import zero


@register
class EntropyMinimisation(Term):
    """Entropy of each network's prediction, divided by log C (0..1), mean over unlabelled voxels.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        start: share of training before which the term rests: sharpening wrong predictions early does harm.
    """

    name = "entropy"

    def __init__(self, classes: int, feature_channels: int, start: float = 0.0) -> None:
        super().__init__(classes, feature_channels)
        self.start = start

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        return {"a": self._loss(step.a, step), "b": self._loss(step.b, step)}

    def _loss(self, output: NetworkOutput, step: Step) -> Tensor:
        if step.progress < self.start:
            return zero(output)
        entropy = -(output.probabilities * output.log_probabilities).sum(dim=1) / math.log(step.classes)
        return masked_mean(entropy, step.unlabelled)
