"""A small batch with everything that can occur: people's labels, pseudo-labels, ignored voxels, weights, a teacher."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from dualssl.networks.pair import NetworkOutput
from dualssl.terms.base import IGNORE, Step, TermSpec, build_term

CLASSES = 3
FEATURES = 4
GRID = (2, 4, 3, 5)
SECOND_VIEW = (..., slice(1, 4), slice(0, 3), slice(1, 5))


@dataclass
class Scene:
    """A step with its leaf tensors, and the same in NumPy, classes last: (voxels, classes), (voxels,)."""

    step: Step
    logits_a: torch.Tensor
    logits_b: torch.Tensor
    features_a: torch.Tensor
    features_b: torch.Tensor

    def __post_init__(self) -> None:
        if self.step.forward is None:
            self.step.forward = self._second_view

    def _second_view(self, _: torch.Tensor) -> tuple[NetworkOutput, NetworkOutput]:
        """What the networks say of the sub-crop `SECOND_VIEW`: the leaves there, mirrored, so that the views differ."""
        a, b = (
            NetworkOutput(output.logits[SECOND_VIEW].flip(-1), output.features[SECOND_VIEW].flip(-1))
            for output in (self.step.a, self.step.b)
        )
        return a, b

    def flat(self, name: str) -> np.ndarray:
        tensor = getattr(self, name, None)
        tensor = getattr(self.step, name) if tensor is None else tensor
        array = tensor.detach().double().numpy() if tensor.is_floating_point() else tensor.numpy()
        return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1]) if array.ndim == 5 else array.reshape(-1)

    def p(self, network: str) -> np.ndarray:
        z = self.flat(f"logits_{network}")
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def gradients(self) -> dict[str, float]:
        """Largest absolute gradient of each leaf, 0 for none."""
        leaves = ("logits_a", "logits_b", "features_a", "features_b")
        return {n: 0.0 if getattr(self, n).grad is None else float(getattr(self, n).grad.abs().max()) for n in leaves}

    def changed(self, **fields) -> Scene:
        """The same leaves under a step with other fields."""
        a, b = NetworkOutput(self.logits_a, self.features_a), NetworkOutput(self.logits_b, self.features_b)
        return replace(self, step=replace(self.step, **{"a": a, "b": b, "cache": {}, "forward": None, **fields}))


def scene_of(logits_a, logits_b, target, truth, seed=1, **fields) -> Scene:
    g = torch.Generator().manual_seed(seed)
    grid = tuple(target.shape)
    features = [torch.randn((grid[0], FEATURES, *grid[1:]), generator=g).requires_grad_() for _ in range(2)]
    a, b = logits_a.detach().clone().requires_grad_(), logits_b.detach().clone().requires_grad_()
    images = torch.zeros((grid[0], 1, *grid[1:]))
    step = Step(images, NetworkOutput(a, features[0]), NetworkOutput(b, features[1]), target, truth, **fields)
    return Scene(step, a, b, features[0], features[1])


@pytest.fixture
def mixed_batch() -> Scene:
    """Patch 0 mostly labelled, patch 1 unlabelled with some pseudo-labels; both have voxels without any target."""
    g = torch.Generator().manual_seed(7)
    shape = (GRID[0], CLASSES, *GRID[1:])
    z = [2 * torch.randn(shape, generator=g) for _ in range(2)]
    z[1] = 0.6 * z[0] + 0.8 * z[1]
    target = torch.randint(0, CLASSES, GRID, generator=g)
    target[torch.rand(GRID, generator=g) < 0.2] = IGNORE
    truth = torch.zeros(GRID, dtype=torch.bool)
    truth[0] = torch.rand(GRID[1:], generator=g) < 0.8
    weight = 0.2 + torch.rand(GRID, generator=g)
    teacher = torch.softmax(torch.randn(shape, generator=g), dim=1)
    parent = tuple(torch.softmax(2 * torch.randn(shape, generator=g), dim=1) for _ in range(2))
    return scene_of(*z, target, truth, weight=weight, teacher=teacher, parent=parent, progress=0.5)


@pytest.fixture
def second_view_in_the_small_grid(monkeypatch):
    """Crops as networks need them are larger than the whole grid here."""
    monkeypatch.setattr("dualssl.presets.guided_contrast.random_crop", lambda _: SECOND_VIEW)


@pytest.fixture
def scene_from():
    """Builds a scene from given logits and masks."""
    return scene_of


@pytest.fixture
def term():
    """Builds a term for the batch's three classes and four feature channels."""

    def build(name: str, classes: int = CLASSES, **options):
        import dualssl.presets

        dualssl.presets.all_presets()
        torch.manual_seed(0)
        return build_term(TermSpec(name, options=options), classes, FEATURES)

    return build
