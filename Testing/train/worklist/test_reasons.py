"""The phrase that says why a case stands where it does."""

from dataclasses import replace

import pytest

from dualssl.worklist import STRATEGIES, Candidate, rank
from dualssl.worklist.strategies import entropy_only

SURE = {"entropy": 0.1, "kl": 0.1, "network_dice": 0.99}


def five_cases(**first):
    """Four cases without anything special and a first one with it."""
    cases = [Candidate(f"case {n}", f"patient {n}", **SURE) for n in range(5)]
    return [replace(cases[0], **first), *cases[1:]]


def why(cases, *arguments, **options):
    return {case.name: case.why for case in rank(cases, *arguments, **options)}


@pytest.mark.parametrize(
    ("score", "phrase"),
    [
        ({"network_dice": 0.2}, "the two networks disagree most here"),
        ({"entropy": 0.8}, "the segmentation is least certain here"),
        ({"kl": 0.8}, "the two networks' confidence differs most here"),
    ],
)
def test_the_measure_in_which_a_case_leads_is_named(score, phrase):
    found = why(five_cases(**score))
    assert found["case 0"] == phrase
    assert {found[f"case {n}"] for n in range(1, 5)} == {"no more uncertain than most cases"}


def test_most_is_said_of_the_highest_alone():
    cases = [replace(case, network_dice=n / 10) for n, case in enumerate(five_cases())]
    found = why(cases, "disagreement", diverse=False)
    assert found["case 0"] == "the two networks disagree most here"
    assert found["case 1"] == "the two networks disagree more than in most cases"
    assert found["case 3"] == "no more uncertain than most cases"


def test_a_strategy_speaks_of_its_own_measure_alone():
    assert why(five_cases(network_dice=0.1), "entropy")["case 0"] == "no more uncertain than most cases"


def test_chance_is_called_chance():
    assert set(why(five_cases(), "random", diverse=False).values()) == {"drawn at random"}


def test_a_case_in_which_nothing_was_segmented_says_so():
    assert why(five_cases(segmented=False, entropy=1331.0))["case 0"] == "nothing was segmented here"
    assert why(five_cases(segmented=False)[:1])["case 0"] == "nothing was segmented here"


def test_a_lone_case_is_compared_with_nothing():
    assert list(why(five_cases()[:1]).values()) == ["the only case that waits"]


def test_a_case_that_comes_first_for_being_different_says_so():
    cases = [
        Candidate("a", "1", 0.9, 0.1, 0.9, (0.0, 0.0)),
        Candidate("b", "2", 0.8, 0.1, 0.9, (0.0, 0.0)),
        Candidate("c", "3", 0.7, 0.1, 0.9, (5.0, 1.0)),
    ]
    ranked = rank(cases, "entropy")
    assert [case.name for case in ranked] == ["a", "c", "b"]
    assert ranked[1].why == "unlike the cases already chosen"
    assert ranked[2].why == "no more uncertain than most cases"


def test_a_case_that_comes_first_for_its_patient_says_so():
    cases = [Candidate("a", "1", 0.9, 0.1, 0.9), Candidate("b", "1", 0.8, 0.1, 0.9), Candidate("c", "2", 0.7, 0.1, 0.9)]
    ranked = rank(cases, "entropy")
    assert [(case.name, case.why) for case in ranked][1] == ("c", "from another patient than the cases before it")


def test_a_new_strategy_needs_no_words_of_its_own(monkeypatch):
    monkeypatch.setitem(STRATEGIES, "mine", entropy_only)
    assert why(five_cases(kl=0.8), "mine", diverse=False)["case 0"] == "the two networks' confidence differs most here"
