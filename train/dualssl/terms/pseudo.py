"""Learning from the pseudo-labels that the trainer puts into `step.target`."""

from __future__ import annotations

from torch import Tensor

from dualssl.networks.pair import NetworkOutput
from dualssl.terms.base import Step, Term, masked_mean, register
from dualssl.terms.losses import segmentation_loss


@register
class Pseudo(Term):
    """Mean of cross-entropy and Dice loss on the voxels with a pseudo-label, for each network.

    Unlike the ratio-only weight of `supervised`, `step.weight` scales the whole: a weight of 0.5 on all pseudo-labels, as
    copy-paste sets it, halves the loss.
    """

    name = "pseudo"
    needs_pseudo_labels = True

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        return {"a": self._loss(step.a, step), "b": self._loss(step.b, step)}

    def _loss(self, output: NetworkOutput, step: Step) -> Tensor:
        loss = segmentation_loss(output, step.target, step.pseudo, step.weight)
        return loss if step.weight is None else loss * masked_mean(step.weight.float(), step.pseudo)
