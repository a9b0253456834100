"""The EMA teacher: a slowly following copy of both networks (Tarvainen and Valpola 2017)."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from dualssl.networks.pair import DualNetwork


class EmaTeacher:
    """Exponential moving average of a pair's weights and normalisation statistics.

    The decay is min(decay, 1 - 1 / (updates + 1)), so that early on the teacher is the plain mean of what it has seen.

    Args:
        student: what the teacher begins as.
        decay: in the long run, 0..1.
        trained: whether the student is a trained model; the teacher then keeps to it at the full decay from the first step.
    """

    def __init__(self, student: DualNetwork, decay: float, trained: bool = False) -> None:
        self.decay = decay
        self.updates = math.ceil(1.0 / (1.0 - decay)) if trained else 0
        self.networks = copy.deepcopy(student).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, student: nn.Module) -> None:
        """Move one step towards `student`."""
        decay = min(self.decay, 1.0 - 1.0 / (self.updates + 1))
        self.updates += 1
        mine, theirs = self.networks.state_dict(), student.state_dict()
        followers = [name for name, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[n] for n in followers], [theirs[n].detach() for n in followers], 1.0 - decay)
        for name, value in mine.items():
            if not value.is_floating_point():
                value.copy_(theirs[name])

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """Mean class probabilities of both teacher networks, (B, C, D, H, W) float32."""
        (logits_a, _), (logits_b, _) = self.networks(images)
        mean = torch.softmax(logits_a.float(), dim=1)
        return mean.add_(torch.softmax(logits_b.float(), dim=1)).mul_(0.5)
