"""Discrepancy correction: where two unlike students differ, the wrong one is told, and made to doubt (SDCL, MICCAI 2024)."""

from __future__ import annotations

from torch import Tensor

from dualssl.terms.base import IGNORE, Step, Term, masked_mean, register
from dualssl.terms.losses import divergence_from_uniform, squared_error


@register
class Discrepancy(Term):
    """On voxels with a target, human or pseudo, about which the networks' labels differ: squared error to the target for both
    networks, and KL(uniform || p) for a network whose label is not the target.

    Our reading of the method: the two parts are means over the voxels concerned, `step.weight` scaling each voxel; with more
    than two classes both networks may be wrong at once, and then both are pushed towards uniform. The right network keeps
    its confidence: it gets the squared error alone.

    Args:
        classes: see `Term`.
        feature_channels: see `Term`.
        correction: weight of the squared error.
        doubt: weight of the divergence from uniform.
    """

    name = "discrepancy"
    needs_pseudo_labels = True

    def __init__(self, classes: int, feature_channels: int, correction: float = 0.5, doubt: float = 0.05) -> None:
        super().__init__(classes, feature_channels)
        self.correction = correction
        self.doubt = doubt

    def forward(self, step: Step) -> dict[str, Tensor]:
        """`correct_a`, `correct_b`, `doubt_a` and `doubt_b`, each times its weight."""
        differ = (step.a.label != step.b.label) & (step.target != IGNORE)
        result = {}
        for key, output in (("a", step.a), ("b", step.b)):
            wrong = differ & (output.label != step.target)
            result[f"correct_{key}"] = self.correction * _mean(squared_error(output, step.target), differ, step)
            result[f"doubt_{key}"] = self.doubt * _mean(divergence_from_uniform(output), wrong, step)
        return result


def _mean(values: Tensor, mask: Tensor, step: Step) -> Tensor:
    return masked_mean(values if step.weight is None else values * step.weight, mask)
