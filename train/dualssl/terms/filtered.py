"""Learning what both networks agree about and are sure of."""

from __future__ import annotations

from torch import Tensor

from dualssl.terms.base import Step, Term, masked_mean, register
from dualssl.terms.losses import cross_entropy
from dualssl.terms.reliability import keep_share, reliable_set


@register
class Filtered(Term):
    """Cross-entropy to the agreed label on the reliable unlabelled voxels, for both networks.

    The corrected form: live logits, entropy of probabilities, a threshold within each class, agreement of labels, and a mean
    over the voxels kept. The released code of the paper gives this term no gradient at all.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        keep_start, keep_end: share of each class that is believed at the start and at the end of training.
        on_probabilities: softmax taken twice, as in the released code.
    """

    name = "filtered"

    def __init__(
        self,
        classes: int,
        feature_channels: int,
        keep_start: float = 0.2,
        keep_end: float = 0.8,
        on_probabilities: bool = False,
    ) -> None:
        super().__init__(classes, feature_channels)
        self.keep_start = keep_start
        self.keep_end = keep_end
        self.on_probabilities = on_probabilities

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        reliable = reliable_set(step, keep_share(step.progress, self.keep_start, self.keep_end))
        agreed = step.a.label
        return {
            "a": masked_mean(cross_entropy(step.a, agreed, self.on_probabilities), reliable),
            "b": masked_mean(cross_entropy(step.b, agreed, self.on_probabilities), reliable),
        }
