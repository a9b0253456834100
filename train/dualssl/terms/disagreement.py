"""Correcting, on labelled voxels, what the two networks disagree about."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dualssl.errors import TrainingError
from dualssl.terms.base import IGNORE, Step, Term, masked_mean, register
from dualssl.terms.losses import squared_error

Rule = Literal["labels_differ", "confident_foreground_differs"]


@register
class Disagreement(Term):
    """Squared error to the label where a person's label exists, the networks' labels differ and one of them is confident.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        threshold: the class probability from which a network counts as confident.
        rule: `confident_foreground_differs` is the mask of the paper's released code: voxels that exactly one network gives a
            foreground class with confidence. It takes in some voxels on which the labels agree.
    """

    name = "disagreement"
    reads_unlabelled = False

    def __init__(self, classes: int, feature_channels: int, threshold: float = 0.6, rule: Rule = "labels_differ") -> None:
        super().__init__(classes, feature_channels)
        if rule not in ("labels_differ", "confident_foreground_differs"):
            raise TrainingError(f"Term 'disagreement' has no rule '{rule}': use labels_differ or confident_foreground_differs.")
        self.threshold = threshold
        self.rule = rule

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        a, b = step.a, step.b
        if self.rule == "labels_differ":
            mask = (a.label != b.label) & (torch.maximum(a.confidence, b.confidence) >= self.threshold)
        else:
            mask = ((a.label > 0) & (a.confidence >= self.threshold)) ^ ((b.label > 0) & (b.confidence >= self.threshold))
        mask = mask & step.truth & (step.target != IGNORE)
        return {
            "a": masked_mean(squared_error(a, step.target), mask, step.weight),
            "b": masked_mean(squared_error(b, step.target), mask, step.weight),
        }
