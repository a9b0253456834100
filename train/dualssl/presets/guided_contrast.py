"""Guided contrast between two overlapping crops (Jiang et al., ICCV 2021, arXiv 2110.08188).

The publication contrasts projected features of points under two augmentations; here the second view is a sub-crop of the
patch, which changes the context a voxel is seen in, and features are compared as they are, in each network for itself.
"""

from __future__ import annotations

from types import EllipsisType

import torch
import torch.nn.functional as F
from torch import Tensor

from dualssl.errors import TrainingError
from dualssl.model.manifest import DOWNSAMPLINGS
from dualssl.networks.pair import NetworkOutput
from dualssl.presets.base import Augmentation, Preset
from dualssl.terms.base import Step, Term, TermSpec, register
from dualssl.terms.sampling import class_mean, features_at, sample_per_class

CROP_SHARE = 2 / 3

Box = tuple[EllipsisType | slice, ...]
"""An index of a part of the last three axes."""


@register
class GuidedContrast(Term):
    """InfoNCE between the features that one network gives the same unlabelled voxel in the patch and in a sub-crop of it.

    Guidance by the predictions: a voxel of the same predicted class is never a negative; only the less confident of the two
    views gets a gradient, and only if the other reaches `confidence`; each class has the same number of voxels at most.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        temperature: of the similarities.
        samples: voxels of each class and step, at most.
        confidence: class probability the teaching view needs.
    """

    name = "guided_contrast"

    def __init__(
        self,
        classes: int,
        feature_channels: int,
        temperature: float = 0.1,
        samples: int = 128,
        confidence: float = 0.75,
    ) -> None:
        super().__init__(classes, feature_channels)
        self.temperature = temperature
        self.samples = samples
        self.confidence = confidence

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        if step.forward is None:
            raise TrainingError("Term 'guided_contrast' needs a second view: give the step its `forward`.")
        crop = random_crop(tuple(step.images.shape[2:]))
        second_a, second_b = step.forward(step.images[crop].contiguous())
        unlabelled = step.unlabelled[crop]
        return {
            "a": self._loss(step.a, second_a, crop, unlabelled),
            "b": self._loss(step.b, second_b, crop, unlabelled),
        }

    def _loss(self, whole: NetworkOutput, part: NetworkOutput, crop: Box, unlabelled: Tensor) -> Tensor:
        label, sure = whole.label[crop], whole.confidence[crop]
        index, valid = sample_per_class(label, unlabelled, self.classes, self.samples)
        index, valid = index.flatten(), valid.flatten()
        one = F.normalize(features_at(whole.features[crop], index), dim=-1)
        two = F.normalize(features_at(part.features, index), dim=-1)
        label_one, sure_one = label.flatten()[index], sure.flatten()[index]
        label_two, sure_two = part.label.flatten()[index], part.confidence.flatten()[index]
        two_teaches = valid & (sure_two >= sure_one) & (sure_two >= self.confidence)
        one_teaches = valid & (sure_one > sure_two) & (sure_one >= self.confidence)
        return self._info_nce(one, two.detach(), label_one, label_two, valid, two_teaches) + self._info_nce(
            two, one.detach(), label_two, label_one, valid, one_teaches
        )

    def _info_nce(
        self, query: Tensor, key: Tensor, query_label: Tensor, key_label: Tensor, valid: Tensor, counts: Tensor
    ) -> Tensor:
        """`query` and `key` are (n, F), row i of both the same voxel; the rest are (n,)."""
        negative = (query_label.unsqueeze(1) != key_label) & valid
        positive = torch.eye(len(query), dtype=torch.bool, device=query.device)
        scores = (query @ key.T / self.temperature).masked_fill(~(negative | positive), -1e4)
        loss = -F.log_softmax(scores, dim=-1).diagonal()
        groups = torch.stack([query_label == c for c in range(self.classes)])
        return class_mean(loss.expand_as(groups), (groups & counts).to(loss.dtype))


def random_crop(shape: tuple[int, ...]) -> Box:
    """A random box whose sides are multiples of what the networks need, at most `CROP_SHARE` of `shape` where that allows."""
    step = 2**DOWNSAMPLINGS
    box: list[slice] = []
    for side in shape:
        length = max(int(side * CROP_SHARE) // step * step, step)
        start = int(torch.randint(side - length + 1, (1,)))
        box.append(slice(start, start + length))
    return (..., *box)


PRESET = Preset(
    name="guided_contrast",
    description="Supervised training plus confidence-guided contrast between overlapping crops (arXiv 2110.08188).",
    terms=(
        TermSpec("supervised", weight=2.0),
        TermSpec("guided_contrast", weight=0.1, ramp="sigmoid"),
    ),
    augmentation=Augmentation(flip=True, rotate=True),
)
