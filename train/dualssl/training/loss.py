"""The total loss of a preset: its terms, each with its weight and ramp."""

from __future__ import annotations

from torch import Tensor, nn

from dualssl.presets.base import Preset
from dualssl.terms.base import Step, Term, build_term, ramp_value


class PresetLoss:
    """The terms that a preset names, and their weighted sum.

    Attributes:
        terms: by name; their buffers belong into checkpoints.
    """

    def __init__(self, preset: Preset, classes: int, feature_channels: int) -> None:
        self._specs = preset.terms
        self.terms = nn.ModuleDict({spec.name: build_term(spec, classes, feature_channels) for spec in preset.terms})

    @property
    def needs_teacher(self) -> bool:
        """Whether a term reads the teacher's probabilities."""
        return any(term.needs_teacher for term in self.terms.values() if isinstance(term, Term))

    @property
    def needs_parent(self) -> bool:
        """Whether a term reads the parent model's probabilities."""
        return any(term.needs_parent for term in self.terms.values() if isinstance(term, Term))

    @property
    def needs_pseudo_labels(self) -> bool:
        """Whether a term learns from pseudo-labels."""
        return any(term.needs_pseudo_labels for term in self.terms.values() if isinstance(term, Term))

    def __call__(self, step: Step) -> tuple[Tensor, dict[str, Tensor]]:
        """The total, with gradient, and every part (unweighted, detached) as TERM.PART."""
        total = step.a.logits.new_zeros(())
        parts: dict[str, Tensor] = {}
        for spec in self._specs:
            factor = spec.weight * ramp_value(spec.ramp, step.progress)
            for name, value in self.terms[spec.name](step).items():
                total = total + factor * value
                parts[f"{spec.name}.{name}"] = value.detach()
        return total, parts
