"""Optimisers and learning rates as presets name them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from dualssl.presets.base import Optimiser, Schedule


def build_optimiser(spec: Optimiser, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser that `spec` describes, over `parameters`."""
    if spec.kind == "sgd":
        return torch.optim.SGD(
            parameters, lr=spec.learning_rate, momentum=spec.momentum, weight_decay=spec.weight_decay, foreach=True
        )
    return torch.optim.AdamW(parameters, lr=spec.learning_rate, weight_decay=spec.weight_decay, foreach=True)


def learning_rate(optimiser: Optimiser, schedule: Schedule, iteration: int, iterations: int) -> float:
    """Learning rate of `iteration` (0 .. iterations - 1): lr * (1 - t/T)^power, or lr * gamma^(t // every)."""
    if schedule.kind == "poly":
        return optimiser.learning_rate * (1.0 - iteration / iterations) ** schedule.power
    return float(optimiser.learning_rate * schedule.gamma ** (iteration // schedule.every))
