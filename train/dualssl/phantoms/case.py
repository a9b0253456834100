"""One phantom case: an anatomy and an appearance, sampled on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualssl.geometry import Geometry
from dualssl.phantoms.anatomy import distances, draw_anatomy
from dualssl.phantoms.appearance import draw_appearance, paint, scan
from dualssl.phantoms.settings import PhantomSettings
from dualssl.phantoms.shapes import Points, Vector, random_rotation
from dualssl.volumes.volume import Volume

# Each concern draws from its own stream: other grids, noise or contrasts leave the anatomy of a case as it is.
_ANATOMY, _APPEARANCE, _GRID, _NOISE = range(4)


@dataclass(frozen=True)
class PhantomCase:
    """A generated case; both volumes lie on one grid.

    Attributes:
        name: e.g. `phantom_007`.
        image: uint16 MR-like intensities.
        label_map: uint8, values of `PhantomSettings.labels` and background 0.
    """

    name: str
    image: Volume
    label_map: Volume


def case_name(index: int) -> str:
    """The name of case `index`."""
    return f"phantom_{index:03d}"


def generate_case(settings: PhantomSettings, index: int) -> PhantomCase:
    """Make case `index` (0, 1, ...): a pure function of settings and index, whatever else is generated.

    Raises:
        ValueError: `index` is negative.
    """
    if index < 0:
        raise ValueError(f"cases are counted from 0, there is no case {index}")
    anatomy = draw_anatomy(settings, _stream(settings, index, _ANATOMY))
    appearance = draw_appearance(settings, _stream(settings, index, _APPEARANCE))
    geometry = _draw_grid(settings, anatomy.isocentre, _stream(settings, index, _GRID))
    points = _voxel_centres(geometry)
    found = distances(anatomy, points)
    image = scan(paint(appearance, found, points, settings), appearance, settings, _stream(settings, index, _NOISE))
    return PhantomCase(case_name(index), Volume(image, geometry), Volume(found.label_values(settings.structures), geometry))


def _stream(settings: PhantomSettings, index: int, concern: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, index, concern])


def _draw_grid(settings: PhantomSettings, centre: Vector, rng: np.random.Generator) -> Geometry:
    """A grid centred on `centre` (RAS mm): turned, and with axes reversed, as the settings' shares ask."""
    # All draws happen in every case, so that one setting does not change what another one does.
    rotation = random_rotation(rng, settings.oblique_degrees)
    flipped, left_handed = rng.uniform(size=2) < (settings.flipped_share, settings.left_handed_share)
    first, second, third = rng.permutation(3)
    signs = np.ones(3)
    if flipped:
        signs[[first, second]] *= -1
    if left_handed:
        signs[third] *= -1
    matrix = np.eye(4)
    # At rest i grows to the patient's left, j backwards, k upwards: the axial slices scanners write.
    matrix[:3, :3] = rotation @ np.diag([-1.0, -1.0, 1.0]) * signs * settings.spacing[::-1]
    middle = (np.asarray(settings.shape[::-1]) - 1) / 2
    matrix[:3, 3] = centre - matrix[:3, :3] @ middle
    return Geometry.from_ijk_to_ras(matrix, settings.shape)


def _voxel_centres(geometry: Geometry) -> Points:
    """World coordinates (k, j, i, 3) in RAS mm of all voxel centres."""
    indices: NDArray[np.float64] = np.stack(
        np.meshgrid(*[np.arange(n, dtype=float) for n in geometry.shape], indexing="ij"), axis=-1
    )
    return geometry.kji_to_ras(indices)
