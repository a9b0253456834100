"""Patients are never split, folds are the same every time, and a case once held out stays held out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualssl.errors import RegistryError
from dualssl.registry.folds import folds, held_out


@st.composite
def grouped_cases(draw, fewest_groups=2):
    groups = draw(st.lists(st.text(min_size=1, max_size=5), min_size=fewest_groups, max_size=12, unique=True))
    return [(f"{number}/{n}", group) for number, group in enumerate(groups) for n in range(draw(st.integers(1, 4)))]


@given(grouped_cases(), st.data())
def test_every_case_is_held_out_once_and_no_patient_is_split(cases, data):
    group_of = dict(cases)
    k = data.draw(st.integers(2, len(set(group_of.values()))))
    found = folds(cases, k, seed=3)
    assert len(found) == k
    assert sorted(name for _, out in found for name in out) == sorted(group_of)
    for train, out in found:
        assert out
        assert train
        assert set(train) | set(out) == set(group_of)
        assert not {group_of[name] for name in train} & {group_of[name] for name in out}


@given(grouped_cases(), st.randoms(use_true_random=False))
def test_folds_do_not_depend_on_the_order_of_cases(cases, random):
    expected = folds(cases, 2, seed=1)
    random.shuffle(cases)
    assert folds(cases, 2, seed=1) == expected


def test_folds_are_of_similar_size_and_follow_the_seed():
    cases = [(f"case_{n}", f"patient_{n}") for n in range(11)]
    assert sorted(len(out) for _, out in folds(cases, 3)) == [3, 4, 4]
    assert folds(cases, 3) == folds(cases, 3)
    assert folds(cases, 3, seed=1) != folds(cases, 3, seed=2)


def test_patients_of_unlike_size_are_dealt_out_from_the_largest():
    sizes = [1, 1, 1, 1, 2, 6]
    cases = [(f"{patient}-{n}", f"patient_{patient}") for patient, size in enumerate(sizes) for n in range(size)]
    for seed in range(10):
        assert sorted(len(out) for _, out in folds(cases, 2, seed)) == [6, 6]


@pytest.mark.parametrize("k", [0, 1, 3])
def test_folds_that_cannot_be_made_are_refused(k):
    with pytest.raises(RegistryError, match="3 cases of 2 patients"):
        folds([("a", "p"), ("b", "p"), ("c", "q")], k)


def test_a_case_that_is_listed_twice_is_refused():
    twice = [("a", "p"), ("a", "q"), ("b", "r")]
    for split in (lambda: folds(twice, 2), lambda: held_out(twice, 0.5)):
        with pytest.raises(RegistryError, match="'a' is listed twice"):
            split()


@given(grouped_cases(), grouped_cases(fewest_groups=1), st.floats(0, 1))
def test_a_case_once_held_out_stays_so_when_cases_are_added(cases, more, share):
    added = [*cases, *((f"new {name}", group) for name, group in more)]
    before, after = held_out(cases, share), held_out(added, share)
    names = {name for name, _ in cases}
    assert [name for name in after if name in names] == list(before)


@given(grouped_cases(), st.floats(0, 1))
def test_held_out_patients_are_whole(cases, share):
    group_of = dict(cases)
    out = set(held_out(cases, share))
    assert not {group_of[name] for name in out} & {group_of[name] for name in set(group_of) - out}


def test_the_share_is_met_on_average_and_a_larger_one_only_adds():
    cases = [(f"case_{n}", f"patient_{n}") for n in range(2000)]
    fifth = held_out(cases, 0.2)
    assert 340 < len(fifth) < 460
    assert set(fifth) < set(held_out(cases, 0.3))
    assert held_out(cases, 0.2, seed=1) != fifth
    assert held_out(cases, 0.0) == ()
    assert len(held_out(cases, 1.0)) == 2000


def test_the_choice_is_the_same_on_every_machine():
    assert held_out([(f"case_{n}", f"patient_{n}") for n in range(8)], 0.5, seed=7) == ("case_4", "case_5")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(RegistryError, match="share"):
        held_out([("a", "p")], share)
