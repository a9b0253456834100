"""Uncertain voxels are drawn to the prototype of their class and away from the others."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dualssl.terms.base import IGNORE, Step, Term, register
from dualssl.terms.prototypes import Prototypes
from dualssl.terms.reliability import keep_share, reliable_set
from dualssl.terms.sampling import class_mean, features_at, sample_per_class


@register
class Contrast(Term):
    """InfoNCE of uncertain unlabelled voxels against class prototypes, in the feature space of each network.

    Prototypes follow the features of labelled and of reliable voxels and carry no gradient; queries do. A query's class is
    the most probable one of the mean prediction, its weight that probability; each class has the same number of queries at
    most and the same say. Classes without prototype are neither drawn to nor pushed from.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        decay: of the prototypes' moving average.
        temperature: of the similarities.
        queries: voxels of each class and step, at most.
        keep_start, keep_end: as of the term `filtered`: what is reliable is not uncertain.
    """

    name = "contrast"

    def __init__(
        self,
        classes: int,
        feature_channels: int,
        decay: float = 0.99,
        temperature: float = 0.1,
        queries: int = 512,
        keep_start: float = 0.2,
        keep_end: float = 0.8,
    ) -> None:
        super().__init__(classes, feature_channels)
        self.temperature = temperature
        self.queries = queries
        self.keep_start = keep_start
        self.keep_end = keep_end
        self.prototypes = Prototypes(classes, feature_channels, decay)

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`; moves the prototypes first when training."""
        reliable = reliable_set(step, keep_share(step.progress, self.keep_start, self.keep_end))
        if self.training:
            known = step.truth & (step.target != IGNORE)
            source = torch.where(known, step.target, step.a.label)
            for k, output in enumerate((step.a, step.b)):
                self.prototypes.update(k, output.features, source, known | reliable)
        # Detached rather than under no_grad: outputs cache their probabilities, whose graph other terms need.
        confidence, label = (0.5 * (step.a.probabilities.detach() + step.b.probabilities.detach())).max(dim=1)
        index, valid = sample_per_class(label, step.unlabelled & ~reliable, self.classes, self.queries)
        weight = confidence.flatten()[index] * valid
        return {
            "a": self._info_nce(0, step.a.features, index, weight),
            "b": self._info_nce(1, step.b.features, index, weight),
        }

    def _info_nce(self, network: int, features: Tensor, index: Tensor, weight: Tensor) -> Tensor:
        """`index` and `weight` are (classes, n), row c holding queries of class c."""
        similarity = self.prototypes.similarity(network, features_at(features, index))
        log_p = F.log_softmax(similarity / self.temperature, dim=-1)
        own = torch.diagonal(log_p, dim1=0, dim2=2).T
        return class_mean(-own, weight * self.prototypes.seen[network].unsqueeze(1))
