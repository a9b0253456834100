from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import nn

from dualssl.errors import PredictionError, VolumeError
from dualssl.geometry import Geometry
from dualssl.model.manifest import NetworkSpec, Normalisation
from dualssl.networks.pair import DualNetwork
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.prediction.roi import RegionOfInterest
from dualssl.prediction.sliding import Cancelled
from dualssl.volumes.volume import Volume

PLAIN = PredictionSettings(device="cpu", precision="float32", window_voxels=16 * 32 * 32)
geometries = settings(deadline=None, max_examples=20, derandomize=True)


def ball(shape, geometry, radius_mm=12.0):
    """1 at the grid's centre, falling linearly with the distance in mm, 0.5 on a sphere."""
    centre = geometry.kji_to_ras((np.array(shape) - 1) / 2)
    points = geometry.kji_to_ras(np.moveaxis(np.indices(shape), 0, -1))
    distance = np.linalg.norm(points - centre, axis=-1)
    return np.clip(0.5 + (radius_mm - distance) / 20.0, 0, 1).astype(np.float32)


@geometries
@given(seed=st.integers(0, 10_000), shape=st.tuples(*[st.integers(5, 40)] * 3))
def test_without_resampling_the_result_is_the_exact_mask_on_any_grid(
    seed, shape, threshold_networks, make_manifest, make_geometry, random_image
):
    image = random_image(shape, seed)
    geometry = make_geometry(seed, shape)
    predictor = Predictor(threshold_networks((0.4,), (0.6,)), make_manifest(), PLAIN)
    result = predictor.predict([Volume(image, geometry)])
    assert result.geometry == geometry
    np.testing.assert_array_equal(result.label_a, image > 0.4)
    np.testing.assert_array_equal(result.label_b, image > 0.6)
    torn = (image > 0.41) & (image < 0.59)
    assert result.entropy[torn].min(initial=1.0) > 0.9
    assert result.kl[(image < 0.39) | (image > 0.61)].max(initial=0.0) < 1e-3


@geometries
@given(seed=st.integers(0, 10_000))
def test_with_resampling_the_result_is_the_mask_up_to_its_boundary(seed, threshold_networks, make_manifest, make_geometry):
    shape = (21, 34, 29)
    geometry = make_geometry(seed, shape, spacing=(2.0, 1.2, 1.5))
    image = ball(shape, geometry)
    predictor = Predictor(threshold_networks((0.5,)), make_manifest(spacing=(1.4, 1.7, 1.1)), PLAIN)
    result = predictor.predict([Volume(image, geometry)])
    expected = image > 0.5
    assert result.geometry == geometry
    cube = np.ones((3, 3, 3))
    boundary = ndimage.binary_dilation(expected, cube) & ~ndimage.binary_erosion(expected, cube)
    assert expected.sum() > 500
    assert not np.any((result.label != expected) & ~boundary)
    np.testing.assert_array_equal(result.label, result.label_a)
    assert result.entropy.dtype == np.float32
    assert result.entropy.shape == shape


def test_four_classes_come_out_as_their_thresholds_say(threshold_networks, make_manifest, random_image):
    image = random_image((20, 18, 35))
    thresholds = (0.2, 0.5, 0.8)
    predictor = Predictor(threshold_networks(thresholds), make_manifest(classes=4), PLAIN)
    result = predictor.predict([Volume(image, Geometry(image.shape))])
    np.testing.assert_array_equal(result.label, np.digitize(image, thresholds))


def test_four_classes_survive_resampling(threshold_networks, make_manifest):
    geometry = Geometry((24, 24, 24), (1.5, 1.5, 1.5))
    image = ball(geometry.shape, geometry)
    predictor = Predictor(threshold_networks((0.3, 0.5, 0.7)), make_manifest(classes=4, spacing=(1.0, 1.0, 1.0)), PLAIN)
    result = predictor.predict([Volume(image, geometry)])
    expected = np.digitize(image, (0.3, 0.5, 0.7))
    assert set(np.unique(result.label)) == set(np.unique(expected)) == {0, 1, 2, 3}
    assert np.mean(result.label != expected) < 0.1


def test_several_channels_all_reach_the_networks(threshold_networks, make_manifest, random_image):
    first, second = random_image((17, 20, 20), 1), random_image((17, 20, 20), 2)
    predictor = Predictor(threshold_networks((1.0,)), make_manifest(channels=2), PLAIN)
    volumes = [Volume(part, Geometry(part.shape)) for part in (first, second)]
    np.testing.assert_array_equal(predictor.predict(volumes).label, first + second > 1.0)


def test_too_few_channels_are_an_error(threshold_networks, make_manifest, random_image):
    predictor = Predictor(threshold_networks((1.0,)), make_manifest(channels=2), PLAIN)
    with pytest.raises(VolumeError, match="channel"):
        predictor.predict([Volume(random_image((16, 16, 16)), Geometry((16, 16, 16)))])
    with pytest.raises(PredictionError, match="channel"):
        predictor.predict_array(random_image((1, 16, 16, 16)))


def test_a_volume_smaller_than_the_patch_is_padded_and_cropped_back(threshold_networks, make_manifest, random_image):
    networks = threshold_networks((0.5,))
    image = random_image((5, 9, 40))
    predictor = Predictor(networks, make_manifest(patch=(32, 32, 32)), PLAIN)
    np.testing.assert_array_equal(predictor.predict([Volume(image, Geometry(image.shape))]).label, image > 0.5)
    assert all(side >= 32 for seen in networks.seen for side in seen[2:])


def test_a_region_of_interest_lands_where_it_was_and_the_rest_is_background(
    threshold_networks, make_manifest, make_geometry, random_image
):
    image = random_image((30, 33, 36))
    geometry = make_geometry(7, image.shape)
    predictor = Predictor(threshold_networks((0.5,), (0.6,)), make_manifest(), PLAIN)
    result = predictor.predict([Volume(image, geometry)], RegionOfInterest((4, 10, 20), (12, 15, 99)))
    box = np.s_[4:16, 10:25, 20:36]
    inside = np.zeros(image.shape, bool)
    inside[box] = True
    np.testing.assert_array_equal(result.label_a, inside & (image > 0.5))
    for values in (result.label, result.label_b, result.entropy, result.kl, result.js):
        assert not values[~inside].any()
    assert result.kl[box].max() > 1
    assert result.region == RegionOfInterest((4, 10, 20), (12, 15, 16))
    assert result.geometry == geometry


@pytest.mark.parametrize("kind", [Normalisation("zscore"), Normalisation("percentile", 1.0, 90.0)])
def test_inside_a_region_the_result_is_that_of_the_whole_volume(threshold_networks, make_manifest, random_image, kind):
    image = random_image((20, 20, 20))
    image[12:] += 5.0
    predictor = Predictor(threshold_networks((0.3,), (0.4,)), make_manifest(normalisation=kind), PLAIN)
    volume = Volume(image, Geometry(image.shape))
    whole = predictor.predict([volume])
    part = predictor.predict([volume], RegionOfInterest((9, 0, 0), (8, 20, 20)))
    assert whole.label[9:17].any()
    for name in ("label", "label_a", "label_b"):
        np.testing.assert_array_equal(getattr(part, name)[9:17], getattr(whole, name)[9:17])
    for name in ("entropy", "kl"):
        # Windows lie elsewhere, and their weights sum to 1 only up to rounding.
        np.testing.assert_allclose(getattr(part, name)[9:17], getattr(whole, name)[9:17], atol=1e-4)


def test_a_region_without_contrast_in_an_image_that_has_some_is_predicted(threshold_networks, make_manifest, random_image):
    image = random_image((20, 20, 20))
    image[:8] = 0.5
    predictor = Predictor(threshold_networks((0.3,)), make_manifest(normalisation=Normalisation("zscore")), PLAIN)
    result = predictor.predict([Volume(image, Geometry(image.shape))], RegionOfInterest((0, 0, 0), (8, 20, 20)))
    assert not result.label.any()


def test_with_statistics_of_the_region_what_lies_outside_it_has_no_influence(threshold_networks, make_manifest, random_image):
    image = random_image((20, 20, 20))
    other = image.copy()
    other[12:] = 1000.0
    manifest = make_manifest(normalisation=Normalisation("zscore"))
    predictor = Predictor(threshold_networks((0.3,)), manifest, replace(PLAIN, roi_statistics="roi"))
    region = RegionOfInterest((0, 0, 0), (12, 20, 20))
    one, two = (predictor.predict([Volume(array, Geometry(array.shape))], region) for array in (image, other))
    assert one.label.any()
    np.testing.assert_array_equal(one.label, two.label)
    np.testing.assert_array_equal(one.entropy, two.entropy)


@pytest.mark.parametrize(("field_of_view", "source"), [(None, "image"), ((20, 20, 20), "image"), ((20, 20, 12), "roi")])
def test_statistics_come_from_the_region_where_the_image_is_larger_than_all_that_was_learned_from(
    threshold_networks, make_manifest, random_image, field_of_view, source
):
    manifest = replace(make_manifest(normalisation=Normalisation("zscore")), field_of_view=field_of_view)
    volume = Volume(random_image((20, 20, 20)) * np.linspace(1, 4, 20, dtype=np.float32), Geometry((20, 20, 20)))
    region = RegionOfInterest((0, 0, 8), (20, 20, 12))
    networks = threshold_networks((0.3,))
    found = Predictor(networks, manifest, PLAIN).predict([volume], region)
    asked = Predictor(networks, manifest, replace(PLAIN, roi_statistics=source)).predict([volume], region)
    assert found.normalised_over == source
    np.testing.assert_array_equal(found.entropy, asked.entropy)


def test_without_a_region_statistics_are_the_images_however_large_it_is(threshold_networks, make_manifest, random_image):
    manifest = replace(make_manifest(), field_of_view=(4.0, 4.0, 4.0))
    result = Predictor(threshold_networks((0.5,)), manifest, PLAIN).predict(
        [Volume(random_image((16, 16, 16)), Geometry((16, 16, 16)))]
    )
    assert result.normalised_over == "image"


def test_a_region_outside_the_volume_is_refused(threshold_networks, make_manifest, random_image):
    predictor = Predictor(threshold_networks((0.5,)), make_manifest(), PLAIN)
    volume = Volume(random_image((16, 16, 16)), Geometry((16, 16, 16)))
    with pytest.raises(VolumeError, match="outside the image"):
        predictor.predict([volume], RegionOfInterest((16, 0, 0), (4, 4, 4)))


@pytest.mark.parametrize("model_spacing", [None, (1.0, 1.0, 0.8)])
def test_only_the_largest_component_stays_where_the_manifest_asks(threshold_networks, make_manifest, model_spacing):
    image = np.zeros((24, 24, 24), np.float32)
    image[2:12, 2:12, 2:12] = 0.5
    image[16:20, 16:20, 16:20] = 0.5
    image[2:5, 18:22, 18:22] = 1.0
    image[20:22, 2:4, 2:4] = 1.0
    volume = Volume(image, Geometry(image.shape))
    manifest = make_manifest(classes=3, largest_component=(1,), spacing=model_spacing)
    result = Predictor(threshold_networks((0.3, 0.8)), manifest, PLAIN).predict([volume])
    for label in (result.label, result.label_a, result.label_b):
        assert label[6, 6, 6] == 1
        assert not label[15:21, 15:21, 15:21].any()
        assert label[3, 20, 20] == 2
        assert label[20, 2, 2] == 2


def test_temperature_softens_probabilities(threshold_networks, make_manifest):
    image = np.full((1, 16, 16, 16), 0.5, np.float32)
    image[0, 0] = 0.0
    networks = threshold_networks((0.25,), steepness=8.0)
    result = Predictor(networks, make_manifest(temperature=4.0), PLAIN).predict_array(image, keep_probability=True)
    assert result.probability is not None
    assert result.probability.mean(1)[5, 5, 5] == pytest.approx(1 / (1 + np.exp(-0.5)), abs=1e-3)
    assert result.probability.mean(0)[0, 5, 5] == pytest.approx(1 / (1 + np.exp(-0.5)), abs=1e-3)


def test_probabilities_are_kept_only_if_asked_for(threshold_networks, make_manifest, random_image):
    predictor = Predictor(threshold_networks((0.5,)), make_manifest(), PLAIN)
    assert predictor.predict_array(random_image((1, 16, 16, 16))).probability is None


@pytest.mark.parametrize("spacing", [None, (0.9, 1.0, 1.0)])
def test_confidence_is_that_of_the_most_probable_class_and_only_if_asked_for(threshold_networks, make_manifest, spacing):
    image = np.full((20, 16, 16), 0.5, np.float32)
    image[:8] = 0.0
    networks = threshold_networks((0.25,), (0.375,), steepness=8.0)
    predictor = Predictor(networks, make_manifest(spacing=spacing), PLAIN)
    volume = Volume(image, Geometry(image.shape))
    confidence = predictor.predict([volume], keep_confidence=True).confidence
    assert confidence.shape == image.shape
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    assert confidence[2, 5, 5] == pytest.approx((sigmoid(2) + sigmoid(3)) / 2, abs=1e-3)
    assert confidence[17, 5, 5] == pytest.approx((sigmoid(2) + sigmoid(1)) / 2, abs=1e-3)
    assert predictor.predict([volume]).confidence is None


def test_on_a_border_between_coarse_voxels_nobody_is_sure(threshold_networks, make_manifest):
    """Both classes are certain on their side; half way between, on the finer grid of the image, neither is."""
    image = np.zeros((16, 16, 64), np.float32)
    image[..., 32:] = 1.0
    volume = Volume(image, Geometry(image.shape, (1.0, 1.0, 0.5)))
    predictor = Predictor(threshold_networks((0.5,)), make_manifest(spacing=(1.0, 1.0, 1.0)), PLAIN)
    confidence = predictor.predict([volume], keep_confidence=True).confidence[8, 8]
    assert confidence[31:33] == pytest.approx(0.75, abs=0.01)
    assert confidence[:30].min() > 0.99


@pytest.fixture(scope="module")
def small_pair():
    torch.manual_seed(0)
    pair = DualNetwork(NetworkSpec(width=4))
    for module in pair.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.running_var.uniform_(0.3, 0.6)
            nn.init.uniform_(module.weight, 0.8, 1.2)
    return pair


def test_prediction_is_deterministic_and_leaves_the_networks_as_they_are(small_pair, make_manifest, random_image):
    before = {name: value.clone() for name, value in small_pair.state_dict().items()}
    image = random_image((1, 30, 40, 20))
    one, two = (Predictor(small_pair, make_manifest(width=4), PLAIN).predict_array(image) for _ in range(2))
    for name in ("label", "label_a", "label_b", "entropy", "kl", "js"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert all(torch.equal(value, before[name]) for name, value in small_pair.state_dict().items())


def test_bfloat16_agrees_with_float32(small_pair, make_manifest, random_image):
    image = random_image((1, 32, 32, 32))
    exact, fast = (
        Predictor(small_pair, make_manifest(width=4), PredictionSettings(device="cpu", precision=precision)).predict_array(
            image, keep_probability=True
        )
        for precision in ("float32", "bfloat16")
    )
    assert np.abs(exact.probability.mean(1) - fast.probability.mean(1)).max() < 0.05
    assert np.abs(exact.entropy - fast.entropy).mean() < 0.02


def test_instance_normalisation_is_predicted_in_training_patches(threshold_networks, make_manifest, random_image):
    networks = threshold_networks((0.5,))
    predictor = Predictor(networks, make_manifest(norm="instance", patch=(16, 32, 16)), PredictionSettings(device="cpu"))
    predictor.predict_array(random_image((1, 40, 40, 40)))
    assert {seen[2:] for seen in networks.seen} == {(16, 32, 16)}


def test_progress_is_reported_and_can_cancel(threshold_networks, make_manifest, random_image):
    seen = []
    volume = Volume(random_image((40, 40, 40)), Geometry((40, 40, 40)))
    predictor = Predictor(threshold_networks((0.5,)), make_manifest(), PLAIN)
    result = predictor.predict([volume], progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, result.windows)
    assert seen[-1] == (result.windows, result.windows)
    with pytest.raises(Cancelled):
        predictor.predict([volume], progress=lambda done, total: False)


def test_too_little_memory_is_said_before_anything_starts(threshold_networks, make_manifest, random_image, monkeypatch):
    monkeypatch.setattr("dualssl.prediction.memory.available_bytes", lambda: 1_000_000)
    networks = threshold_networks((0.5,))
    volume = Volume(random_image((32, 32, 32)), Geometry((32, 32, 32)))
    with pytest.raises(PredictionError, match=r"needs about .* GB .* region of interest"):
        Predictor(networks, make_manifest(), PLAIN).predict([volume])
    assert not networks.seen


class ShortOfMemory(nn.Module):
    """Fails as CUDA does for inputs above so many voxels."""

    def __init__(self, networks: nn.Module, most: int) -> None:
        super().__init__()
        self.networks, self.most = networks, most

    def forward(self, image):
        if image.numel() > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.networks(image)


def test_out_of_memory_is_tried_again_with_smaller_windows(threshold_networks, make_manifest, random_image, caplog):
    image = random_image((1, 64, 64, 64))
    predictor = Predictor(
        ShortOfMemory(threshold_networks((0.5,)), 32**3), make_manifest(), PredictionSettings("cpu", "float32")
    )
    with caplog.at_level(logging.WARNING):
        result = predictor.predict_array(image)
    np.testing.assert_array_equal(result.label, image[0] > 0.5)
    assert np.prod(result.window) <= 32**3
    assert "Out of memory" in caplog.text


def test_out_of_memory_for_the_smallest_window_is_an_error_a_person_can_mend(threshold_networks, make_manifest, random_image):
    predictor = Predictor(ShortOfMemory(threshold_networks((0.5,)), 100), make_manifest(), PLAIN)
    with pytest.raises(PredictionError, match="does not hold a window"):
        predictor.predict_array(random_image((1, 40, 40, 40)))


def test_memory_that_ends_in_a_window_is_tried_again_with_smaller_ones(threshold_networks, make_manifest, random_image):
    class ShortOfMainMemory(ShortOfMemory):
        def forward(self, image):
            if image.numel() > self.most:
                raise MemoryError
            return self.networks(image)

    image = random_image((1, 64, 64, 64))
    networks = ShortOfMainMemory(threshold_networks((0.5,)), 32**3)
    result = Predictor(networks, make_manifest(), PredictionSettings("cpu", "float32")).predict_array(image)
    np.testing.assert_array_equal(result.label, image[0] > 0.5)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
@pytest.mark.parametrize("where", ["prepare", "keep_largest_components"])
def test_memory_that_ends_before_or_after_the_networks_is_said_with_what_to_do(
    threshold_networks, make_manifest, random_image, monkeypatch, where, error
):
    def fail(*_):
        raise error

    monkeypatch.setattr(f"dualssl.prediction.predictor.{where}", fail)
    volume = Volume(random_image((16, 16, 16)), Geometry((16, 16, 16)))
    with pytest.raises(PredictionError, match=r"memory ran out .*16 x 16 x 16.* region of interest"):
        Predictor(threshold_networks((0.5,)), make_manifest(), PLAIN).predict([volume])


def test_an_absent_device_is_refused(threshold_networks, make_manifest, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PredictionError, match="cuda"):
        Predictor(threshold_networks((0.5,)), make_manifest(), PredictionSettings(device="cuda"))
