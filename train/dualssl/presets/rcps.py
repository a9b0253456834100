"""RCPS: rectified pseudo supervision and voxel contrast across images (Zhao et al., arXiv 2301.05500).

The publication trains one network on two augmented views; here the two networks are the two views. There is no projection
head, and negatives come from a bank of features of earlier steps, hence of other images, instead of from the batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dualssl.networks.pair import NetworkOutput
from dualssl.presets.base import Augmentation, Preset
from dualssl.terms.base import IGNORE, Step, Term, TermSpec, masked_mean, register
from dualssl.terms.losses import divergence
from dualssl.terms.sampling import class_mean, features_at, sample_per_class


@register
class RectifiedSupervision(Term):
    """exp(-D) CE + D on unlabelled voxels: CE to the other network's sharpened probabilities, D = KL(teacher || student).

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        temperature: of sharpening, below 1.
    """

    name = "rcps_supervision"

    def __init__(self, classes: int, feature_channels: int, temperature: float = 0.5) -> None:
        super().__init__(classes, feature_channels)
        self.temperature = temperature

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        return {"a": self._lesson(step.b, step.a, step.unlabelled), "b": self._lesson(step.a, step.b, step.unlabelled)}

    def _lesson(self, teacher: NetworkOutput, student: NetworkOutput, mask: Tensor) -> Tensor:
        target = F.softmax(teacher.logits.detach() / self.temperature, dim=1)
        cross_entropy = -(target * student.log_probabilities).sum(dim=1)
        conflict = divergence(teacher, student)
        return masked_mean(torch.exp(-conflict.detach()) * cross_entropy + conflict, mask)


@register
class VoxelContrast(Term):
    """InfoNCE of sampled voxels: positive is the same voxel as the other network sees it, negatives are confident voxels of
    other classes from the other network's bank. Queries carry a gradient; keys and bank do not.

    Each process of a distributed run fills a bank of its own.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        temperature: of the similarities.
        queries: voxels of each class and step, at most.
        bank: entries of each class and network.
        deposits: entries of each class renewed in a step.
        confidence: probability of the mean prediction from which a voxel may enter the bank.
    """

    name = "rcps_contrast"
    bank: Tensor
    filled: Tensor
    position: Tensor

    def __init__(
        self,
        classes: int,
        feature_channels: int,
        temperature: float = 0.1,
        queries: int = 128,
        bank: int = 256,
        deposits: int = 32,
        confidence: float = 0.9,
    ) -> None:
        super().__init__(classes, feature_channels)
        self.temperature = temperature
        self.queries = queries
        self.deposits = min(deposits, bank)
        self.confidence = confidence
        self.register_buffer("bank", torch.zeros(2, classes, bank, feature_channels))
        self.register_buffer("filled", torch.zeros(classes, bank, dtype=torch.bool))
        self.register_buffer("position", torch.zeros((), dtype=torch.long))

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`; the voxels of this step enter the bank afterwards."""
        certainty, label = (0.5 * (step.a.probabilities.detach() + step.b.probabilities.detach())).max(dim=1)
        known = step.truth & (step.target != IGNORE)
        label = torch.where(known, step.target, label)
        index, valid = sample_per_class(label, torch.ones_like(known), self.classes, self.queries)
        keys = [F.normalize(features_at(o.features.detach(), index), dim=-1) for o in (step.a, step.b)]
        losses = {
            "a": self._info_nce(features_at(step.a.features, index), keys[1], self.bank[1].clone(), valid),
            "b": self._info_nce(features_at(step.b.features, index), keys[0], self.bank[0].clone(), valid),
        }
        if self.training:
            self._deposit(step, label, known | (certainty >= self.confidence))
        return losses

    def _info_nce(self, queries: Tensor, keys: Tensor, bank: Tensor, valid: Tensor) -> Tensor:
        """`queries` and `keys` are (classes, n, F), `bank` (classes, size, F), `valid` (classes, n)."""
        classes, size = self.filled.shape
        queries = F.normalize(queries, dim=-1)
        positive = (queries * keys).sum(dim=-1, keepdim=True)
        negative = queries @ bank.reshape(classes * size, -1).T
        other = ~torch.eye(classes, dtype=torch.bool, device=bank.device)
        usable = (other.unsqueeze(2) & self.filled).reshape(classes, 1, classes * size)
        # Without a negative the loss would be 0 whatever the features are: such a query does not count.
        counts = valid & usable.any(dim=-1)
        scores = torch.cat([positive, negative.masked_fill(~usable, -1e4)], dim=-1) / self.temperature
        return class_mean(-F.log_softmax(scores, dim=-1)[..., 0], counts.to(scores.dtype))

    @torch.no_grad()
    def _deposit(self, step: Step, label: Tensor, trusted: Tensor) -> None:
        index, valid = sample_per_class(label, trusted, self.classes, self.deposits)
        slots = (self.position + torch.arange(index.shape[1], device=index.device)) % self.bank.shape[2]
        for k, output in enumerate((step.a, step.b)):
            new = F.normalize(features_at(output.features.detach(), index), dim=-1)
            self.bank[k][:, slots] = torch.where(valid.unsqueeze(-1), new, self.bank[k][:, slots])
        self.filled[:, slots] |= valid
        self.position += index.shape[1]


PRESET = Preset(
    name="rcps",
    description="Rectified pseudo supervision by soft labels and voxel contrast across images (arXiv 2301.05500).",
    terms=(
        TermSpec("supervised", weight=2.0),
        TermSpec("rcps_supervision", ramp="sigmoid"),
        TermSpec("cosine", ramp="sigmoid"),
        TermSpec("rcps_contrast", weight=0.1, ramp="sigmoid"),
    ),
    augmentation=Augmentation(flip=True, rotate=True),
)
