import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import VolumeError
from dualssl.volumes.crop import crop, crop_padded, paste


def test_a_crop_keeps_its_voxels_places(image):
    part, start = crop(image, (1, 2, 3), (2, 3, 4))
    assert start == (1, 2, 3)
    assert np.array_equal(part.array, image.array[1:3, 2:5, 3:7])
    assert np.allclose(part.geometry.kji_to_ras((1, 2, 3)), image.geometry.kji_to_ras((2, 4, 6)))


def test_a_box_that_reaches_outside_is_clipped_on_both_sides(image):
    part, start = crop(image, (-2, 5, -1), (4, 100, 300))
    assert start == (0, 5, 0)
    assert part.array.shape == (2, 2, 9)


def test_pasting_a_crop_puts_it_where_it_came_from_and_fills_the_rest(image):
    part, start = crop(image, (-1, 2, 3), (3, 3, 99))
    whole = paste(part.array, start, image.array.shape, fill=-999)
    inside = np.zeros(image.array.shape, bool)
    inside[:2, 2:5, 3:] = True
    assert np.array_equal(whole[inside], image.array[inside])
    assert np.all(whole[~inside] == -999)
    assert whole.dtype == image.array.dtype


@pytest.mark.parametrize("start", [(5, 0, 0), (0, -3, 0)])
def test_a_box_beside_the_image_is_refused(image, start):
    with pytest.raises(VolumeError, match="outside the image"):
        crop(image, start, (3, 3, 3))


def test_a_part_that_does_not_fit_is_a_programming_error():
    with pytest.raises(ValueError, match="does not fit"):
        paste(np.zeros((2, 2, 2)), (0, 0, 3), (4, 4, 4))


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.tuples(*[st.integers(-4, 6)] * 3), st.tuples(*[st.integers(5, 12)] * 3))
def test_a_block_reaching_outside_goes_on_with_the_border(start, shape):
    array = np.random.default_rng(0).integers(1, 9, (2, 7, 8, 9))
    margin = 20
    padded = np.pad(array, ((0, 0), *[(margin, margin)] * 3), mode="edge")
    k, j, i = (margin + s for s in start)
    expected = padded[:, k : k + shape[0], j : j + shape[1], i : i + shape[2]]
    np.testing.assert_array_equal(crop_padded(array, start, shape), expected)


def test_a_block_inside_takes_no_memory_of_its_own():
    array = np.zeros((2, 7, 8, 9))
    assert np.shares_memory(crop_padded(array, (1, 2, 3), (3, 3, 3)), array)
