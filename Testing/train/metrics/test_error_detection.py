"""Error-detection AUROC and average precision inside a band."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.metrics import ErrorHistogram, detect_errors, foreground_band


def brute_auroc(u, e):
    pairs = [(1.0 if a > b else 0.5 if a == b else 0.0) for a, b in product(u[e], u[~e])]
    return float(np.mean(pairs))


def brute_average_precision(u, e):
    area, recall_before = 0.0, 0.0
    for threshold in sorted(set(u), reverse=True):
        flagged = u >= threshold
        recall = (flagged & e).sum() / e.sum()
        area += (recall - recall_before) * (flagged & e).sum() / flagged.sum()
        recall_before = recall
    return area


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_areas_are_those_of_the_definitions_with_many_ties(voxels):
    u = np.array([v / 6 for v, _ in voxels])
    e = np.array([wrong for _, wrong in voxels])
    found = detect_errors(u, e)
    if e.all() or not e.any():
        assert found.auroc is None
        return
    assert found.auroc == pytest.approx(brute_auroc(u, e))
    assert found.auprc == pytest.approx(brute_average_precision(u, e))


def test_a_map_that_knows_scores_one_and_one_that_knows_nothing_scores_chance():
    errors = np.zeros((4, 10, 10), dtype=bool)
    errors[0, :2] = True
    assert detect_errors(errors.astype(float), errors).auroc == 1.0
    assert detect_errors(errors.astype(float), errors).auprc == pytest.approx(1.0)
    constant = detect_errors(np.full(errors.shape, 0.3), errors)
    assert constant.auroc == pytest.approx(0.5)
    assert constant.auprc == pytest.approx(constant.error_rate) == pytest.approx(0.05)


def test_voxels_outside_the_band_do_not_flatter():
    prediction = np.zeros((5, 20, 20), dtype=np.uint8)
    prediction[2, 8:12, 8:12] = 1
    band = foreground_band(prediction, 1)
    rng = np.random.default_rng(0)
    uncertainty = np.where(band, rng.random(band.shape), 0.0)
    errors = band & (rng.random(band.shape) < 0.3)
    inside, everywhere = detect_errors(uncertainty, errors, band), detect_errors(uncertainty, errors)
    assert everywhere.auroc > 0.9 > 0.65 > inside.auroc
    assert inside.voxels == band.sum()


@pytest.mark.parametrize(
    ("errors", "band"),
    [
        (np.zeros((2, 2, 2)), np.ones((2, 2, 2))),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2))),
        (np.ones((2, 2, 2)), np.zeros((2, 2, 2))),
    ],
    ids=["no error", "errors only", "empty band"],
)
def test_what_cannot_be_ranked_is_none(errors, band):
    uncertainty = np.linspace(0, 1, 8).reshape(2, 2, 2)
    pooled = ErrorHistogram()
    pooled.add(uncertainty, errors, band)
    for found in (detect_errors(uncertainty, errors, band), pooled.result):
        assert found.auroc is None
        assert found.auprc is None
        json.dumps(found.to_json(), allow_nan=False)


def test_pooled_bins_give_the_exact_areas_within_their_width():
    rng = np.random.default_rng(5)
    pooled, maps, wrongs = ErrorHistogram(), [], []
    other = ErrorHistogram()
    for n in range(4):
        u = rng.beta(0.5, 3.0, size=(5, 30, 30)).astype(np.float32)
        e = rng.random(u.shape) < u
        (pooled if n < 2 else other).add(u, e)
        maps.append(u)
        wrongs.append(e)
    pooled.merge(other)
    exact = detect_errors(np.stack(maps), np.stack(wrongs))
    assert pooled.result.voxels == exact.voxels
    assert pooled.result.errors == exact.errors
    assert pooled.result.auroc == pytest.approx(exact.auroc, abs=1e-3)
    assert pooled.result.auprc == pytest.approx(exact.auprc, abs=2e-3)


def test_pooled_bins_refuse_nats_and_nan():
    for bad in (3.0, np.nan):
        with pytest.raises(ValueError, match=r"0\.\.1"):
            ErrorHistogram().add(np.array([bad]), np.array([True]))
    with pytest.raises(ValueError, match="NaN"):
        detect_errors(np.array([np.nan, 1.0]), np.array([True, False]))


@pytest.mark.parametrize("voxels", [0, 1, 3])
def test_the_band_is_every_voxel_within_so_many_steps_along_each_axis(voxels):
    rng = np.random.default_rng(2)
    prediction = (rng.random((9, 12, 11)) < 0.004) * rng.integers(1, 4, (9, 12, 11))
    prediction[0, 0, 0] = 2
    band = foreground_band(prediction, voxels)
    foreground = np.argwhere(prediction)
    for index in np.ndindex(band.shape):
        assert band[index] == (np.abs(foreground - index).max(axis=1).min() <= voxels)


def test_without_foreground_there_is_no_band():
    assert not foreground_band(np.zeros((3, 3, 3)), 2).any()
