"""Expected calibration error."""

import json

import numpy as np
import pytest

from dualssl.metrics import Reliability, expected_calibration_error


def test_ece_of_a_small_example_by_hand():
    # Two bins: 0.3 and 0.4 (both wrong), 0.9 and 0.7 (both right).
    confidence = np.array([0.3, 0.4, 0.9, 0.7])
    correct = np.array([False, False, True, True])
    assert expected_calibration_error(confidence, correct, bins=2) == pytest.approx(0.5 * 0.35 + 0.5 * 0.2)


def test_probabilities_that_hold_what_they_promise_have_almost_no_error_and_boastful_ones_have():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1.0, size=(20, 100, 100)).astype(np.float32)
    right = rng.random(p.shape) < p
    assert expected_calibration_error(p, right) < 0.01
    assert expected_calibration_error(np.full_like(p, 1.0), right) == pytest.approx(0.25, abs=0.01)


def test_only_voxels_in_the_band_count():
    confidence = np.array([[[0.9, 1.0, 1.0]]])
    correct = np.array([[[False, True, True]]])
    band = np.array([[[True, False, False]]])
    assert expected_calibration_error(confidence, correct, band) == pytest.approx(0.9)
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.3)


def test_adding_cases_one_by_one_or_merging_equals_all_at_once():
    rng = np.random.default_rng(1)
    p, right = rng.random((4, 5, 6, 7)), rng.random((4, 5, 6, 7)) < 0.7
    one_by_one, first, second = Reliability(), Reliability(), Reliability()
    for n in range(4):
        one_by_one.add(p[n], right[n])
        (first if n < 2 else second).add(p[n], right[n])
    first.merge(second)
    together = expected_calibration_error(p, right)
    assert one_by_one.ece == pytest.approx(together)
    assert first.ece == pytest.approx(together)


def test_confidences_of_zero_and_one_and_half_precision_rounding_fall_into_the_end_bins():
    reliability = Reliability(bins=4)
    reliability.add(np.array([0.0, 1.0, 1.0004]), np.array([False, True, True]))
    assert reliability.counts.tolist() == [1, 0, 0, 2]
    assert reliability.ece == pytest.approx(0.0)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    reliability = Reliability(bins=4)
    reliability.add(np.array([0.25, 0.5, 0.51]), np.array([True, True, True]))
    assert reliability.counts.tolist() == [1, 1, 1, 0]


def test_no_voxels_give_none_and_json_without_nan():
    reliability = Reliability()
    reliability.add(np.ones((2, 2, 2)), np.ones((2, 2, 2)), np.zeros((2, 2, 2), dtype=bool))
    assert reliability.ece is None
    assert json.loads(json.dumps(reliability.to_json(), allow_nan=False))["ece"] is None


@pytest.mark.parametrize("bad", [np.nan, -0.5, 1.5])
def test_a_confidence_that_is_no_probability_is_refused(bad):
    with pytest.raises(ValueError, match=r"0\.\.1"):
        Reliability().add(np.array([bad]), np.array([True]))
