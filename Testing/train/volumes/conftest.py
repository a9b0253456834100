"""Grids, volumes and DICOM folders for the tests of dualssl.volumes."""

import itertools

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume


def _signed_permutations():
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((-1.0, 1.0), repeat=3):
            yield np.eye(3)[:, order] * signs


@st.composite
def _grids(draw, sizes):
    direction = draw(st.sampled_from(list(_signed_permutations())))
    if draw(st.booleans()):
        turn = draw(st.tuples(*[st.floats(-3.0, 3.0)] * 3))
        direction = Rotation.from_rotvec(turn).as_matrix() @ direction
    shape = draw(st.tuples(*[sizes] * 3))
    spacing = draw(st.tuples(*[st.floats(0.4, 4.0)] * 3))
    origin = draw(st.tuples(*[st.floats(-200.0, 200.0)] * 3))
    return Geometry(shape, spacing, origin, tuple(tuple(float(v) for v in row) for row in direction))


@pytest.fixture(scope="session")
def grids():
    """Strategy: any order and sign of axes (half are left-handed), anisotropic, half of them at any obliquity."""

    def strategy(sizes=None):
        return _grids(st.integers(1, 6) if sizes is None else sizes)

    return strategy


@pytest.fixture
def oblique_left_handed_grid():
    direction = Rotation.from_euler("xyz", (11, -23, 31), degrees=True).as_matrix() @ np.diag([1.0, -1.0, 1.0])
    return Geometry(
        (5, 7, 9), (3.1234567891, 0.777777, 0.3), (12.3456789, -200.1, 3e-3), tuple(tuple(map(float, r)) for r in direction)
    )


@pytest.fixture
def image(oblique_left_handed_grid):
    """An int16 image whose voxels all differ."""
    grid = oblique_left_handed_grid
    return Volume(np.arange(np.prod(grid.shape), dtype=np.int16).reshape(grid.shape) - 100, grid)


@pytest.fixture
def right_handed_image(image):
    """As `image`, but on a grid that DICOM can describe: there slices follow the right hand."""
    d = np.array(image.geometry.direction) * [1, -1, 1]
    grid = Geometry(
        image.geometry.shape, image.geometry.spacing, image.geometry.origin, tuple(tuple(map(float, row)) for row in d)
    )
    return Volume(image.array, grid)
