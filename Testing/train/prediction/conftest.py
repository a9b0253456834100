from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dualssl.geometry import Geometry
from dualssl.labels import Label, LabelTable
from dualssl.model.manifest import Manifest, NetworkSpec, Normalisation, Postprocessing, Preprocessing

AS_IT_IS = Normalisation("window", 0.0, 1.0)


class ThresholdNetworks(nn.Module):
    """A pair without weights: class = number of thresholds that the (summed) intensity exceeds, network by network."""

    def __init__(self, a: tuple[float, ...], b: tuple[float, ...] | None = None, steepness: float = 1e4) -> None:
        super().__init__()
        self.thresholds = (a, a if b is None else b)
        self.steepness = steepness
        self.seen: list[tuple[int, ...]] = []

    def forward(self, image: Tensor):
        self.seen.append(tuple(image.shape))
        x = image.float().sum(dim=1, keepdim=True)
        return self._one(x, self.thresholds[0]), self._one(x, self.thresholds[1])

    def _one(self, x: Tensor, thresholds: tuple[float, ...]):
        rises = torch.cat([torch.zeros_like(x)] + [self.steepness * (x - t) for t in thresholds], dim=1)
        return rises.cumsum(dim=1), x


def manifest_of(
    classes: int = 2,
    channels: int = 1,
    patch: tuple[int, int, int] = (16, 16, 16),
    spacing: tuple[float, float, float] | None = None,
    normalisation: Normalisation = AS_IT_IS,
    largest_component: tuple[int, ...] = (),
    temperature: float = 1.0,
    width: int = 2,
    norm: str = "batch",
) -> Manifest:
    return Manifest(
        id="test-model",
        name="Test model",
        labels=LabelTable(tuple(Label.named(f"structure {n}", n) for n in range(1, classes))),
        channel_names=tuple(f"channel {n}" for n in range(channels)),
        networks=NetworkSpec(channels, classes, width, norm),
        preprocessing=Preprocessing(spacing, (normalisation,) * channels),
        postprocessing=Postprocessing(largest_component),
        patch=patch,
        temperature=temperature,
    )


def geometry_from(seed: int, shape: tuple[int, int, int], spacing: tuple[float, float, float] | None = None) -> Geometry:
    """Oblique, with axes in any order and any handedness, and anisotropic unless `spacing` says otherwise."""
    generator = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(np.eye(3) + 0.25 * generator.standard_normal((3, 3)))
    directions = (rotation * generator.choice([-1.0, 1.0], 3))[:, generator.permutation(3)]
    mm = spacing or tuple(generator.uniform(0.5, 3.0, 3))
    matrix = np.eye(4)
    matrix[:3, :3] = directions * np.asarray(mm)[::-1]
    matrix[:3, 3] = generator.uniform(-100, 100, 3)
    return Geometry.from_ijk_to_ras(matrix, shape)


@pytest.fixture(scope="session")
def threshold_networks():
    return ThresholdNetworks


@pytest.fixture(scope="session")
def make_manifest():
    return manifest_of


@pytest.fixture(scope="session")
def make_geometry():
    return geometry_from


@pytest.fixture(scope="session")
def random_image():
    """Intensities 0..1, float32, of a given shape."""
    return lambda shape, seed=0: np.random.default_rng(seed).random(shape, dtype=np.float32)
