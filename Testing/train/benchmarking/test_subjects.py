"""Stand-ins for a model and its cases give labels as real ones do: one piece, not noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from dualssl.benchmarking.subjects import benchmark_manifest, benchmark_pair, random_image, random_scan
from dualssl.prediction.predictor import PredictionSettings, Predictor

SHAPE = (36, 40, 48)
ELLIPSOID_SHARE = np.pi / 6 / 8


def test_the_scan_is_stored_as_scanners_do_and_shows_an_ellipsoid():
    scan = random_scan(SHAPE)
    assert scan.array.dtype == np.int16
    assert scan.geometry.shape == SHAPE
    assert np.mean(scan.array >= 2000) == pytest.approx(ELLIPSOID_SHARE, rel=0.1)
    assert scan.array.min() >= 0


def test_the_image_is_normalised():
    image = random_image(SHAPE)
    assert image.shape == (1, *SHAPE)
    assert image.mean() == pytest.approx(0.0, abs=1e-4)
    assert image.std() == pytest.approx(1.0, abs=1e-4)


def test_both_networks_label_the_ellipsoid_and_nothing_else():
    settings = PredictionSettings(device="cpu", precision="float32")
    predictor = Predictor(benchmark_pair(2), benchmark_manifest(2, (32, 32, 32)), settings)
    result = predictor.predict_array(random_image(SHAPE))
    truth = random_scan(SHAPE).array >= 2000
    for label in (result.label, result.label_a, result.label_b):
        assert ndimage.label(label)[1] == 1
        assert 2 * np.sum(truth & (label == 1)) / (truth.sum() + label.sum()) > 0.85


def test_the_networks_do_not_skip_work_for_lack_of_weights():
    pair = benchmark_pair(2)
    idle = [name for name, p in pair.named_parameters() if p.dim() == 5 and "head" not in name and not torch.any(p[1:])]
    assert idle == []
