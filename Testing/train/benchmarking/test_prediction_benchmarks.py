"""Benchmarks of prediction, at toy size: what they compare and what they report. How fast it is, no test says."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from dualssl.benchmarking.prediction_overhead import bare_passes, prediction_overhead
from dualssl.benchmarking.published_protocol import (
    LabelledCases,
    part_with_windows,
    published_dice,
    published_speed,
)
from dualssl.benchmarking.subjects import benchmark_manifest, benchmark_pair, random_scan
from dualssl.benchmarking.timing import Ratio
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.prediction.reference import published_starts
from dualssl.volumes.volume import Volume


def assert_plain_and_positive(figure):
    data = json.loads(json.dumps(figure.to_json(), allow_nan=False))
    assert math.isfinite(figure.value)
    assert figure.value > 0
    assert data["samples"]
    assert all(v > 0 for values in figure.samples.values() for v in values)


@pytest.fixture
def toy_predictor():
    return Predictor(benchmark_pair(2), benchmark_manifest(2, (32, 32, 32)), PredictionSettings(device="cpu"))


@pytest.fixture
def dataset_of_two_ellipsoids(write_dataset, tmp_path):
    """Cases whose structure is what the networks of the benchmark label."""
    scans = {"one": random_scan((36, 32, 32)), "two": random_scan((32, 32, 40))}
    cases = {n: ([scan], Volume((scan.array >= 2000).astype(np.uint8), scan.geometry)) for n, scan in scans.items()}
    return write_dataset(tmp_path, cases, ("left atrium",))


def test_overhead_is_prediction_over_bare_passes(toy_suite):
    (figure,) = prediction_overhead(toy_suite.prediction)
    assert_plain_and_positive(figure)
    assert figure.name == "prediction_overhead_width_2"
    assert figure.value == Ratio.of(figure.samples["predict_s"], figure.samples["bare_passes_s"]).median
    assert len(figure.samples["predict_s"]) == 2
    assert (figure.target.relation, figure.target.limit) == ("at most", 1.2)


def test_bare_passes_are_those_of_the_prediction(toy_predictor):
    toy_predictor.settings = PredictionSettings(device="cpu", window_voxels=32**3)
    seen = []
    toy_predictor.networks.register_forward_pre_hook(
        lambda _, inputs: seen.append((inputs[0].shape, inputs[0].dtype, inputs[0].stride()))
    )
    scan = random_scan((48, 40, 36))
    toy_predictor.predict([scan])
    predicted = seen.copy()
    seen.clear()
    bare_passes(toy_predictor, toy_predictor.plan(scan.geometry.shape))()
    assert len(predicted) > 1
    assert seen == predicted


def test_speed_up_scales_the_windows_that_were_computed_to_all(toy_suite):
    figure = published_speed(toy_suite.published)
    assert_plain_and_positive(figure)
    details = figure.details
    assert (details["published_windows"], details["published_windows_computed"]) == (8, 2)
    ours, (theirs,) = figure.samples["predict_s"], figure.samples["published_s"]
    assert len(ours) == 2
    assert figure.value == pytest.approx(theirs * 8 / 2 / np.median(ours))
    assert (figure.target.relation, figure.target.limit) == ("at least", 10.0)


def test_by_default_the_whole_protocol_is_computed(toy_suite):
    figure = published_speed(replace(toy_suite.published, windows=None))
    assert figure.details["published_windows_computed"] == figure.details["published_windows"] == 8


def test_a_part_of_an_image_holds_the_windows_asked_for_as_far_as_they_fit():
    image, patch = np.zeros((1, 88, 140, 180), np.float32), (80, 112, 112)

    def windows(count):
        return len(published_starts(part_with_windows(image, patch, count).shape[1:], patch))

    assert [windows(n) for n in (1, 2, 3, 9)] == [1, 2, 3, 3]


def test_both_ways_agree_on_cases_that_the_model_can_segment(dataset_of_two_ellipsoids):
    pair = benchmark_pair(2)
    subject = LabelledCases(pair, benchmark_manifest(2, (32, 32, 32)), dataset_of_two_ellipsoids, ("one", "two"))
    difference, speed = published_dice(subject)
    assert all(len(values) == 2 for values in (*difference.samples.values(), *speed.samples.values()))
    assert min(difference.samples["dice"] + difference.samples["published_dice"]) > 0.8
    expected = 100 * abs(np.mean(difference.samples["dice"]) - np.mean(difference.samples["published_dice"]))
    assert difference.value == pytest.approx(expected)
    assert difference.met
    assert_plain_and_positive(speed)
    assert speed.value == pytest.approx(sum(speed.samples["published_s"]) / sum(speed.samples["predict_s"]))
