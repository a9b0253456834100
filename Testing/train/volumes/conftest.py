"""Grids, volumes and DICOM folders for the tests of dualssl.volumes."""

import itertools
import locale
import random

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
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
def dicom_series():
    """Writes an int16 volume as DICOM slices with shuffled file names; returns the files in order of slices."""
    # Writing DICOM leaves the process in the locale "C", in which other tests' texts are ASCII.
    before = locale.setlocale(locale.LC_ALL)

    def write(folder, volume, series_uid="1.2.826.5", seed=1):
        folder.mkdir(exist_ok=True)
        numbers = list(range(volume.array.shape[0]))
        random.Random(seed).shuffle(numbers)
        grid = volume.geometry
        d = np.array(grid.direction)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        files = []
        for k, slice_ in enumerate(volume.array):
            itk_slice = sitk.GetImageFromArray(slice_)
            itk_slice.SetSpacing((grid.spacing[2], grid.spacing[1]))
            position = np.array(grid.origin) + d[:, 2] * grid.spacing[0] * k
            tags = {
                "0008|0060": "CT",
                "0008|0018": f"{series_uid}.{k + 1}",
                "0020|000d": "1.2.826.4",
                "0020|000e": series_uid,
                "0020|0013": str(numbers[k]),
                "0020|0032": "\\".join(f"{x:.10g}" for x in position),
                "0020|0037": "\\".join(f"{x:.10g}" for x in (*d[:, 0], *d[:, 1])),
                "0018|0088": f"{grid.spacing[0]:.10g}",
                "0028|1052": "0",
                "0028|1053": "1",
            }
            for tag, value in tags.items():
                itk_slice.SetMetaData(tag, value)
            files.append(folder / f"{series_uid}-{numbers[k]:03d}.dcm")
            writer.SetFileName(str(files[-1]))
            writer.Execute(itk_slice)
        locale.setlocale(locale.LC_ALL, before)
        return files

    return write


@pytest.fixture
def right_handed_image(image):
    """As `image`, but on a grid that DICOM can describe: there slices follow the right hand."""
    d = np.array(image.geometry.direction) * [1, -1, 1]
    grid = Geometry(
        image.geometry.shape, image.geometry.spacing, image.geometry.origin, tuple(tuple(map(float, row)) for row in d)
    )
    return Volume(image.array, grid)
