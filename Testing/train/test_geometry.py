"""Where voxels lie: RAS against LPS, round trips, sub-grids, and when two grids are the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.geometry import Geometry

modest = settings(deadline=None, max_examples=40, derandomize=True)
numbers = st.floats(-200, 200, allow_nan=False)
shapes = st.tuples(*[st.integers(1, 40)] * 3)


def rotation(angles):
    turned = np.eye(3)
    for axis, angle in enumerate(angles):
        one = np.eye(3)
        p, q = [n for n in range(3) if n != axis]
        one[p, p] = one[q, q] = np.cos(angle)
        one[p, q], one[q, p] = -np.sin(angle), np.sin(angle)
        turned = turned @ one
    return turned


@st.composite
def any_grid(draw):
    """Oblique, axes permuted and flipped, left-handed as often as right-handed."""
    axes = rotation(draw(st.tuples(*[st.floats(-3.1, 3.1)] * 3)))[:, list(draw(st.permutations(range(3))))]
    axes = axes * np.array(draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3)))
    return Geometry(
        shape=draw(shapes),
        spacing=draw(st.tuples(*[st.floats(0.1, 8)] * 3)),
        origin=draw(st.tuples(numbers, numbers, numbers)),
        direction=tuple(tuple(float(v) for v in row) for row in axes),
    )


def test_ras_is_lps_with_the_first_two_axes_turned_round():
    grid = Geometry((2, 3, 4), spacing=(5.0, 2.0, 1.0), origin=(10.0, 20.0, 30.0))
    np.testing.assert_allclose(grid.ijk_to_lps @ [1, 1, 1, 1], [11, 22, 35, 1])
    np.testing.assert_allclose(grid.ijk_to_ras @ [1, 1, 1, 1], [-11, -22, 35, 1])


def test_points_are_given_in_the_order_of_the_arrays_axes():
    grid = Geometry((2, 3, 4), spacing=(5.0, 2.0, 1.0))
    np.testing.assert_allclose(grid.kji_to_ras([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), [[0, 0, 5], [0, -2, 0], [-1, 0, 0]])


def test_columns_of_the_direction_are_the_axes_i_j_and_k():
    grid = Geometry((2, 2, 2), direction=((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    np.testing.assert_allclose(grid.ijk_to_lps @ [1, 0, 0, 0], [0, 1, 0, 0])


@modest
@given(any_grid())
def test_a_grid_comes_back_from_its_matrix(grid):
    back = Geometry.from_ijk_to_ras(grid.ijk_to_ras, grid.shape)
    np.testing.assert_allclose(back.ijk_to_lps, grid.ijk_to_lps, atol=1e-9)
    np.testing.assert_allclose(back.spacing, grid.spacing)
    np.testing.assert_allclose(back.direction, grid.direction, atol=1e-9)
    np.testing.assert_allclose(back.origin, grid.origin, atol=1e-9)
    assert back.matches(grid)


@modest
@given(any_grid(), st.tuples(numbers, numbers, numbers))
def test_world_and_index_are_inverse_to_one_another(grid, point):
    np.testing.assert_allclose(grid.ras_to_kji(grid.kji_to_ras(point)), point, atol=1e-6)
    np.testing.assert_allclose(grid.kji_to_ras(grid.ras_to_kji(point)), point, atol=1e-6)


@modest
@given(any_grid())
def test_one_step_along_an_array_axis_is_one_spacing_in_the_world(grid):
    steps = grid.kji_to_ras(np.eye(3)) - grid.kji_to_ras((0, 0, 0))
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), grid.spacing)


@modest
@given(any_grid(), st.tuples(*[st.integers(-30, 30)] * 3), shapes)
def test_a_sub_grid_lies_where_its_voxels_lay(grid, start, shape):
    part = grid.cropped(start, shape)
    assert part.shape == shape
    np.testing.assert_allclose(part.kji_to_ras((1, 2, 3)), grid.kji_to_ras(np.add(start, (1, 2, 3))), atol=1e-6)


@modest
@given(any_grid())
def test_the_volume_of_a_voxel_is_positive_also_on_left_handed_grids(grid):
    assert grid.voxel_ml == pytest.approx(np.prod(grid.spacing) / 1000)


def test_the_extent_counts_whole_voxels_along_the_arrays_axes():
    assert Geometry((2, 3, 4), spacing=(5.0, 2.0, 1.5)).extent == (10.0, 6.0, 6.0)


@modest
@given(any_grid())
def test_a_grid_matches_itself_but_not_a_moved_larger_or_mirrored_one(grid):
    k, j, i = grid.shape
    larger = grid.cropped((0, 0, 0), (k, j, i + 1))
    mirrored = Geometry(larger.shape, larger.spacing, larger.origin, tuple((-a, b, c) for a, b, c in larger.direction))
    assert grid.matches(grid)
    assert not grid.matches(grid.cropped((0, 0, 1), grid.shape))
    assert not grid.matches(larger)
    assert not larger.matches(mirrored)


def test_a_small_error_of_the_spacing_counts_by_what_it_makes_at_the_far_end():
    short, long = Geometry((2, 2, 10)), Geometry((2, 2, 1000))
    stretched = (1.0, 1.0, 1.0001)
    assert short.matches(Geometry(short.shape, stretched))
    assert not long.matches(Geometry(long.shape, stretched))


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": (0, 2, 2)},
        {"spacing": (1.0, 0.0, 1.0)},
        {"spacing": (1.0, float("nan"), 1.0)},
        {"direction": ((1.0, 1.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))},
    ],
)
def test_what_is_no_grid_is_refused(wrong):
    with pytest.raises(ValueError):
        Geometry(**{"shape": (2, 2, 2), **wrong})


def test_a_matrix_without_spacing_is_refused():
    with pytest.raises(ValueError, match="zero column"):
        Geometry.from_ijk_to_ras(np.diag([1.0, 0.0, 1.0, 1.0]), (2, 2, 2))


def test_the_description_speaks_of_i_before_k():
    assert Geometry((2, 3, 4), spacing=(5.0, 2.0, 1.0)).describe().startswith("4 x 3 x 2 voxels of 1 x 2 x 5 mm")
