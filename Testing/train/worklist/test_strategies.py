"""Strategies: what makes a case worth a person's time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from dualssl.worklist import STRATEGIES, Candidate
from dualssl.worklist.ranks import mid_ranks, rank_shares
from dualssl.worklist.strategies import combined, disagreement, entropy_only, random_order

STILL = {"entropy": 0.3, "kl": 0.3, "network_dice": 0.8}


def cases_of(**scores):
    """Candidates whose scores are given in lists; the others are the same everywhere."""
    number = len(next(iter(scores.values())))
    rows = ({key: values[n] for key, values in scores.items()} for n in range(number))
    return [Candidate(name=f"case {n}", group=f"case {n}", **(STILL | row)) for n, row in enumerate(rows)]


@given(st.lists(st.integers(-5, 5), max_size=30))
def test_ranks_are_those_of_the_textbook_counted_from_one_half(values):
    np.testing.assert_array_equal(mid_ranks(values), rankdata(values) - 0.5 if values else [])


def test_shares_lie_between_0_and_1_and_a_lone_value_in_the_middle():
    assert rank_shares([3.0]).tolist() == [0.5]
    assert rank_shares([7.0, 3.0]).tolist() == [0.75, 0.25]
    assert rank_shares([]).size == 0


def test_entropy_alone_goes_by_entropy():
    assert entropy_only(cases_of(entropy=[0.2, 0.9, 0.4]), 0).tolist() == [0.2, 0.9, 0.4]


def test_disagreement_is_one_less_the_dice_between_the_networks():
    assert disagreement(cases_of(network_dice=[1.0, 0.25]), 0).tolist() == [0.0, 0.75]


@pytest.mark.parametrize("score", ["entropy", "kl", "network_dice"])
def test_each_of_the_three_measures_moves_the_combined_value(score):
    values = combined(cases_of(**{score: [0.1, 0.2, 0.3]}), 0)
    # Ranks 0.5, 1.5, 2.5 by one measure and 1.5 everywhere by the two others.
    rising = [3.5 / 9, 4.5 / 9, 5.5 / 9]
    assert values.tolist() == pytest.approx(rising[::-1] if score == "network_dice" else rising)


def test_the_combined_value_is_the_mean_of_the_ranks():
    cases = cases_of(entropy=[0.1, 0.2, 0.3], kl=[0.3, 0.1, 0.2], network_dice=[0.9, 0.9, 0.1])
    assert combined(cases, 0).tolist() == pytest.approx([(0.5 + 2.5 + 1) / 9, (1.5 + 0.5 + 1) / 9, (2.5 + 1.5 + 2.5) / 9])


def test_cases_of_equal_standing_have_exactly_equal_values():
    cases = cases_of(entropy=[1, 2, 3], kl=[2, 3, 1], network_dice=[0.7, 0.9, 0.8])
    # Ranks 1 2 3, 2 3 1 and 3 1 2: each case is once the first, once the second and once the last.
    assert len(set(combined(cases, 0).tolist())) == 1


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0.1, 5.0), st.floats(0.1, 1e3))
def test_rescaling_a_measure_changes_no_combined_value(candidates, seed, power, factor):
    cases = candidates(20, seed)
    changed = [replace(c, entropy=factor * c.entropy**power, kl=np.log1p(factor * c.kl)) for c in cases]
    np.testing.assert_array_equal(combined(changed, 0), combined(cases, 0))


@pytest.mark.parametrize("strategy", [combined, disagreement, entropy_only])
def test_a_case_in_which_nothing_was_segmented_is_worth_more_than_any_other(candidates, strategy):
    # As `score_case` scores it: upper bounds of entropy and KL, and a Dice of 1 between two networks that both found nothing.
    nothing = Candidate("nothing", "nothing", 1331.0, 26620.0, 1.0, segmented=False)
    values = strategy([nothing, *candidates(30)], 0)
    assert values.argmax() == 0
    assert (values[1:] < values[0]).all()


def test_chance_is_reproducible_and_differs_by_seed(candidates):
    cases = candidates(100)
    first = random_order(cases, 1)
    np.testing.assert_array_equal(random_order(cases, 1), first)
    assert not np.array_equal(random_order(cases, 2), first)
    assert (first >= 0).all()
    assert (first < 1).all()
    assert 0.4 < first.mean() < 0.6


def test_finishing_a_case_leaves_the_chance_of_the_others(candidates):
    cases = candidates(10)
    np.testing.assert_array_equal(random_order(cases[1:], 1), random_order(cases, 1)[1:])


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_gives_one_finite_number_a_case(candidates, name):
    for number in (0, 1, 7):
        values = STRATEGIES[name](candidates(number), 3)
        assert values.shape == (number,)
        assert np.isfinite(values).all()
