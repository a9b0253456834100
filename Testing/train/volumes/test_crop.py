import numpy as np
import pytest

from dualssl.errors import VolumeError
from dualssl.volumes.crop import crop, paste


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
