"""ERDA: pseudo-labels without threshold that learn, too (Tang et al., NeurIPS 2023, arXiv 2305.15832).

The publication segments point clouds with one network and projects features before comparing them to prototypes; here each
of the two networks does it for itself, on voxels, without projection.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from dualssl.networks.pair import NetworkOutput
from dualssl.presets.base import Augmentation, Preset
from dualssl.terms.base import IGNORE, Step, Term, TermSpec, masked_mean, register
from dualssl.terms.prototypes import Prototypes


@register
class EntropyRegularisedAlignment(Term):
    """sharpness * H(p) + KL(p || q) on every unlabelled voxel: q is the prediction, p the softmax of the similarities of the
    voxel's feature to the class prototypes. Both p and q get a gradient; prototypes, which follow labelled voxels, do not.

    With sharpness 1 this is the soft cross-entropy of q to p.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        sharpness: weight of the entropy of p.
        temperature: of the similarities.
        decay: of the prototypes' moving average.
    """

    name = "erda"

    def __init__(
        self,
        classes: int,
        feature_channels: int,
        sharpness: float = 1.0,
        temperature: float = 0.1,
        decay: float = 0.99,
    ) -> None:
        super().__init__(classes, feature_channels)
        self.sharpness = sharpness
        self.temperature = temperature
        self.prototypes = Prototypes(classes, feature_channels, decay)

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`; moves the prototypes first when training."""
        if self.training:
            known = step.truth & (step.target != IGNORE)
            for k, output in enumerate((step.a, step.b)):
                self.prototypes.update(k, output.features, step.target, known)
        return {"a": self._loss(0, step.a, step.unlabelled), "b": self._loss(1, step.b, step.unlabelled)}

    def _loss(self, network: int, output: NetworkOutput, unlabelled: Tensor) -> Tensor:
        similarity = self.prototypes.similarity(network, output.features.float().movedim(1, -1)).movedim(-1, 1)
        log_p = F.log_softmax(similarity / self.temperature, dim=1)
        p = log_p.exp()
        entropy = -(p * log_p).sum(dim=1)
        conflict = (p * (log_p - output.log_probabilities)).sum(dim=1)
        # Until every class has a prototype, p cannot be a pseudo-label.
        ready = self.prototypes.seen[network].all()
        return masked_mean(self.sharpness * entropy + conflict, unlabelled & ready)


PRESET = Preset(
    name="erda",
    description="Entropy-regularised alignment of predictions with prototype pseudo-labels (arXiv 2305.15832).",
    terms=(
        TermSpec("supervised", weight=2.0),
        TermSpec("erda", weight=0.1, ramp="sigmoid"),
    ),
    augmentation=Augmentation(flip=True, rotate=True),
)
