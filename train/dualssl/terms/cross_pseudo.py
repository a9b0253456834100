"""Cross pseudo supervision (Chen et al., CVPR 2021)."""

from __future__ import annotations

from torch import Tensor

from dualssl.terms.base import Step, Term, masked_mean, register
from dualssl.terms.losses import cross_entropy


@register
class CrossPseudo(Term):
    """Each network learns the other's hard label on unlabelled voxels; a label carries no gradient to its author.

    The publication applies it to labelled images as well; here people's labels stand alone.
    """

    name = "cross_pseudo"

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        return {
            "a": masked_mean(cross_entropy(step.a, step.b.label), step.unlabelled),
            "b": masked_mean(cross_entropy(step.b, step.a.label), step.unlabelled),
        }
