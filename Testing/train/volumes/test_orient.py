import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.geometry import Geometry
from dualssl.volumes.orient import Orientation, on_grid, orient
from dualssl.volumes.volume import Volume

property_test = settings(deadline=None, max_examples=60, derandomize=True)


def numbered(shape):
    return np.arange(np.prod(shape)).reshape(shape)


@property_test
@given(data=st.data())
def test_restoring_an_oriented_array_gives_it_back_exactly(grids, data):
    grid = data.draw(grids())
    array = numbered(grid.shape)
    oriented, _, orientation = orient(array, grid)
    assert np.array_equal(orientation.restore(oriented), array)


@property_test
@given(data=st.data())
def test_every_voxel_keeps_its_place_in_space(grids, data):
    grid = data.draw(grids())
    array = numbered(grid.shape)
    oriented, new_grid, _ = orient(array, grid)
    assert new_grid.shape == oriented.shape
    old_place = grid.kji_to_ras(np.argwhere(array >= 0))  # in the order of the voxels' numbers
    new_place = new_grid.kji_to_ras(np.argwhere(oriented >= 0))
    assert np.allclose(old_place[oriented.ravel()], new_place, atol=1e-9)


@property_test
@given(data=st.data())
def test_oriented_axes_are_right_handed_and_no_other_order_or_sign_is_closer_to_the_patients(grids, data):
    grid = data.draw(grids())
    direction = np.array(Orientation.of(grid).of_geometry(grid).direction)
    assert np.linalg.det(direction) > 0
    assert np.all(np.diag(direction) >= 0)
    for order in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        assert np.trace(direction) >= np.abs(direction[range(3), order]).sum() - 1e-9


@property_test
@given(data=st.data())
def test_orienting_twice_changes_nothing_more(grids, data):
    grid = data.draw(grids())
    oriented_grid = Orientation.of(grid).of_geometry(grid)
    assert Orientation.of(oriented_grid) == Orientation((0, 1, 2), (False, False, False))


def all_orders():
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            yield Orientation(axes, flips)


@property_test
@given(data=st.data())
def test_a_volume_in_any_order_comes_back_to_another_grid_of_the_same_points(grids, data):
    grid = data.draw(grids())
    array = numbered(grid.shape)
    for order in all_orders():
        moved = on_grid(Volume(order.apply(array), order.of_geometry(grid)), grid)
        assert moved.geometry == grid
        assert np.array_equal(moved.array, array)


def test_grids_of_other_points_are_told_apart(oblique_left_handed_grid):
    grid = oblique_left_handed_grid
    for other in (grid.cropped((0, 0, 1), grid.shape), grid.cropped((0, 0, 0), (5, 7, 8)), Geometry(grid.shape)):
        assert on_grid(Volume(numbered(grid.shape), grid), other) is None


def test_axis_aligned_grids_become_left_posterior_superior_whatever_their_order():
    # Sagittal slices: i runs to the feet, j to the front, k to the right.
    sagittal = Geometry((2, 3, 4), (5.0, 1.0, 2.0), direction=((0, 0, -1), (0, -1, 0), (-1, 0, 0)))
    array = numbered(sagittal.shape)
    oriented, grid, _ = orient(array, sagittal)
    assert grid.direction == ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    assert grid.spacing == (2.0, 1.0, 5.0)
    assert grid.origin == (-5.0, -2.0, -6.0)
    assert np.array_equal(oriented, array.transpose(2, 1, 0)[::-1, ::-1, ::-1])


def test_leading_channel_axes_stay_in_front(oblique_left_handed_grid):
    channels = numbered((2, 3, *oblique_left_handed_grid.shape))
    orientation = Orientation((1, 2, 0), (True, False, True))
    moved = orientation.apply(channels)
    assert moved.shape == (2, 3, 7, 9, 5)
    assert np.array_equal(moved[1, 2], orientation.apply(channels[1, 2]))
    assert np.array_equal(orientation.restore(moved), channels)


def test_an_array_in_canonical_order_is_not_copied():
    array = numbered((2, 3, 4))
    assert np.shares_memory(orient(array, Geometry((2, 3, 4)))[0], array)
