"""How much two networks agree: what is watched so that they do not become one."""

from __future__ import annotations

from torch import Tensor

from dualssl.terms.base import Step


def agreement(step: Step) -> Tensor:
    """Dice between the labels of networks A and B on the images of a step, all structures together; 1 where both are empty."""
    a, b = step.a.label, step.b.label
    common = ((a == b) & (a > 0)).sum()
    total = (a > 0).sum() + (b > 0).sum()
    return (2.0 * common + 1e-6) / (total + 1e-6)
