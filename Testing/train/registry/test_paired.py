"""The interval and the test do what their sources say, and promise no more than they hold."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dualssl.registry.paired import EXACT_UP_TO, bootstrap_interval, expanded_tail, sign_flip_p, student_quantile

DIFFERENCES = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=9)


def interval(differences, resamples=4000):
    low, high = bootstrap_interval(np.asarray(differences, float)[:, None], 0.95, resamples, seed=0)
    return float(low[0]), float(high[0])


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 11, 30, 99])
@pytest.mark.parametrize("probability", [0.6, 0.95, 0.975, 0.995])
def test_the_quantile_is_that_of_students_t(probability, freedom):
    assert student_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-9)


def test_the_tails_widen_for_few_cases_and_approach_the_plain_ones():
    assert expanded_tail(5, 0.95) < expanded_tail(10, 0.95) < expanded_tail(50, 0.95) < 0.025
    assert expanded_tail(5000, 0.95) == pytest.approx(0.025, rel=1e-2)


def test_for_many_normal_differences_the_interval_is_that_of_students_t():
    sample = np.random.default_rng(3).normal(0.01, 0.03, 40)
    expected = stats.t.interval(0.95, 39, sample.mean(), stats.sem(sample))
    assert interval(sample) == pytest.approx(expected, abs=0.001)


def test_a_child_that_is_no_better_seldom_looks_so():
    random = np.random.default_rng(5)
    for cases in (5, 8, 20):
        # 2.5 % are promised; a plain percentile interval gives 8.4, 5.7 and 3.7 %.
        low, _ = bootstrap_interval(random.normal(0, 1, (cases, 2000)), 0.95, 4000, seed=0)
        assert np.mean(low > 0) < {5: 0.055, 8: 0.045, 20: 0.035}[cases]


def test_columns_get_the_intervals_that_they_get_alone():
    table = np.random.default_rng(1).normal(size=(6, 3))
    low, high = bootstrap_interval(table, 0.95, 2000, seed=0)
    for column in range(3):
        alone = bootstrap_interval(table[:, [column]], 0.95, 2000, seed=0)
        assert (low[column], high[column]) == pytest.approx((alone[0][0], alone[1][0]))


def test_blocks_of_resamples_do_not_change_the_interval(monkeypatch):
    table = np.random.default_rng(1).normal(size=(7, 1))
    whole = bootstrap_interval(table, 0.95, 2000, seed=0)
    monkeypatch.setattr("dualssl.registry.paired._BLOCK_NUMBERS", 100)
    np.testing.assert_allclose(bootstrap_interval(table, 0.95, 2000, seed=0), whole)


@given(DIFFERENCES)
def test_the_interval_of_negated_differences_is_mirrored(differences):
    low, high = interval(differences, 1000)
    assert interval(np.negative(differences), 1000) == pytest.approx((-high, -low), abs=1e-12)
    assert min(differences) - 1e-12 <= low <= high <= max(differences) + 1e-12


def test_one_case_has_no_interval():
    with pytest.raises(ValueError, match="one case"):
        interval([0.1])


@given(DIFFERENCES)
def test_the_exact_p_counts_all_signs(differences):
    observed = abs(sum(differences)) - 1e-9 * sum(map(abs, differences))
    flips = list(itertools.product((1, -1), repeat=len(differences)))
    expected = np.mean([abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= observed for signs in flips])
    assert sign_flip_p(np.array(differences), 0) == pytest.approx(expected)


@pytest.mark.parametrize(("cases", "p"), [(1, 1.0), (3, 0.25), (5, 0.0625), (EXACT_UP_TO, 2 / 2**EXACT_UP_TO)])
def test_the_smallest_p_follows_from_the_number_of_cases(cases, p):
    assert sign_flip_p(np.full(cases, 0.01), 0) == p


def test_no_difference_gives_p_1():
    assert sign_flip_p(np.zeros(4), 0) == 1.0
    assert sign_flip_p(np.zeros(40), 0) == 1.0


def test_random_signs_come_close_to_all_signs(monkeypatch):
    sample = np.random.default_rng(2).normal(0.4, 1, EXACT_UP_TO)
    exact = sign_flip_p(sample, 0)
    monkeypatch.setattr("dualssl.registry.paired.EXACT_UP_TO", 0)
    assert sign_flip_p(sample, 0) == pytest.approx(exact, abs=0.015)
    assert sign_flip_p(np.full(60, 0.01), 0) == pytest.approx(1 / 10_001)
