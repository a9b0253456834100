"""Implicit shapes in world coordinates (RAS, mm): each tells for any point how far outside it lies.

Shapes are functions of space and know no grid, so the same anatomy can be sampled on any grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import legval
from numpy.typing import NDArray

Points = NDArray[np.float64]
Vector = NDArray[np.float64]


def random_direction(rng: np.random.Generator) -> Vector:
    """A unit vector (3,), uniform on the sphere."""
    v = rng.standard_normal(3)
    return v / np.linalg.norm(v)


def random_rotation(rng: np.random.Generator, largest_degrees: float = 180.0) -> NDArray[np.float64]:
    """A rotation (3, 3) about a random axis by an angle uniform in 0..`largest_degrees`, by Rodrigues' formula."""
    x, y, z = random_direction(rng)
    angle = np.radians(largest_degrees) * rng.uniform()
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


@dataclass(frozen=True)
class Harmonics:
    """A smooth random function on the sphere with mean 0: a sum of Legendre polynomials about random poles.

    By the addition theorem of spherical harmonics, P_l(u . pole) is a zonal harmonic of degree l about that pole; sums of
    a few of them give every smooth star-shaped outline.

    Attributes:
        poles: (n, 3) unit vectors.
        degrees: (n,) polynomial degrees, >= 1.
        amplitudes: (n,) weights.
    """

    poles: NDArray[np.float64]
    degrees: tuple[int, ...]
    amplitudes: NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, degrees: tuple[int, ...], amplitude: float) -> Harmonics:
        """One pole for each of `degrees`; weights fall with the degree, and their absolute sum is at most `amplitude`."""
        poles = np.stack([random_direction(rng) for _ in degrees])
        weights = rng.uniform(-1, 1, len(degrees)) / np.asarray(degrees)
        return cls(poles, degrees, amplitude * weights / sum(1 / d for d in degrees))

    def at(self, directions: Points) -> NDArray[np.float64]:
        """Values (...) at unit vectors (..., 3)."""
        total = np.zeros(directions.shape[:-1])
        for pole, degree, amplitude in zip(self.poles, self.degrees, self.amplitudes, strict=True):
            total += amplitude * legval(directions @ pole, np.eye(degree + 1)[degree])
        return total


@dataclass(frozen=True)
class StarShape:
    """A blob: an ellipsoid whose radius varies smoothly with the direction from its centre.

    Attributes:
        centre: (3,) RAS mm.
        rotation: (3, 3), columns are the ellipsoid's axes.
        semi_axes: (3,) mm.
        outline: relative change of the radius with direction (in the ellipsoid's frame); above -1 everywhere.
    """

    centre: Vector
    rotation: NDArray[np.float64]
    semi_axes: Vector
    outline: Harmonics

    def distance(self, points: Points) -> NDArray[np.float64]:
        """Signed distance (...) in mm along the ray from the centre, negative inside, of points (..., 3)."""
        offset = points - self.centre
        scaled = (offset @ self.rotation) / self.semi_axes
        rho = np.maximum(np.linalg.norm(scaled, axis=-1), 1e-9)
        surface = 1.0 + self.outline.at(scaled / rho[..., None])
        # At the centre itself rho is 0 while offset/rho stays finite: the mean radius stands in for the undefined direction.
        length = np.where(rho > 1e-6, np.linalg.norm(offset, axis=-1) / rho, float(self.semi_axes.mean()))
        return length * (rho - surface)

    def radius_towards(self, direction: Vector) -> float:
        """Distance in mm from the centre to the surface along a unit vector (3,)."""
        return float(-self.distance(self.centre + 1e-3 * direction)) + 1e-3


@dataclass(frozen=True)
class Shell:
    """The layer around a blob, of a thickness that varies smoothly with direction.

    Attributes:
        inner: the blob it surrounds.
        thickness: mean, mm.
        unevenness: relative change of the thickness with direction.
    """

    inner: StarShape
    thickness: float
    unevenness: Harmonics

    def distance(self, points: Points, inner_distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance (...) in mm to the outer surface, negative inside, given `inner.distance(points)`."""
        offset = points - self.inner.centre
        directions = offset / np.maximum(np.linalg.norm(offset, axis=-1), 1e-9)[..., None]
        return inner_distance - self.thickness * (1.0 + self.unevenness.at(directions))


@dataclass(frozen=True)
class Tube:
    """A curved tube that tapers: a quadratic Bezier curve, thickened.

    Attributes:
        knots: (3, 3) start, control and end point of the curve, RAS mm.
        radii: at start and end, mm.
    """

    knots: NDArray[np.float64]
    radii: tuple[float, float]

    def distance(self, points: Points) -> NDArray[np.float64]:
        """Signed distance (...) in mm of points (..., 3), negative inside; the curve is taken as ten straight pieces."""
        t = np.linspace(0.0, 1.0, 11)[:, None]
        curve = (1 - t) ** 2 * self.knots[0] + 2 * t * (1 - t) * self.knots[1] + t**2 * self.knots[2]
        radii = np.linspace(*self.radii, 11)
        nearest = np.full(points.shape[:-1], np.inf)
        for a, b, radius_a, radius_b in zip(curve[:-1], curve[1:], radii[:-1], radii[1:], strict=True):
            axis = b - a
            along = np.clip((points - a) @ axis / (axis @ axis), 0.0, 1.0)
            gap = np.linalg.norm(points - a - along[..., None] * axis, axis=-1)
            nearest = np.minimum(nearest, gap - (radius_a + along * (radius_b - radius_a)))
        return nearest
