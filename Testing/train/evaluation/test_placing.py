"""A crop in a larger volume: its voxels, its place in space and its labels stay, whatever surrounds it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.evaluation.placing import FILLS, border_of, pad_voxels, place
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume

SPACING = (2.0, 1.0, 0.5)


def case(shape=(5, 6, 7), dtype=np.uint8, seed=0):
    """A crop of random voxels, on an oblique grid, with a label up to its border."""
    random = np.random.default_rng(seed)
    turn = ((0.8, -0.6, 0.0), (0.6, 0.8, 0.0), (0.0, 0.0, 1.0))
    grid = Geometry(shape, SPACING, (10.0, -20.0, 30.0), turn)
    truth = np.zeros(shape, np.uint8)
    truth[tuple(slice(n // 2, None) for n in shape)] = 1
    return Volume(random.integers(10, 200, shape).astype(dtype), grid), truth


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    pad=st.sampled_from([0.0, 0.4, 1.0, 3.0, 9.0]),
    fill=st.sampled_from(FILLS),
    dtype=st.sampled_from([np.uint8, np.int16, np.float32]),
)
def test_the_crop_is_found_again_with_its_labels_and_its_place(shape, pad, fill, dtype):
    image, truth = case(shape, dtype)
    placed = place([image], truth, pad, fill, seed=1)
    volume = placed.channels[0]
    inside = tuple(slice(s, s + n) for s, n in zip(placed.region.start, placed.region.shape, strict=True))
    np.testing.assert_array_equal(volume.array[inside], image.array)
    np.testing.assert_array_equal(placed.truth[inside], truth)
    assert volume.array.dtype == image.array.dtype
    assert np.count_nonzero(placed.truth) == np.count_nonzero(truth)
    assert volume.array.shape == tuple(n + 2 * round(pad / s) for n, s in zip(shape, SPACING, strict=True))
    np.testing.assert_allclose(volume.geometry.kji_to_ras(placed.region.start), image.geometry.kji_to_ras((0, 0, 0)))


def test_the_pad_is_in_mm():
    assert pad_voxels(case()[0].geometry, 3.0) == (2, 3, 6)


def test_repeated_edges_go_on_as_the_border_is():
    image, truth = case()
    whole = place([image], truth, 3.0, "edge", seed=0).channels[0].array
    np.testing.assert_array_equal(whole[:2, 3:-3, 6:-6], np.broadcast_to(image.array[0], (2, 6, 7)))


def test_a_mirror_shows_the_crops_own_content_also_far_away():
    image, truth = case()
    whole = place([image], truth, 30.0, "mirror", seed=0).channels[0].array
    start = pad_voxels(image.geometry, 30.0)
    inside = (slice(None), slice(start[1], start[1] + 6), slice(start[2], start[2] + 7))
    np.testing.assert_array_equal(whole[inside][start[0] - 5 : start[0]], image.array[::-1])
    assert set(np.unique(whole)) == set(np.unique(image.array))


def test_noise_has_the_mean_and_spread_of_the_border_and_follows_its_seed():
    image, truth = case((9, 10, 11))
    placed = place([image], truth, 12.0, "noise", seed=4)
    outside = np.ones(placed.truth.shape, dtype=bool)
    outside[tuple(slice(s, s + n) for s, n in zip(placed.region.start, placed.region.shape, strict=True))] = False
    noise, border = placed.channels[0].array[outside].astype(float), border_of(image.array).astype(float)
    assert noise.mean() == pytest.approx(border.mean(), abs=2)
    assert noise.std() == pytest.approx(border.std(), rel=0.1)
    again, other = (place([image], truth, 12.0, "noise", seed=seed).channels[0].array for seed in (4, 5))
    np.testing.assert_array_equal(again, placed.channels[0].array)
    assert not np.array_equal(other, again)


def test_noise_stays_within_the_type_of_the_image():
    array = np.zeros((4, 4, 4), np.uint8)
    array[0], array[-1] = 255, 0
    image = Volume(array, Geometry(array.shape))
    whole = place([image], np.zeros(array.shape, np.uint8), 5.0, "noise", seed=0).channels[0].array
    assert {0, 255} <= set(np.unique(whole))


def test_the_border_holds_the_outermost_voxels_only():
    array = np.zeros((3, 4, 5))
    array[1, 1:3, 1:4] = 9
    assert border_of(array).size == 3 * 4 * 5 - 6
    assert border_of(array).max() == 0


def test_a_region_with_a_margin_lies_around_the_crop():
    image, truth = case()
    placed = place([image], truth, 6.0, "edge", seed=0)
    region = placed.region_with_margin(3.0)
    assert region.start == (3 - 2, 6 - 3, 12 - 6)
    assert region.shape == (5 + 4, 6 + 6, 7 + 12)
    assert placed.region_with_margin(0.0) == placed.region
