"""The worklist as a whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.prediction.features import case_descriptor
from dualssl.review import score_case
from dualssl.worklist import STRATEGIES, Candidate, rank
from dualssl.worklist.diversity import FIRST
from dualssl.worklist.ranking import DIVERSE_COUNT

ANY_STRATEGY = st.sampled_from(list(STRATEGIES))


def names(ranked):
    return [case.name for case in ranked]


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(0, 10_000), st.integers(0, 40), ANY_STRATEGY, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(candidates, seed, number, strategy, diverse, random):
    cases = candidates(number, seed)
    # Ties too: half of the cases share their scores and features with another.
    cases = [replace(case, **twin_of(cases[n // 2])) for n, case in enumerate(cases)]
    expected = rank(cases, strategy, seed, diverse)
    shuffled = list(cases)
    random.shuffle(shuffled)
    assert rank(shuffled, strategy, seed, diverse) == expected


def twin_of(case):
    return {key: getattr(case, key) for key in ("entropy", "kl", "network_dice", "features")}


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(0, 10_000), st.integers(0, 40), ANY_STRATEGY, st.booleans())
def test_every_case_has_one_place(candidates, seed, number, strategy, diverse):
    ranked = rank(candidates(number, seed), strategy, seed, diverse)
    assert sorted(names(ranked)) == [f"case {n:05d}" for n in range(number)]
    assert [case.position for case in ranked] == list(range(1, number + 1))


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 8), ANY_STRATEGY)
def test_the_top_five_share_no_patient_while_others_wait(candidates, seed, number, patients, strategy):
    cases = candidates(number, seed, patients=patients)
    groups = {case.name: case.group for case in cases}
    top = [groups[name] for name in names(rank(cases, strategy, seed))[:FIRST]]
    assert len(set(top)) == min(len(set(groups.values())), len(top))


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0.1, 5.0), st.floats(0.1, 1e3))
def test_the_default_list_stays_when_measures_are_rescaled(candidates, seed, power, factor):
    cases = candidates(30, seed)
    changed = [
        replace(c, entropy=factor * c.entropy**power, kl=np.log1p(c.kl), network_dice=c.network_dice**power) for c in cases
    ]
    assert rank(changed) == rank(cases)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.lists(st.tuples(*[st.integers(0, 9)] * 6), min_size=8, max_size=8), ANY_STRATEGY)
def test_padding_with_background_changes_no_ranking(predicted_case, pads, strategy):
    plain = [predicted_case(seed) for seed in range(8)]
    padded = [case.padded(list(zip(w[:3], w[3:], strict=True))) for case, w in zip(plain, pads, strict=True)]
    before, after = (rank([candidate_of(case) for case in cases], strategy) for cases in (plain, padded))
    assert names(after) == names(before)
    assert [case.why for case in after] == [case.why for case in before]
    assert [case.value for case in after] == pytest.approx([case.value for case in before])


def candidate_of(case):
    scores = score_case(case.entropy, case.kl, case.label, case.label_a, case.label_b)
    features = case_descriptor(case.volumes, case.prediction, scores)
    return Candidate.from_scores(case.name, None, scores.to_json(), features)


def test_without_diversity_the_values_descend_and_ties_go_by_name(candidates):
    cases = [replace(case, entropy=float(n % 3)) for n, case in enumerate(candidates(12))]
    ranked = rank(cases, "entropy", diverse=False)
    keys = [(-case.value, case.name) for case in ranked]
    assert keys == sorted(keys)


def test_one_patient_with_the_five_most_urgent_cases_has_one_place_in_the_top_five(candidates):
    cases = [replace(case, entropy=10.0 - n, group="ill" if n < 5 else case.name) for n, case in enumerate(candidates(20))]
    assert [name < "case 00005" for name in names(rank(cases, "entropy", diverse=False))[:5]] == [True] * 5
    assert [name < "case 00005" for name in names(rank(cases, "entropy"))[:5]] == [True] + [False] * 4


def test_after_the_diverse_top_the_rest_follows_by_value(candidates):
    rest = [case.value for case in rank(candidates(120))[DIVERSE_COUNT:]]
    assert len(rest) == 120 - DIVERSE_COUNT
    assert rest == sorted(rest, reverse=True)


def test_chance_differs_by_seed_and_comes_again_with_the_same(candidates):
    cases = candidates(30)
    assert rank(cases, "random", seed=1) == rank(cases[::-1], "random", seed=1)
    assert names(rank(cases, "random", seed=1)) != names(rank(cases, "random", seed=2))


def test_a_seed_changes_no_other_strategy(candidates):
    for strategy in ("combined", "entropy", "disagreement"):
        assert rank(candidates(10), strategy, seed=1) == rank(candidates(10), strategy, seed=2)


@pytest.mark.parametrize("odd", [(1.0, 2.0), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)])
def test_descriptors_of_another_version_are_not_compared(candidates, odd):
    cases = candidates(9)
    without = [*cases[:-1], replace(cases[-1], features=())]
    assert names(rank([*cases[:-1], replace(cases[-1], features=odd)])) == names(rank(without))


def test_chosen_cases_with_descriptors_of_another_version_change_nothing(candidates):
    assert rank(candidates(9), chosen=[(1.0, 2.0), ()]) == rank(candidates(9))


def test_a_case_that_is_like_a_chosen_one_comes_after_its_equals(candidates):
    cases = [replace(case, entropy=1.0, group=case.name) for case in candidates(9)]
    assert names(rank(cases, "entropy"))[0] == "case 00000"
    assert names(rank(cases, "entropy", chosen=[cases[0].features]))[-1] == "case 00000"


def test_an_unknown_strategy_is_told_with_those_there_are(candidates):
    with pytest.raises(ValueError, match="'best': choose one of combined, entropy, disagreement, random"):
        rank(candidates(3), "best")


def test_two_candidates_of_one_name_are_refused(candidates):
    with pytest.raises(ValueError, match="two candidates are called 'case 00001'"):
        rank([*candidates(3), candidates(3)[1]])
