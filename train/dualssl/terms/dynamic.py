"""Cross pseudo supervision, weighed down where the networks are in conflict."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dualssl.errors import TrainingError
from dualssl.networks.pair import NetworkOutput
from dualssl.terms.base import Step, Term, masked_mean, register
from dualssl.terms.losses import cross_entropy, divergence

Direction = Literal["symmetric", "a_to_b", "loser_learns"]


@register
class Dynamic(Term):
    """exp(-D) CE + D per voxel, where D = KL(teacher || student), CE is to the teacher's hard label and the teacher is the
    other network, without gradient (the rectified form of RCPS, arXiv 2301.05500).

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        direction: who teaches: each the other; A alone; or, voxel by voxel, the more confident one (A where both are equal).
        detach_weight: False lets the gradient into exp(-D), as in the released code of the paper; where CE > exp(D) it then
            drives the networks apart.
        on_labelled: labelled voxels too, as in the released code.
        on_probabilities: softmax taken twice in CE.
    """

    name = "dynamic"

    def __init__(
        self,
        classes: int,
        feature_channels: int,
        direction: Direction = "symmetric",
        detach_weight: bool = True,
        on_labelled: bool = False,
        on_probabilities: bool = False,
    ) -> None:
        super().__init__(classes, feature_channels)
        if direction not in ("symmetric", "a_to_b", "loser_learns"):
            raise TrainingError(f"Term 'dynamic' has no direction '{direction}': use symmetric, a_to_b or loser_learns.")
        self.direction = direction
        self.detach_weight = detach_weight
        self.on_labelled = on_labelled
        self.on_probabilities = on_probabilities

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of each network that learns: `b`, or `a` and `b`."""
        mask = torch.ones_like(step.truth) if self.on_labelled else step.unlabelled
        if self.direction == "a_to_b":
            return {"b": self._lesson(step.a, step.b, mask)}
        for_a, for_b = mask, mask
        if self.direction == "loser_learns":
            a_wins = step.a.confidence >= step.b.confidence
            for_a, for_b = mask & ~a_wins, mask & a_wins
        return {"a": self._lesson(step.b, step.a, for_a), "b": self._lesson(step.a, step.b, for_b)}

    def _lesson(self, teacher: NetworkOutput, student: NetworkOutput, mask: Tensor) -> Tensor:
        conflict = divergence(teacher, student)
        weight = torch.exp(-(conflict.detach() if self.detach_weight else conflict))
        return masked_mean(weight * cross_entropy(student, teacher.label, self.on_probabilities) + conflict, mask)
