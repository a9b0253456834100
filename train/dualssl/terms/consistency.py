"""Following the moving average of oneself (mean teacher, Tarvainen and Valpola 2017)."""

from __future__ import annotations

from torch import Tensor

from dualssl.networks.pair import NetworkOutput
from dualssl.terms.base import Step, Term, masked_mean, register
from dualssl.terms.losses import zero


@register
class TeacherConsistency(Term):
    """Mean squared difference between each network's probabilities and the EMA teacher's, on unlabelled voxels.

    The teacher is the mean of both averaged networks, so the students also learn from one another. Zero on steps for which
    the trainer has no teacher yet.
    """

    name = "teacher_consistency"
    needs_teacher = True

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The loss of `a` and of `b`."""
        return {"a": self._loss(step.a, step), "b": self._loss(step.b, step)}

    def _loss(self, output: NetworkOutput, step: Step) -> Tensor:
        if step.teacher is None:
            return zero(output)
        difference = (output.probabilities - step.teacher.detach()).square().mean(dim=1)
        return masked_mean(difference, step.unlabelled)
