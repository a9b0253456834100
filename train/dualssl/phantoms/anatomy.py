"""The anatomy of a phantom case: a chest with a chamber, its wall, its vessels, and things that only look like them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualssl.phantoms.settings import PhantomSettings
from dualssl.phantoms.shapes import Harmonics, Points, Shell, StarShape, Tube, Vector, random_direction, random_rotation

# A septum of at least this width parts a distractor from the structures: what is what stays decidable from the image.
_SEPTUM_MM = 3.0
_RIGHT, _FRONT, _UP = np.eye(3)  # axes of RAS


@dataclass(frozen=True)
class Distractor:
    """An object that looks like a structure and is none.

    Attributes:
        shape: where it is.
        as_wall: whether it is as bright as the wall, else as blood.
    """

    shape: StarShape | Tube
    as_wall: bool


@dataclass(frozen=True)
class Anatomy:
    """All shapes of one case, in RAS mm.

    Attributes:
        isocentre: (3,) the point that grids are centred on.
        body: the trunk's surface.
        lungs: two of them.
        spine: a vertical column.
        chamber, wall, vessels: the structures.
        distractors: look-alikes.
    """

    isocentre: Vector
    body: StarShape
    lungs: tuple[StarShape, ...]
    spine: Tube
    chamber: StarShape
    wall: Shell
    vessels: tuple[Tube, ...]
    distractors: tuple[Distractor, ...]


@dataclass(frozen=True)
class Distances:
    """Signed distances (mm, negative inside) of points to what an image is painted from; all arrays of one shape.

    Attributes:
        body, lungs, spine: the surroundings.
        chamber, wall, vessels: the structures; `wall` and `vessels` hold the chamber as well, as solids do.
        as_blood, as_wall: distractors of either brightness.
    """

    body: NDArray[np.float64]
    lungs: NDArray[np.float64]
    spine: NDArray[np.float64]
    chamber: NDArray[np.float64]
    wall: NDArray[np.float64]
    vessels: NDArray[np.float64]
    as_blood: NDArray[np.float64]
    as_wall: NDArray[np.float64]

    def label_values(self, structures: int) -> NDArray[np.uint8]:
        """Label values 0..`structures`: chamber 1 before vessel 3 before wall 2, as vessels pierce the wall."""
        chamber = self.chamber < 0
        vessel = (self.vessels < 0) & ~chamber
        wall = (self.wall < 0) & ~chamber & ~vessel
        values = np.select([chamber, wall, vessel], [1, 2, 3], default=0).astype(np.uint8)
        values[values > structures] = 0
        return values


def distances(anatomy: Anatomy, points: Points) -> Distances:
    """Distances of points (..., 3) in RAS mm to everything in the anatomy."""
    chamber = anatomy.chamber.distance(points)
    wall = anatomy.wall.distance(points, chamber)
    vessels = _union([v.distance(points) for v in anatomy.vessels], chamber)
    apart = _SEPTUM_MM - np.minimum(wall, vessels)
    look_alikes = {
        as_wall: _union([d.shape.distance(points) for d in anatomy.distractors if d.as_wall is as_wall], chamber)
        for as_wall in (False, True)
    }
    return Distances(
        body=anatomy.body.distance(points),
        lungs=_union([lung.distance(points) for lung in anatomy.lungs], chamber),
        spine=anatomy.spine.distance(points),
        chamber=chamber,
        wall=wall,
        vessels=vessels,
        as_blood=np.maximum(look_alikes[False], apart),
        as_wall=np.maximum(look_alikes[True], apart),
    )


def draw_anatomy(settings: PhantomSettings, rng: np.random.Generator) -> Anatomy:
    """Draw one case's anatomy: every quantity is its population mean plus `variation` times a continuous spread."""
    v = settings.variation
    isocentre = rng.uniform(-40, 40, 3)
    # The place is drawn whatever `variation` is: were it fixed, a network could learn positions instead of looks.
    centre = isocentre + rng.uniform(-11, 11, 3)
    chamber = StarShape(
        centre,
        random_rotation(rng),
        (19.0 + 4.5 * v * rng.uniform(-1, 1)) * np.exp(0.3 * v * rng.uniform(-1, 1, 3)),
        Harmonics.draw(rng, (1, 2, 2, 3, 3, 4), 0.10 + 0.45 * v),
    )
    wall = Shell(chamber, 7.0 + 2.5 * v * rng.uniform(-1, 1), Harmonics.draw(rng, (1, 2, 3), 0.05 + 0.5 * v))
    directions = [random_direction(rng)]
    for _ in range(int(np.clip(np.round(2.2 + 1.4 * v * rng.uniform(-1, 1)), 1, 3)) - 1):
        directions.append(_far_from(directions, rng))
    vessels = tuple(_draw_vessel(wall, direction, v, rng) for direction in directions)
    body, lungs, spine = _draw_chest(isocentre, v, rng)
    # Last, so that the number of distractors changes nothing else.
    distractors = []
    for number in range(settings.distractors):
        directions.append(_far_from(directions, rng))
        distractors.append(_draw_distractor(number % 3, wall, directions[-1], v, rng))
    return Anatomy(isocentre, body, lungs, spine, chamber, wall, vessels, tuple(distractors))


def _union(parts: list[NDArray[np.float64]], like: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance to the nearest of several shapes; far outside where there is none."""
    return np.minimum.reduce(parts) if parts else np.full_like(like, 1e3)


def _far_from(taken: list[Vector], rng: np.random.Generator) -> Vector:
    """A direction well apart from those taken: the best of twelve tries."""
    tries = [random_direction(rng) for _ in range(12)]
    return min(tries, key=lambda d: max(float(d @ t) for t in taken))


def _outer_radius(wall: Shell, direction: Vector) -> float:
    """Distance in mm from the chamber's centre to the wall's outer surface along a unit vector."""
    return wall.inner.radius_towards(direction) + wall.thickness * (1 + float(wall.unevenness.at(direction)))


def _draw_vessel(wall: Shell, direction: Vector, variation: float, rng: np.random.Generator) -> Tube:
    """A tube that starts inside the chamber, pierces the wall, bends and ends."""
    radius = 6.0 + 1.5 * variation * rng.uniform(-1, 1)
    reach = _outer_radius(wall, direction)
    length = 22.0 + 8.0 * variation * rng.uniform(-1, 1)
    bend = rng.uniform(-1, 1, 3) * 12.0 * variation
    start = wall.inner.centre + 0.5 * wall.inner.radius_towards(direction) * direction
    control = wall.inner.centre + (reach + 0.3 * length) * direction
    end = wall.inner.centre + (reach + length) * direction + bend
    return Tube(np.stack([start, control, end]), (radius * 1.1, radius * 0.8))


def _draw_distractor(kind: int, wall: Shell, direction: Vector, variation: float, rng: np.random.Generator) -> Distractor:
    """A chamber without wall (0), a tube that passes by (1) or a lump as bright as the wall (2), beside the structures."""
    size = (10.0, 6.0, 9.0)[kind] * (1 + 0.3 * variation * rng.uniform(-1, 1))
    centre = wall.inner.centre + (_outer_radius(wall, direction) + _SEPTUM_MM + 0.7 * size) * direction
    if kind == 1:
        across = np.cross(direction, random_direction(rng))
        across *= 45.0 / np.linalg.norm(across)
        bowed = centre + rng.uniform(0, 12) * direction
        return Distractor(Tube(np.stack([centre - across, bowed, centre + across]), (size, size * 0.9)), as_wall=False)
    axes = size * np.exp(0.35 * rng.uniform(-1, 1, 3))
    shape = StarShape(centre, random_rotation(rng), axes, Harmonics.draw(rng, (1, 2, 3), 0.1 + 0.3 * variation))
    return Distractor(shape, as_wall=kind == 2)


def _draw_chest(isocentre: Vector, variation: float, rng: np.random.Generator) -> tuple[StarShape, tuple[StarShape, ...], Tube]:
    """Trunk, both lungs and the spine around the isocentre."""

    def blob(offset: Vector, semi_axes: tuple[float, float, float]) -> StarShape:
        scale = np.exp(0.15 * variation * rng.uniform(-1, 1, 3))
        place = isocentre + offset + 5.0 * variation * rng.uniform(-1, 1, 3)
        return StarShape(place, np.eye(3), np.asarray(semi_axes) * scale, Harmonics.draw(rng, (2, 3), 0.2 * variation))

    body = blob(np.zeros(3), (66.0, 52.0, 400.0))
    lungs = tuple(blob(side * 42.0 * _RIGHT + 4.0 * _FRONT, (22.0, 36.0, 75.0)) for side in (-1.0, 1.0))
    middle = isocentre - 38.0 * _FRONT + 4.0 * variation * rng.uniform(-1, 1) * _RIGHT
    return body, lungs, Tube(np.stack([middle - 200 * _UP, middle, middle + 200 * _UP]), (9.0, 9.0))
