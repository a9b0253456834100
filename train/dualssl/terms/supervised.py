"""Learning from a person's labels."""

from __future__ import annotations

from torch import Tensor

from dualssl.terms.base import IGNORE, Step, Term, register
from dualssl.terms.losses import segmentation_loss


@register
class Supervised(Term):
    """Mean of cross-entropy and Dice loss on the voxels with a person's label, for each network.

    `step.weight` makes some labels (say, corrected ones) count more than others; only their ratio matters. Dice leaves
    background out and sums over the batch.
    """

    name = "supervised"
    reads_unlabelled = False

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        mask = step.truth & (step.target != IGNORE)
        return {
            "a": segmentation_loss(step.a, step.target, mask, step.weight),
            "b": segmentation_loss(step.b, step.target, mask, step.weight),
        }
