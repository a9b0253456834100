"""How unsure the pair is: entropy of the mean prediction, and how far the two networks' predictions lie apart."""

from __future__ import annotations

from functools import cached_property
from math import log

from torch import Tensor

EPSILON = 1e-6
"""Probabilities are not taken below this in logarithms, so that nothing becomes infinite."""


class PairUncertainty:
    """Maps of uncertainty from class probabilities of both networks; logarithms are computed once and shared.

    Attributes:
        a, b: class probabilities of networks A and B, background first, shape (C, ...), float32, sums over C are 1.
    """

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.a = a.clamp(0.0, 1.0)
        self.b = b.clamp(0.0, 1.0)

    @cached_property
    def mean(self) -> Tensor:
        """Mean of both networks' probabilities, (C, ...)."""
        return (self.a + self.b).mul_(0.5)

    def entropy(self) -> Tensor:
        """Shannon entropy of the mean, divided by log C: 0 (one class is certain) to 1 (all are equally probable)."""
        classes = self.a.shape[0]
        return self._negative_entropy_of_mean.div(-log(classes)).clamp_(0.0, 1.0)

    def symmetric_kl(self) -> Tensor:
        """Mean of KL(A || B) and KL(B || A), nats, >= 0; probabilities are at least 1e-6, hence at most 13.8.

        Kullback and Leibler, On information and sufficiency, 1951: half of their divergence J.
        """
        difference = self.a.clamp(min=EPSILON) - self.b.clamp(min=EPSILON)
        return difference.mul_(self._log_a - self._log_b).sum(dim=0).mul_(0.5)

    def jensen_shannon(self) -> Tensor:
        """Jensen-Shannon divergence with equal weights, divided by log 2: 0 (equal) to 1 (no class in common).

        Entropy of the mean less the mean of the entropies: Lin, Divergence measures based on the Shannon entropy, 1991.
        """
        sum_of_both = (self.a * self._log_a).addcmul_(self.b, self._log_b).sum(dim=0)
        return sum_of_both.mul_(0.5).sub_(self._negative_entropy_of_mean).div_(log(2.0)).clamp_(0.0, 1.0)

    @cached_property
    def _log_a(self) -> Tensor:
        return self.a.clamp(min=EPSILON).log_()

    @cached_property
    def _log_b(self) -> Tensor:
        return self.b.clamp(min=EPSILON).log_()

    @cached_property
    def _negative_entropy_of_mean(self) -> Tensor:
        return self.mean.clamp(min=EPSILON).log_().mul_(self.mean).sum(dim=0)
