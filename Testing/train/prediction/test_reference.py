from __future__ import annotations

import numpy as np
import torch

from dualssl.model.manifest import NetworkSpec
from dualssl.networks.pair import DualNetwork
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.prediction.reference import predict_like_published, published_starts


def test_steps_are_the_published_ones_and_end_at_the_end():
    starts = published_starts((88, 140, 180), (80, 112, 112))
    assert sorted({k for k, _, _ in starts}) == [0, 4, 8]
    assert sorted({j for _, j, _ in starts}) == [0, 18, 28]
    assert sorted({i for _, _, i in starts}) == [0, 18, 36, 54, 68]


def test_a_threshold_comes_out_exactly_also_on_a_volume_smaller_than_the_patch(threshold_networks, random_image):
    image = random_image((1, 10, 40, 25))
    probability = predict_like_published(threshold_networks((0.5,)), image, (16, 16, 16))
    np.testing.assert_array_equal(probability.argmax(axis=0), image[0] > 0.5)
    np.testing.assert_allclose(probability.sum(axis=0), 1.0, atol=1e-5)


def test_on_one_window_it_equals_the_fused_prediction(make_manifest, random_image):
    torch.manual_seed(0)
    pair = DualNetwork(NetworkSpec(width=2))
    image = random_image((1, 16, 32, 16))
    expected = predict_like_published(pair, image, (16, 32, 16))
    predictor = Predictor(pair, make_manifest(patch=(16, 32, 16)), PredictionSettings("cpu", "float32"))
    got = predictor.predict_array(image, keep_probability=True).probability
    np.testing.assert_allclose(got.mean(1), expected[1], atol=1e-3)
