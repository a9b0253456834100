import numpy as np
import pytest

from dualssl.errors import ModelError, VolumeError
from dualssl.model.manifest import Normalisation
from dualssl.volumes import normalise as module
from dualssl.volumes.normalise import affine_for, apply, normalise

ZSCORE = Normalisation("zscore")


@pytest.fixture
def integer_image():
    return np.random.default_rng(3).integers(-1000, 3000, (7, 11, 13)).astype(np.int16)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int64, np.float32])
def test_zscore_is_x_minus_mean_over_the_populations_standard_deviation(integer_image, dtype):
    image = (integer_image + 1000).astype(dtype)
    result = normalise(image, ZSCORE)
    reference = (image - image.mean(dtype=float)) / image.std(dtype=float)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, reference, atol=1e-6)


def test_zscore_keeps_small_contrast_on_a_large_offset():
    image = np.full((4, 4, 4), 2_000_000_000, np.int32)
    image[::2] += 2
    result = normalise(image, ZSCORE)
    np.testing.assert_allclose(result[::2], 1, atol=1e-5)
    np.testing.assert_allclose(result[1::2], -1, atol=1e-5)


def test_statistics_do_not_depend_on_how_the_image_is_cut_into_slabs(integer_image, monkeypatch):
    whole = affine_for(integer_image, ZSCORE)
    monkeypatch.setattr(module, "SLAB_VOXELS", 150)
    cut = affine_for(integer_image, ZSCORE)
    assert cut.scale == pytest.approx(whole.scale, rel=1e-12)
    assert cut.offset == pytest.approx(whole.offset, rel=1e-12)
    assert np.array_equal(apply(integer_image, whole), normalise(integer_image, ZSCORE))


def test_window_maps_its_ends_to_zero_and_one_and_clips():
    image = np.array([-2000, -160, 40, 240, 2000], np.int16).reshape(5, 1, 1)
    result = normalise(image, Normalisation("window", -160, 240))
    np.testing.assert_allclose(result.ravel(), [0, 0, 0.5, 1, 1], atol=1e-7)


def test_percentiles_map_to_zero_and_one_and_clip():
    image = np.arange(101, dtype=np.uint8).reshape(101, 1, 1)
    result = normalise(image, Normalisation("percentile", 10, 90)).ravel()
    np.testing.assert_allclose(result[[0, 10, 50, 90, 100]], [0, 0, 0.5, 1, 1], atol=1e-7)


@pytest.mark.parametrize("kind", [ZSCORE, Normalisation("window", -160, 240), Normalisation("percentile", 1, 99)])
def test_a_crop_with_the_whole_images_transform_equals_the_crop_of_the_whole(integer_image, kind):
    transform = affine_for(integer_image, kind)
    crop = np.s_[2:5, 3:9, 1:4]
    assert np.array_equal(apply(integer_image[crop], transform), normalise(integer_image, kind)[crop])


@pytest.mark.parametrize("kind", [ZSCORE, Normalisation("window", 0, 1), Normalisation("percentile", 1, 99)])
def test_a_constant_image_is_refused_by_name(kind):
    with pytest.raises(VolumeError, match=r"heart\.nrrd has the value 7 in every voxel"):
        normalise(np.full((3, 3, 3), 7, np.int16), kind, "heart.nrrd")


def test_an_image_whose_percentiles_coincide_is_refused():
    image = np.zeros((10, 10, 10), np.int16)
    image[0, 0, 0] = 5
    with pytest.raises(VolumeError, match="almost constant"):
        normalise(image, Normalisation("percentile", 5, 95))


def test_a_window_in_the_wrong_order_is_the_models_fault():
    with pytest.raises(ModelError, match="lower and a higher"):
        normalise(np.arange(8).reshape(2, 2, 2), Normalisation("window", 240, -160))
