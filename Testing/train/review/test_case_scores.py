"""Scores of whole cases."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.metrics import foreground_band
from dualssl.review import RegionSettings, score_case
from dualssl.review.case_scores import KL_CEILING


def random_case(seed, shape=(6, 8, 7)):
    """Entropy, KL, label of the mean and of each network; foreground often reaches the image's border."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(shape) < 0.3) * rng.integers(1, 3, shape)
    a = np.where(rng.random(shape) < 0.1, 0, labels)
    b = np.where(rng.random(shape) < 0.1, 1, labels)
    return rng.random(shape).astype(np.float32), rng.exponential(0.4, shape).astype(np.float32), labels, a, b


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 9), min_size=6, max_size=6), st.integers(0, 4))
def test_sure_background_around_the_image_changes_nothing(seed, pads, band_voxels):
    case = random_case(seed)
    widths = list(zip(pads[:3], pads[3:], strict=True))
    before = score_case(*case, band_voxels=band_voxels).to_json()
    after = score_case(*(np.pad(m, widths) for m in case), band_voxels=band_voxels).to_json()
    assert after == pytest.approx(before)


def test_sums_run_over_the_band_and_are_divided_by_the_predicted_foreground():
    entropy, kl, labels, a, b = random_case(1, (12, 20, 20))
    labels[:, :, 8:] = 0
    labels[4, 4, 4] = 1
    scores = score_case(entropy, kl, labels, a, b, RegionSettings(entropy=0.7, kl=0.9), band_voxels=2)
    band, voxels = foreground_band(labels, 2), np.count_nonzero(labels)
    assert band.sum() < band.size
    assert scores.foreground_voxels == voxels
    assert scores.entropy == pytest.approx(entropy[band].sum() / voxels)
    assert scores.kl == pytest.approx(kl[band].sum() / voxels)
    assert scores.uncertain == pytest.approx(((entropy >= 0.7) | (kl >= 0.9))[band].sum() / voxels)


def test_two_structures_twice_as_large_with_twice_the_uncertainty_score_the_same():
    case = random_case(5)
    gap = [(0, 0), (0, 12), (0, 0)]
    alone = tuple(np.pad(m, gap) for m in case)
    twice = tuple(np.concatenate([m, m], axis=1) for m in alone)
    one, two = score_case(*alone).to_json(), score_case(*twice).to_json()
    assert two.pop("foreground_voxels") == 2 * one.pop("foreground_voxels")
    assert two == pytest.approx(one)


def test_networks_that_agree_have_a_dice_of_one_also_where_both_find_nothing():
    entropy, kl, labels, _, _ = random_case(2)
    assert score_case(entropy, kl, labels, labels, labels).network_dice == 1.0
    empty = np.zeros_like(labels)
    assert score_case(entropy, kl, labels, empty, empty).network_dice == 1.0
    assert score_case(entropy, kl, labels, labels, empty).network_dice == 0.0


def test_network_dice_is_the_mean_over_structures_that_either_network_holds():
    maps = np.zeros((2, 4, 4))
    a, b = np.zeros((2, 4, 4), dtype=int), np.zeros((2, 4, 4), dtype=int)
    a[0], b[0] = 1, 1
    a[1, 0], b[1, 0, :2] = 4, 4
    assert score_case(maps, maps, a, a, b).network_dice == pytest.approx((1.0 + 2 * 2 / 6) / 2)


def test_a_case_without_foreground_scores_worse_than_any_other_and_finitely():
    shape = (7, 9, 9)
    worst_map, lone = np.ones(shape), np.zeros(shape, dtype=int)
    lone[3, 4, 4] = 1
    most = score_case(worst_map, np.full(shape, 1e9), lone, lone, lone, band_voxels=2)
    empty = np.zeros(shape, dtype=int)
    none = score_case(np.zeros(shape), np.zeros(shape), empty, empty, empty, band_voxels=2)
    assert (none.entropy, none.kl, none.uncertain) == (125.0, 125.0 * KL_CEILING, 125.0)
    assert (most.entropy, most.kl, most.uncertain) == (none.entropy, none.kl, none.uncertain)
    assert none.foreground_voxels == 0
    json.dumps(none.to_json(), allow_nan=False)


def test_maps_of_different_shapes_are_refused():
    entropy, kl, labels, a, b = random_case(3)
    with pytest.raises(ValueError, match="shapes"):
        score_case(entropy, kl[1:], labels, a, b)
