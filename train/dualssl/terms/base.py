"""What a loss term is: the step it reads, the base class, and the register by which presets name it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor, nn

from dualssl.errors import TrainingError
from dualssl.networks.pair import NetworkOutput

IGNORE = -1
"""Value of `Step.target` where nothing is known."""

Forward = Callable[[Tensor], tuple[NetworkOutput, NetworkOutput]]


@dataclass
class Step:
    """Everything a term may read in one training step. Labelled and unlabelled are properties of voxels, not of samples,
    so that the same terms serve whole volumes and mixed ones (copy-paste).

    Attributes:
        images: (B, channels, D, H, W), what both networks were given.
        a, b: the networks' outputs, with gradients.
        target: (B, D, H, W) int64: a person's label, a pseudo-label, or `IGNORE`.
        truth: (B, D, H, W) bool: where `target` is a person's label.
        weight: (B, D, H, W) float, importance of `target` per voxel, or None for 1 everywhere.
        teacher: (B, C, D, H, W) mean probabilities of the EMA teacher on these images, without gradient, or None.
        parent: probabilities (B, C, D, H, W) that networks A and B of the model which is being fine-tuned give these images,
            without gradient, or None.
        progress: share of the training done, 0..1.
        forward: runs both networks on other images (a second view), for terms that need one.
        cache: what terms derive from the outputs and share within this step.
    """

    images: Tensor
    a: NetworkOutput
    b: NetworkOutput
    target: Tensor
    truth: Tensor
    weight: Tensor | None = None
    teacher: Tensor | None = None
    parent: tuple[Tensor, Tensor] | None = None
    progress: float = 0.0
    forward: Forward | None = None
    cache: dict[Hashable, Tensor] = field(default_factory=dict, repr=False)

    @cached_property
    def unlabelled(self) -> Tensor:
        """(B, D, H, W) bool: voxels without a person's label."""
        return ~self.truth

    @cached_property
    def pseudo(self) -> Tensor:
        """(B, D, H, W) bool: voxels whose target is a pseudo-label."""
        return ~self.truth & (self.target != IGNORE)

    @property
    def classes(self) -> int:
        """Number of classes, background included."""
        return int(self.a.logits.shape[1])


class Term(nn.Module):
    """One part of the loss. State that training must carry on (prototypes, banks) lives in buffers, which checkpoints keep.

    `forward(step)` returns named, differentiable scalars, each already an average over the voxels it is about and exactly
    zero (still connected to the graph) where there are none.
    """

    name: ClassVar[str]
    needs_teacher: ClassVar[bool] = False
    needs_parent: ClassVar[bool] = False
    """True for a term of fine-tuning that reads what the parent model says."""
    reads_unlabelled: ClassVar[bool] = True
    """False for a term that is about labelled voxels alone."""
    needs_pseudo_labels: ClassVar[bool] = False
    """True for a term that learns from unlabelled voxels only where `Step.target` holds a pseudo-label."""

    def __init__(self, classes: int, feature_channels: int) -> None:
        super().__init__()
        self.classes = classes
        self.feature_channels = feature_channels

    def forward(self, step: Step) -> dict[str, Tensor]:
        """Named scalars of this step."""
        raise NotImplementedError


def masked_mean(values: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of `values` where `mask`, weighted by `weight`; zero, with its graph kept, where the mask is empty.

    Args:
        values: (B, D, H, W).
        mask: bool, same shape.
        weight: same shape, or None for equal weights; the mean is divided by the sum of the weights.
    """
    w = mask.to(values.dtype) if weight is None else mask.to(values.dtype) * weight
    # torch.where keeps a NaN or Inf of an ignored voxel out of the sum, which 0 * Inf would not.
    return torch.where(mask, values * w, torch.zeros_like(values)).sum() / w.sum().clamp_min(1e-6)


Ramp = Literal["constant", "sigmoid"]
RAMP_SHARE = 0.4


def ramp_value(kind: Ramp, progress: float) -> float:
    """Factor of a term at `progress` (0..1): 1, or exp(-5 (1 - t)^2) over the first 40 % of training (Laine and Aila 2017)."""
    if kind == "constant":
        return 1.0
    t = min(max(progress / RAMP_SHARE, 0.0), 1.0)
    return float(torch.exp(torch.tensor(-5.0 * (1.0 - t) ** 2)))


@dataclass(frozen=True)
class TermSpec:
    """A term as a preset names it: which, how heavy, how it ramps up, and the options of its constructor."""

    name: str
    weight: float = 1.0
    ramp: Ramp = "constant"
    options: Mapping[str, Any] = field(default_factory=dict)


_TERMS: dict[str, type[Term]] = {}
T = TypeVar("T", bound=type[Term])


def register(term: T) -> T:
    """Class decorator: make a term known by its `name`."""
    if _TERMS.get(term.name, term).__qualname__ != term.__qualname__:
        raise ValueError(f"two terms are named '{term.name}'")
    _TERMS[term.name] = term
    return term


def build_term(spec: TermSpec, classes: int, feature_channels: int) -> Term:
    """The term that `spec` names; its constructor is given `classes` and `feature_channels` beside the options."""
    if spec.name not in _TERMS:
        raise TrainingError(f"There is no loss term '{spec.name}': use one of {', '.join(sorted(_TERMS))}.")
    return _TERMS[spec.name](classes=classes, feature_channels=feature_channels, **spec.options)


def reads_unlabelled(spec: TermSpec, with_pseudo_labels: bool) -> bool:
    """Whether the term that `spec` names learns from voxels without a person's label."""
    term = _TERMS.get(spec.name, Term)
    return term.reads_unlabelled and (with_pseudo_labels or not term.needs_pseudo_labels)


def known_terms() -> Iterable[str]:
    """Names of all registered terms."""
    return sorted(_TERMS)
