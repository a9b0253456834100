import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from dualssl.geometry import Geometry
from dualssl.volumes import resample as module
from dualssl.volumes.resample import (
    resample_image,
    resample_label_map,
    resample_map,
    resample_nearest,
    resample_probabilities_to,
    resampled_geometry,
    smoothing_sigma,
)
from dualssl.volumes.volume import Volume

property_test = settings(deadline=None, max_examples=40, derandomize=True)


def places(grid):
    """World coordinates of all voxels, shape (*grid.shape, 3)."""
    return grid.kji_to_ras(np.moveaxis(np.indices(grid.shape), 0, -1))


def inside(target, source, margin=0.0):
    """Which of target's voxels lie between source's voxel centres, `margin` voxels from the outer ones."""
    at = source.ras_to_kji(places(target))
    return np.all((at >= margin - 1e-6) & (at <= np.array(source.shape) - 1 - margin + 1e-6), axis=-1)


@property_test
@given(data=st.data(), spacing=st.tuples(*[st.floats(0.3, 5)] * 3))
def test_another_spacing_keeps_the_outer_corner_and_the_field_of_view(grids, data, spacing):
    grid = data.draw(grids())
    new = resampled_geometry(grid, spacing)
    assert new.spacing == pytest.approx(spacing)
    assert np.allclose(new.kji_to_ras((-0.5, -0.5, -0.5)), grid.kji_to_ras((-0.5, -0.5, -0.5)), atol=1e-9)
    for axis in range(3):
        left_over = abs(new.shape[axis] * new.spacing[axis] - grid.shape[axis] * grid.spacing[axis])
        assert left_over <= 0.5 * spacing[axis] + 1e-9 or new.shape[axis] == 1


@property_test
@given(data=st.data(), factor=st.tuples(*[st.floats(0.4, 1.45)] * 3))
def test_a_linear_function_of_space_survives_a_change_of_spacing(grids, data, factor):
    source = data.draw(grids(st.integers(2, 6)))
    target = resampled_geometry(source, tuple(f * s for f, s in zip(factor, source.spacing, strict=True)))
    slope = np.array([0.7, -1.3, 0.4])
    result = resample_map(places(source) @ slope, source, target)
    within = inside(target, source)
    assert np.allclose(result[within], (places(target) @ slope)[within], atol=1e-2)


@property_test
@given(data=st.data())
def test_a_linear_function_of_space_survives_resampling_to_a_rotated_grid(grids, data):
    source = data.draw(grids(st.integers(4, 8)))
    target = data.draw(grids(st.integers(2, 4)))
    middle = source.kji_to_ras((np.array(source.shape) - 1) / 2) * [-1, -1, 1]
    target = Geometry(target.shape, (0.4, 0.5, 0.6), tuple(map(float, middle)), target.direction)
    slope = np.array([0.7, -1.3, 0.4])
    result = resample_map(places(source) @ slope, source, target)
    within = inside(target, source)
    assert within.any()
    assert np.allclose(result[within], (places(target) @ slope)[within], atol=1e-2)


def test_a_coarser_grid_sees_the_mean_of_a_fine_pattern_not_an_alias_of_it():
    stripes = np.zeros((4, 4, 120), np.float32)
    stripes[..., ::2] = 100
    source = Geometry(stripes.shape)
    coarse = resampled_geometry(source, (1, 1, 2.9))
    result = resample_map(stripes, source, coarse)
    assert np.all(np.abs(result[..., 3:-3] - 50) < 10)
    assert smoothing_sigma(1.5) == 0
    assert smoothing_sigma(2.0) == pytest.approx(np.sqrt(3) / 2.3548, rel=1e-4)


def test_smoothing_leaves_a_linear_function_in_place():
    source = Geometry((40, 6, 6), (1.0, 2.0, 2.0), (3.0, 4.0, 5.0))
    target = resampled_geometry(source, (3.3, 2.0, 2.0))
    result = resample_map(places(source)[..., 2], source, target)
    within = inside(target, source, margin=6 * np.array([1, 0, 0]))
    assert within.any()
    assert np.allclose(result[within], places(target)[..., 2][within], atol=1e-3)


def test_no_dark_rim_appears_where_the_new_grid_reaches_further():
    volume = Volume(np.full((5, 5, 5), 1000, np.int16), Geometry((5, 5, 5)))
    larger = Geometry((11, 11, 11), origin=(-3.0, -3.0, -3.0))
    assert np.all(resample_image(volume, larger).array == 1000)
    turned = Geometry((9, 9, 9), origin=(-2.0, -2.0, -2.0), direction=((0.8, -0.6, 0), (0.6, 0.8, 0), (0, 0, 1)))
    assert np.allclose(resample_image(volume, turned).array, 1000)


def test_the_same_grid_gives_the_same_object_back(image):
    same = Geometry(image.geometry.shape, image.geometry.spacing, image.geometry.origin, image.geometry.direction)
    assert resample_image(image, same) is image
    assert resample_label_map(image, same) is image


def test_slabs_do_not_show_in_the_result(monkeypatch):
    array = np.random.default_rng(0).normal(size=(9, 8, 7)).astype(np.float32)
    source = Geometry(array.shape, (2.0, 1.0, 1.0))
    for target in (
        resampled_geometry(source, (0.7, 1.1, 0.9)),
        Geometry((12, 6, 6), direction=((0.8, -0.6, 0), (0.6, 0.8, 0), (0, 0, 1))),
    ):
        monkeypatch.setattr(module, "SLAB_VOXELS", 1 << 20)
        whole = resample_map(array, source, target)
        monkeypatch.setattr(module, "SLAB_VOXELS", 1)
        assert np.allclose(resample_map(array, source, target), whole, atol=1e-6)


def test_linear_interpolation_agrees_with_scipys():
    array = np.random.default_rng(1).normal(size=(9, 8, 7)).astype(np.float32)
    source = Geometry(array.shape, (2.0, 1.0, 0.8))
    target = resampled_geometry(source, (0.7, 1.1, 0.9))
    at = source.ras_to_kji(places(target))
    reference = ndimage.map_coordinates(array, np.moveaxis(at, -1, 0), order=1, mode="nearest")
    assert np.allclose(resample_map(array, source, target), reference, atol=1e-5)


@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_nearest_takes_the_value_of_the_closest_voxel(turn):
    labels = np.random.default_rng(2).integers(0, 5, (6, 7, 8)).astype(np.uint8)
    source = Geometry(labels.shape, (2.0, 1.0, 0.8))
    c, s = float(np.cos(turn)), float(np.sin(turn))
    target = Geometry((9, 5, 7), (1.3, 1.2, 0.7), (0.11, 0.13, 0.07), ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0)))
    at = np.rint(source.ras_to_kji(places(target))).astype(int)
    at = np.clip(at, 0, np.array(labels.shape) - 1)
    result = resample_nearest(labels, source, target)
    assert result.dtype == np.uint8
    assert np.array_equal(result, labels[tuple(np.moveaxis(at, -1, 0))])


@property_test
@given(data=st.data(), factor=st.tuples(*[st.floats(0.5, 1.4)] * 3), turn=st.floats(-1.5, 1.5))
def test_a_half_space_label_map_keeps_its_boundary(grids, data, factor, turn):
    source = data.draw(grids(st.integers(6, 9)))
    target = resampled_geometry(source, tuple(f * s for f, s in zip(factor, source.spacing, strict=True)))
    normal = np.array([np.cos(turn), np.sin(turn) * 0.8, np.sin(turn) * 0.6])
    centre = source.kji_to_ras((np.array(source.shape) - 1) / 2)
    labels = np.where((places(source) - centre) @ normal > 0, 7, 2).astype(np.uint8)
    result = resample_label_map(Volume(labels, source), target)
    depth = (places(target) - centre) @ normal
    clear = np.abs(depth) > np.linalg.norm(source.spacing)
    assert result.array.dtype == np.uint8
    assert np.array_equal(result.array[clear], np.where(depth > 0, 7, 2)[clear])


def test_a_label_maps_slanted_edge_comes_out_closer_to_the_truth_than_with_nearest_neighbours():
    source = Geometry((4, 20, 20), (4.0, 2.0, 2.0))
    target = resampled_geometry(source, (1.0, 0.5, 0.5))

    def truth(grid):
        return (places(grid) @ np.array([0.8, -0.5, 0.33]) > -25).astype(np.uint8)

    nearest = resample_nearest(truth(source), source, target)
    ours = resample_label_map(Volume(truth(source), source), target).array
    wrong = [np.count_nonzero(labels != truth(target)) for labels in (ours, nearest)]
    assert wrong[0] < 0.7 * wrong[1]


def test_ties_go_to_the_lower_label():
    labels = Volume(np.array([3, 1], np.uint8).reshape(1, 1, 2), Geometry((1, 1, 2)))
    between = Geometry((1, 1, 1), origin=(0.5, 0.0, 0.0))
    assert resample_label_map(labels, between).array.item() == 1


def test_rounding_does_not_decide_a_tie():
    # Halfway along i, a checkerboard is a tie for any place along j and k.
    board = (np.indices((4, 4, 2)).sum(axis=0) % 2).astype(np.uint8) + 1
    halfway = Geometry((31, 31, 1), (0.093, 0.091, 1.0), (0.5, 0.017, 0.013))
    assert np.all(resample_label_map(Volume(board, Geometry(board.shape)), halfway).array == 1)


def test_on_one_grid_the_least_bit_decides():
    maps = np.full((2, 1, 1, 1), 0.5, np.float32)
    maps[1] = np.nextafter(np.float32(0.5), np.float32(1))
    grid = Geometry((1, 1, 1))
    assert resample_probabilities_to(lambda c: maps[c], 2, grid, grid).item() == 1


def test_probabilities_on_one_grid_give_the_plain_arg_max():
    maps = np.random.default_rng(5).normal(size=(4, 5, 6, 7)).astype(np.float32)
    maps[2] = maps[1]  # ties
    grid = Geometry((5, 6, 7))
    asked = []

    def class_map(index):
        asked.append(index)
        return maps[index]

    labels = resample_probabilities_to(class_map, 4, grid, grid)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, maps.argmax(axis=0))
    assert asked == [0, 1, 2, 3]


def test_probabilities_on_another_grid_are_interpolated_before_the_arg_max():
    maps = np.random.default_rng(6).random((3, 5, 6, 7)).astype(np.float32)
    source = Geometry((5, 6, 7), (2.0, 1.0, 1.5))
    target = resampled_geometry(source, (0.9, 0.8, 0.7))
    expected = np.argmax([resample_map(m, source, target) for m in maps], axis=0)
    result = resample_probabilities_to(lambda c: maps[c], 3, source, target)
    assert np.mean(result == expected) > 0.999
