"""What correcting the most uncertain voxels first brings."""

import json

import numpy as np
import pytest

from dualssl.labels import Label, LabelTable
from dualssl.metrics import (
    ReviewCurve,
    best_share_of_errors_in_top,
    foreground_band,
    review_curve,
    score_label_map,
    share_of_errors_in_top,
)

LABELS = LabelTable((Label.named("left atrium", 1), Label.named("left ventricle", 2)))


@pytest.fixture
def flawed_case():
    """Truth, a prediction with errors of every sort, and an uncertainty that knows a good deal about them."""
    rng = np.random.default_rng(0)
    truth = np.zeros((6, 16, 16), dtype=np.uint8)
    truth[1:5, 2:9, 2:9] = 1
    truth[1:5, 9:14, 4:12] = 2
    prediction = np.where(foreground_band(truth, 1) & (rng.random(truth.shape) < 0.25), rng.integers(0, 3), truth)
    prediction = prediction.astype(np.uint8)
    prediction[2, 3, 3:6] = 2
    uncertainty = 0.4 * rng.random(truth.shape) + 0.5 * (prediction != truth)
    return truth, prediction, uncertainty


def test_each_point_is_the_dice_after_really_correcting_the_top_voxels(flawed_case):
    truth, prediction, uncertainty = flawed_case
    band = foreground_band(prediction, 2)
    curve = review_curve(uncertainty, prediction, truth, band, LABELS, fractions=(0.0, 0.1, 0.5, 1.0))
    where = np.flatnonzero(band)
    order = where[np.argsort(-uncertainty.reshape(-1)[where])]
    n = 10 * (order.size // 10)
    shares = (0.0, n / order.size / 10, n / order.size / 2, 1.0)
    curve = review_curve(uncertainty, prediction, truth, band, LABELS, fractions=shares)
    for point, share in enumerate(shares):
        corrected = prediction.copy()
        top = order[: round(share * order.size)]
        corrected.reshape(-1)[top] = truth.reshape(-1)[top]
        mean = score_label_map(corrected, truth, LABELS, (1, 1, 1)).mean.dice
        assert curve.by_uncertainty.dice[point] == pytest.approx(mean)
        left = (corrected != truth).sum() / (prediction != truth).sum()
        assert curve.by_uncertainty.errors_found[point] == pytest.approx(1 - left)


def test_the_oracle_is_never_beaten_and_random_order_finds_errors_in_proportion(flawed_case):
    truth, prediction, uncertainty = flawed_case
    band = foreground_band(prediction, 2) | (prediction != truth)
    curve = review_curve(uncertainty, prediction, truth, band, LABELS)
    assert np.all(curve.oracle.errors_found >= curve.by_uncertainty.errors_found - 1e-12)
    np.testing.assert_allclose(curve.random.errors_found, curve.fractions)
    assert np.all(curve.by_uncertainty.errors_found[1:-1] > curve.random.errors_found[1:-1])
    for gain in (curve.oracle, curve.by_uncertainty, curve.random):
        assert gain.errors_found[-1] == pytest.approx(1.0)
        assert gain.dice[-1] == pytest.approx(1.0)
    errors = (prediction != truth).sum()
    full_at = curve.fractions[np.argmax(curve.oracle.errors_found >= 1 - 1e-9)]
    assert full_at == pytest.approx(errors / band.sum(), abs=0.011)


def test_random_order_is_the_average_over_shuffles(flawed_case):
    truth, prediction, _ = flawed_case
    band = foreground_band(prediction, 2)
    expected = review_curve(np.zeros(truth.shape), prediction, truth, band, LABELS, fractions=(0.3,)).random
    rng = np.random.default_rng(1)
    shuffled = [
        review_curve(rng.random(truth.shape), prediction, truth, band, LABELS, fractions=(0.3,)).by_uncertainty
        for _ in range(200)
    ]
    assert expected.dice[0] == pytest.approx(np.mean([s.dice[0] for s in shuffled]), abs=0.005)
    assert expected.errors_found[0] == pytest.approx(np.mean([s.errors_found[0] for s in shuffled]), abs=0.02)


def test_errors_outside_the_band_are_never_found(flawed_case):
    truth, prediction, uncertainty = flawed_case
    band = np.zeros(truth.shape, dtype=bool)
    band[:3] = True
    errors = prediction != truth
    reachable = errors[band].sum() / errors.sum()
    assert 0 < reachable < 1
    assert share_of_errors_in_top(uncertainty, errors, band, 1.0) == pytest.approx(reachable)
    curve = review_curve(uncertainty, prediction, truth, band, LABELS)
    assert curve.oracle.errors_found[-1] == pytest.approx(reachable)


def test_share_of_errors_in_the_top_of_the_band():
    uncertainty = np.array([[[0.9, 0.8, 0.1, 0.1, 0.1]]])
    errors = np.array([[[True, False, True, False, False]]])
    assert share_of_errors_in_top(uncertainty, errors, None, 0.2) == pytest.approx(0.5)
    assert share_of_errors_in_top(uncertainty, errors, None, 0.4) == pytest.approx(0.5)
    # One of three ties is reviewed: on average it is the wrong one once in three times.
    assert share_of_errors_in_top(uncertainty, errors, None, 0.6) == pytest.approx(0.5 + 0.5 / 3)
    assert share_of_errors_in_top(uncertainty, np.zeros_like(errors), None, 0.5) is None


def test_a_perfect_or_empty_case_has_a_flat_curve_without_nan():
    empty = np.zeros((3, 4, 5), dtype=np.uint8)
    curve = review_curve(np.zeros((3, 4, 5)), empty, empty, foreground_band(empty, 2), LABELS)
    assert np.all(curve.by_uncertainty.dice == 1.0)
    assert np.all(curve.random.errors_found == 1.0)
    json.dumps(curve.to_json(), allow_nan=False)


def test_curves_of_several_cases_are_averaged_point_by_point(flawed_case):
    truth, prediction, uncertainty = flawed_case
    band = foreground_band(prediction, 2)
    one = review_curve(uncertainty, prediction, truth, band, LABELS)
    other = review_curve(uncertainty, truth, truth, band, LABELS)
    mean = ReviewCurve.mean_of([one, other])
    np.testing.assert_allclose(mean.by_uncertainty.dice, (one.by_uncertainty.dice + 1.0) / 2)
    with pytest.raises(ValueError, match="fractions"):
        ReviewCurve.mean_of([one, review_curve(uncertainty, truth, truth, band, LABELS, fractions=(0.5,))])


@pytest.mark.parametrize(("wrong", "best"), [(0, None), (3, 1.0), (5, 1.0), (20, 0.25), (100, 0.05)])
def test_the_best_share_is_limited_by_the_voxels_that_are_looked_at(wrong, best):
    errors = np.zeros(100, dtype=bool)
    errors[:wrong] = True
    assert best_share_of_errors_in_top(errors, None, 0.05) == (best if best is None else pytest.approx(best))


def test_no_map_beats_the_best_share(flawed_case):
    truth, prediction, uncertainty = flawed_case
    errors, band = prediction != truth, foreground_band(prediction, 2)
    for fraction in (0.01, 0.05, 0.3, 1.0):
        best = best_share_of_errors_in_top(errors, band, fraction)
        assert share_of_errors_in_top(uncertainty, errors, band, fraction) <= best + 1e-12
        assert share_of_errors_in_top(errors.astype(float), errors, band, fraction) == pytest.approx(best)
