"""Which passes through networks a training step makes, and the same passes again with nothing around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class NetworkPass:
    """Both networks of a pair on some images, as it happened.

    Attributes:
        networks: the pair, the student or the teacher.
        images: (B, channels, k, j, i), as the pair got them, memory order included.
        with_gradient: whether a backward pass follows.
    """

    networks: nn.Module
    images: Tensor
    with_gradient: bool


@contextmanager
def recorded_passes(*pairs: nn.Module) -> Iterator[list[NetworkPass]]:
    """Record the passes through `pairs` within the block, in order."""
    passes: list[NetworkPass] = []

    def record(pair: nn.Module, inputs: tuple[Any, ...]) -> None:
        passes.append(NetworkPass(pair, inputs[0].detach(), torch.is_grad_enabled()))

    hooks = [pair.register_forward_pre_hook(record) for pair in pairs]
    try:
        yield passes
    finally:
        for hook in hooks:
            hook.remove()


def repeat_passes(passes: Sequence[NetworkPass], fabric: Fabric) -> None:
    """Make the passes in Fabric's precision; where there was a gradient, go back from the sum of all logits.

    No loss, no optimiser, no statistics: what no training step could do without.
    """
    for once in passes:
        once.networks.zero_grad(set_to_none=True)
    for once in passes:
        with torch.set_grad_enabled(once.with_gradient):
            with fabric.autocast():
                (a, _), (b, _) = once.networks(once.images)
            if once.with_gradient:
                (a.float().sum() + b.float().sum()).backward()
