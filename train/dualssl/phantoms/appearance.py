"""How a phantom's tissues become MR intensities: contrasts, partial volume, receive field, Rician noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualssl.phantoms.anatomy import Distances
from dualssl.phantoms.settings import PhantomSettings
from dualssl.phantoms.shapes import Points, random_direction

# Wall and surroundings differ by at least this share of the blood's mean intensity: closer, and no reader could tell.
_LEAST_CONTRAST = 0.13
_AIR = 0.02


@dataclass(frozen=True)
class Waves:
    """A smooth random function of space with mean 0: a sum of plane waves.

    Attributes:
        wave_vectors: (n, 3) radians per mm.
        phases: (n,) radians.
        deviation: standard deviation of the sum.
    """

    wave_vectors: NDArray[np.float64]
    phases: NDArray[np.float64]
    deviation: float

    @classmethod
    def draw(cls, rng: np.random.Generator, lengths_mm: tuple[float, float], number: int, deviation: float) -> Waves:
        """`number` waves of random directions and phases, wavelengths uniform within `lengths_mm`."""
        vectors = [2 * np.pi / rng.uniform(*lengths_mm) * random_direction(rng) for _ in range(number)]
        return cls(np.stack(vectors), rng.uniform(0, 2 * np.pi, number), deviation)

    def at(self, points: Points) -> NDArray[np.float64]:
        """Values (...) at points (..., 3), mm."""
        total = np.zeros(points.shape[:-1])
        for vector, phase in zip(self.wave_vectors, self.phases, strict=True):
            total += np.cos(points @ vector + phase)
        # A cosine of random phase has variance 1/2.
        return total * (self.deviation / np.sqrt(0.5 * len(self.phases)))


@dataclass(frozen=True)
class Appearance:
    """Intensities of one case; blood has 0.75 in the population's mean.

    Attributes:
        blood, wall, surroundings, lung, bone: tissue intensities.
        look_alike: factor between a distractor's intensity and that of the tissue it looks like, near 1.
        texture: relative unevenness of tissue.
        receive_field: log of the bias field.
        gain: from these units to stored integers.
    """

    blood: float
    wall: float
    surroundings: float
    lung: float
    bone: float
    look_alike: float
    texture: Waves
    receive_field: Waves
    gain: float


def draw_appearance(settings: PhantomSettings, rng: np.random.Generator) -> Appearance:
    """Draw one case's contrasts: mean plus `variation` x `contrast_variation` times a continuous spread."""
    v = settings.variation * settings.contrast_variation
    blood = 0.75 + 0.25 * v * rng.uniform(-1, 1)
    wall = blood * (0.40 + 0.22 * v * rng.uniform(-1, 1))
    surroundings = 0.48 + 0.28 * v * rng.uniform(-1, 1)
    if abs(surroundings - wall) < _LEAST_CONTRAST:
        surroundings = wall + _LEAST_CONTRAST * (1.0 if surroundings >= wall else -1.0)
    return Appearance(
        blood=blood,
        wall=wall,
        surroundings=surroundings,
        lung=0.10 + 0.06 * v * rng.uniform(-1, 1),
        bone=0.55 + 0.25 * v * rng.uniform(-1, 1),
        look_alike=1.0 + 0.06 * v * rng.uniform(-1, 1),
        texture=Waves.draw(rng, (10.0, 30.0), 12, 0.05),
        receive_field=Waves.draw(rng, (90.0, 260.0), 4, settings.bias_field),
        gain=600.0 * float(np.exp(0.8 * v * rng.uniform(-1, 1))),
    )


def paint(appearance: Appearance, found: Distances, points: Points, settings: PhantomSettings) -> NDArray[np.float64]:
    """Noise-free intensities (...) at points (..., 3) in RAS mm whose distances are `found`."""
    width = settings.partial_volume_mm / 4.0  # of the logistic: it passes from 12 % to 88 % over `partial_volume_mm`

    def over(below: NDArray[np.float64], distance: NDArray[np.float64], value: float) -> NDArray[np.float64]:
        share = 0.5 * (1.0 - np.tanh(distance / (2.0 * width)))
        return below + share * (value - below)

    a = appearance
    image = over(np.full(found.body.shape, _AIR), found.body, a.surroundings)
    image = over(image, found.lungs, a.lung)
    image = over(image, found.spine, a.bone)
    image = over(image, found.as_blood, a.blood * a.look_alike)
    image = over(image, found.as_wall, a.wall * a.look_alike)
    image = over(image, found.wall, a.wall)
    image = over(image, np.minimum(found.chamber, found.vessels), a.blood)
    return image * (1.0 + a.texture.at(points)) * np.exp(a.receive_field.at(points))


def scan(
    intensities: NDArray[np.float64], appearance: Appearance, settings: PhantomSettings, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Add noise, apply the gain and store as whole numbers.

    The magnitude of a complex signal with normal noise in both parts follows Rice's distribution (Gudbjartsson and Patz
    1995, Magn Reson Med 34:910).
    """
    sigma = settings.noise * 0.75
    real = intensities + sigma * rng.standard_normal(intensities.shape)
    imaginary = sigma * rng.standard_normal(intensities.shape)
    return np.clip(np.rint(appearance.gain * np.hypot(real, imaginary)), 0, 65535).astype(np.uint16)
