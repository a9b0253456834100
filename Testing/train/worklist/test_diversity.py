"""The top of the list: worth looking at, and not one patient five times."""

import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.worklist import diversified
from dualssl.worklist.diversity import FIRST, standardised

NONE = np.nan


def column(*numbers):
    return np.array(numbers, dtype=float)[:, None]


def random_list(seed, number, patients):
    random = np.random.default_rng(seed)
    groups = [f"patient {n}" for n in random.integers(0, patients, number)]
    # Few different values, so that ties occur.
    return random.integers(0, 5, number) / 4, random.integers(0, 4, (number, 2)).astype(float), groups


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 25), st.integers(1, 8), st.integers(0, 30))
def test_every_case_is_listed_once_and_the_most_valuable_first(seed, number, patients, count):
    values, features, groups = random_list(seed, number, patients)
    order = diversified(values, features, groups, count)
    assert sorted(order.tolist()) == list(range(number))
    assert values[order[0]] == values.max()
    rest = values[order[min(count, number) :]]
    assert (np.diff(rest) <= 0).all()


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 25), st.integers(1, 8))
def test_no_patient_comes_twice_in_the_top_five_while_another_waits(seed, number, patients):
    values, features, groups = random_list(seed, number, patients)
    top = [groups[index] for index in diversified(values, features, groups, 10)[:FIRST]]
    assert len(set(top)) == min(len(set(groups)), len(top))


def test_a_twin_of_the_first_case_comes_after_a_case_that_is_unlike_it():
    values = [0.9, 0.8, 0.7]
    assert diversified(values, column(0, 0, 5), "abc", 3).tolist() == [0, 2, 1]
    assert diversified(values, column(0, 5, 0), "abc", 3).tolist() == [0, 1, 2]


def test_each_next_case_is_far_from_all_that_were_chosen_not_only_from_the_last():
    # Chosen one after the other: 0 and 10, then 5, which is as far from the last as 0's twin at 0.1 is not from the first.
    features = column(0, 10, 0.1, 5)
    assert diversified([0.9, 0.8, 0.7, 0.6], features, "abcd", 4).tolist() == [0, 1, 3, 2]


def test_cases_taken_before_count_as_chosen():
    values, features = [0.9, 0.8, 0.7], column(0, 5, 9)
    assert diversified(values, features, "abc", 3, column(0.01)).tolist() == [1, 2, 0]
    assert diversified(values, features, "abc", 3, column(NONE)).tolist() == diversified(values, features, "abc", 3).tolist()
    assert diversified(values, np.full((3, 1), NONE), "abc", 3, column(0.0)).tolist() == [0, 1, 2]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 25), st.integers(1, 600), st.sampled_from([1.0, 1e6]))
def test_a_twin_of_any_case_taken_before_comes_after_those_that_are_new(seed, number, before, offset):
    random = np.random.default_rng(seed)
    taken = random.normal(size=(before, 3)) + offset
    twins = taken[random.integers(0, before, number)]
    values = random.random(number + 1)
    order = diversified(values, np.concatenate([twins, taken[:1] + 100.0]), [str(n) for n in range(number + 1)], 50, taken)
    assert order[0] == number
    assert (np.diff(values[order[1:]]) <= 0).all()


def test_an_outlier_of_low_value_does_not_come_before_everything_else():
    values = np.linspace(1, 0, 20)
    features = column(*np.linspace(0, 1, 19), 1e6)
    order = diversified(values, features, [str(n) for n in range(20)], 20).tolist()
    assert order.index(19) > 5


def test_only_the_order_of_the_values_counts_not_their_scale():
    random = np.random.default_rng(3)
    values, features, groups = random.normal(size=40), random.normal(size=(40, 3)), [str(n // 2) for n in range(40)]
    expected = diversified(values, features, groups, 20).tolist()
    assert diversified(np.exp(5 * values), features, groups, 20).tolist() == expected


def test_units_of_the_features_do_not_count():
    random = np.random.default_rng(4)
    values, features, groups = random.normal(size=40), random.normal(size=(40, 3)), [str(n) for n in range(40)]
    expected = diversified(values, features, groups, 20).tolist()
    assert diversified(values, features * [1e3, 1, 1e-3] + [5, 0, -2], groups, 20).tolist() == expected


def test_without_features_and_groups_only_the_value_decides():
    values = [0.1, 0.4, 0.3, 0.4]
    assert diversified(values, np.full((4, 1), NONE), "abcd", 4).tolist() == [1, 3, 2, 0]
    assert diversified(values, np.zeros((4, 2)), "abcd", 4).tolist() == [1, 3, 2, 0]
    assert diversified(values, np.zeros((4, 0)), "abcd", 4).tolist() == [1, 3, 2, 0]


def test_a_case_without_features_counts_as_neither_like_nor_unlike_the_others():
    # Second comes what has no features, before the twin of the first, though the twin is worth more.
    assert diversified([0.9, 0.8, 0.7, 0.1], column(0, 0, NONE, 0.5), "abcd", 4).tolist() == [0, 2, 3, 1]


def test_the_first_case_may_have_no_features():
    assert diversified([0.9, 0.5, 0.6], column(NONE, 0, 1), "abc", 3).tolist() == [0, 2, 1]


def test_an_empty_list_stays_empty():
    assert diversified([], np.zeros((0, 3)), [], 50).tolist() == []


def test_arguments_of_different_lists_are_refused():
    for features, groups in ((np.zeros((2, 1)), "abc"), (np.zeros((3, 1)), "ab"), (np.zeros(3), "abc")):
        with pytest.raises(ValueError, match="not of one list"):
            diversified([1, 2, 3], features, groups, 3)
    with pytest.raises(ValueError, match="taken before"):
        diversified([1, 2], np.zeros((2, 1)), "ab", 2, np.zeros((4, 2)))


def test_a_feature_that_is_the_same_everywhere_is_no_distance_also_after_rounding():
    features = np.column_stack([np.full(7, 0.1), np.arange(7.0)])
    points = standardised(features)
    assert (points[:, 0] == 0).all()
    assert points[:, 1].std() == pytest.approx(1)


def calls_for(number, candidates):
    """Python function calls, and the most bytes held, while a list is put in order."""
    cases = candidates(number, features=15)
    values = np.array([case.entropy for case in cases])
    features, groups = np.array([case.features for case in cases]), [case.group for case in cases]
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        diversified(values, features, groups, 50)
    finally:
        sys.setprofile(None)
    tracemalloc.start()
    diversified(values, features, groups, 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return calls, peak


def test_ten_thousand_cases_take_no_more_steps_than_a_thousand_and_no_table_of_all_distances(candidates):
    few, many = calls_for(1_000, candidates), calls_for(10_000, candidates)
    assert many[0] < 1.1 * few[0]
    assert many[1] < 30e6
