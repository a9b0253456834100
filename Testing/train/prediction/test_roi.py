from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.geometry import Geometry
from dualssl.prediction.roi import RegionOfInterest


@settings(deadline=None, max_examples=40, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_a_box_in_patient_space_holds_every_voxel_centre_inside_it(seed, make_geometry):
    generator = np.random.default_rng(seed)
    geometry = make_geometry(seed, (12, 14, 16))
    centres = geometry.kji_to_ras(np.moveaxis(np.indices(geometry.shape), 0, -1))
    low, high = np.sort(centres[tuple(generator.integers(0, 12, (2, 3)).T)], axis=0)
    inside = np.all((centres >= low - 1e-9) & (centres <= high + 1e-9), axis=-1)
    box = RegionOfInterest.from_ras_bounds(geometry, (low[0], high[0], low[1], high[1], low[2], high[2]))
    for voxel in np.argwhere(inside):
        assert all(s <= v < s + n for v, s, n in zip(voxel, box.start, box.shape, strict=True))


def test_bounds_on_a_flipped_grid_give_the_voxels_between_them():
    # Identity in LPS: i grows to the left, against R; j to the back, against A.
    geometry = Geometry((10, 10, 10), (2.0, 1.0, 1.0))
    box = RegionOfInterest.from_ras_bounds(geometry, (-5.2, -2.8, -7.0, -6.0, 3.0, 9.0))
    assert box == RegionOfInterest((2, 6, 3), (3, 2, 3))


def test_a_box_without_voxels_is_refused():
    with pytest.raises(ValueError, match="at least one voxel"):
        RegionOfInterest((0, 0, 0), (4, 0, 4))
