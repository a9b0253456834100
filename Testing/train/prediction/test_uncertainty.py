from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr
from scipy.stats import entropy as scipy_entropy

from dualssl.prediction.uncertainty import PairUncertainty


def random_pair(seed: int, classes: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    logits = sharpness * np.random.default_rng(seed).standard_normal((2, classes, 50))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    a, b = p / p.sum(axis=1, keepdims=True)
    return a, b


def uncertainty_of(a: np.ndarray, b: np.ndarray) -> PairUncertainty:
    return PairUncertainty(torch.from_numpy(a).float(), torch.from_numpy(b).float())


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.integers(0, 1000), st.integers(2, 5), st.floats(0.1, 1.5))
def test_maps_equal_their_definitions(seed, classes, sharpness):
    a, b = random_pair(seed, classes, sharpness)
    mean = (a + b) / 2
    pair = uncertainty_of(a, b)
    np.testing.assert_allclose(pair.entropy(), scipy_entropy(mean, axis=0) / np.log(classes), atol=2e-5)
    kl = (rel_entr(a, b).sum(axis=0) + rel_entr(b, a).sum(axis=0)) / 2
    np.testing.assert_allclose(pair.symmetric_kl(), kl, rtol=2e-3, atol=2e-4)
    js = (rel_entr(a, mean).sum(axis=0) + rel_entr(b, mean).sum(axis=0)) / 2
    np.testing.assert_allclose(pair.jensen_shannon(), js / np.log(2), atol=2e-5)


@pytest.mark.parametrize("classes", [2, 4])
def test_certain_agreement_is_zero_everywhere(classes):
    certain = np.eye(classes)
    pair = uncertainty_of(certain, certain)
    for value in (pair.entropy(), pair.symmetric_kl(), pair.jensen_shannon()):
        assert torch.equal(value, torch.zeros(classes))


def test_certain_contradiction_is_the_finite_maximum():
    pair = uncertainty_of(np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]]))
    assert pair.entropy().item() == pytest.approx(1.0, abs=1e-5)
    assert pair.jensen_shannon().item() == pytest.approx(1.0, abs=1e-5)
    assert pair.symmetric_kl().item() == pytest.approx(np.log(1e6), rel=1e-3)


def test_equal_probabilities_are_entropy_one_and_no_conflict():
    flat = np.full((5, 3), 0.2)
    pair = uncertainty_of(flat, flat)
    np.testing.assert_allclose(pair.entropy(), 1.0, atol=1e-6)
    assert pair.symmetric_kl().abs().max() == 0
    np.testing.assert_allclose(pair.jensen_shannon(), 0.0, atol=1e-6)


def test_rounding_beyond_zero_and_one_stays_finite_and_in_range():
    pair = uncertainty_of(np.array([[1.0 + 1e-6], [-1e-6]]), np.array([[-1e-6], [1.0 + 1e-6]]))
    for value in (pair.entropy(), pair.jensen_shannon()):
        assert 0.0 <= value.item() <= 1.0
    assert np.isfinite(pair.symmetric_kl().item())
