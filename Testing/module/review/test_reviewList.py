"""The review list: its order, a person's decisions, and what is stored of them."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from DualSSLSegmentationLib.review.reviewEntries import ANSWERS, STATES, ReviewEntry, StoredEntries
from DualSSLSegmentationLib.review.reviewList import Progress, ReviewList
from DualSSLSegmentationLib.scene.caseNodes import CaseError, SegmentedCase
from reviewRegions import aRegion, rows
from sampleCases import segmentedCase


class Reviewing:
    """A case with five regions, its list, and how often its listeners were told."""

    def __init__(self, scene, count=5):
        self.case = segmentedCase(scene)
        self.case.setJson("regions", rows(*range(1, count + 1)))
        self.list = ReviewList(self.case)
        self.told = 0
        self.list.changed.add(self._tell)

    def _tell(self):
        self.told += 1

    def ids(self):
        return [entry.region.id for entry in self.list.entries()]

    def stored(self):
        return json.loads(self.case.node.GetAttribute("DualSSL.regions"))

    def store(self, text):
        self.case.node.SetAttribute("DualSSL.regions", text if isinstance(text, str) else json.dumps(text))

    def walk(self, step, steps, start=None, **options):
        seen, current = [], start
        for _ in range(steps):
            region = step(current, **options)
            current = None if region is None else region.id
            seen.append(current)
        return seen


@pytest.fixture
def reviewing(scene):
    return Reviewing(scene)


def test_regions_come_in_order_of_rank_whatever_the_order_they_are_stored_in(reviewing):
    reviewing.store(rows(4, 2, 5, 1, 3))
    assert reviewing.ids() == [1, 2, 3, 4, 5]


def test_next_goes_round(reviewing):
    assert reviewing.walk(reviewing.list.next, 7) == [1, 2, 3, 4, 5, 1, 2]


def test_previous_goes_round_the_other_way(reviewing):
    assert reviewing.walk(reviewing.list.previous, 7) == [5, 4, 3, 2, 1, 5, 4]


def test_next_passes_over_what_is_decided_or_flagged(reviewing):
    reviewing.list.accept(2)
    reviewing.list.flag(4)
    assert reviewing.walk(reviewing.list.next, 4) == [1, 3, 5, 1]
    assert reviewing.walk(reviewing.list.previous, 4) == [5, 3, 1, 5]
    assert reviewing.walk(reviewing.list.next, 5, openOnly=False) == [1, 2, 3, 4, 5]


def test_next_starts_from_a_decided_region_as_well(reviewing):
    reviewing.list.accept(3)
    assert reviewing.list.next(3).id == 4
    assert reviewing.list.previous(3).id == 2


def test_the_only_open_region_is_next_to_itself(reviewing):
    for number in (1, 2, 4, 5):
        reviewing.list.accept(number)
    assert reviewing.list.next(3).id == 3
    assert reviewing.list.previous(3).id == 3


def test_nothing_is_next_when_all_is_done(reviewing):
    for number in range(1, 6):
        reviewing.list.accept(number)
    assert reviewing.list.next(3) is None
    assert reviewing.list.previous(None) is None


def test_an_empty_list_has_nothing_next(scene):
    reviewing = Reviewing(scene, count=0)
    assert reviewing.list.entries() == ()
    assert reviewing.list.next(None) is None
    assert reviewing.list.progress() == Progress(0, 0, 0, 0, 0)
    assert reviewing.list.problem == ""


@given(states=st.lists(st.sampled_from(STATES), min_size=1, max_size=8), data=st.data())
def test_walking_visits_every_open_region_once_before_any_comes_again(states, data):
    # Rules of the order alone: no scene is needed for them.
    stored = [{"region": aRegion(n + 1).to_json(), "state": s, "answer": None, "changed": None} for n, s in enumerate(states)]
    walker = object.__new__(ReviewList)
    entries = StoredEntries.of(json.dumps(stored), "case").entries
    walker.entries = lambda: entries
    opened = [n + 1 for n, s in enumerate(states) if s == "open"]
    current = data.draw(st.sampled_from([None, *range(1, len(states) + 1)]))
    for step in (walker.next, walker.previous):
        seen, at = [], current
        for _ in opened:
            at = step(at).id
            seen.append(at)
        assert sorted(seen) == opened


def test_decisions_are_counted(reviewing):
    reviewing.list.accept(1)
    reviewing.list.flag(2)
    reviewing.list.setAnswer(3, "a")
    assert reviewing.list.progress() == Progress(regions=5, open=2, accepted=2, flagged=1, touched=0)
    assert reviewing.list.decided() == (1, 3)


def test_reopening_takes_the_decision_and_the_answer_back(reviewing):
    reviewing.list.setAnswer(3, "b")
    reviewing.list.reopen(3)
    entry = reviewing.list.entry(3)
    assert (entry.state, entry.answer) == ("open", None)
    assert reviewing.list.decided() == ()


def test_a_flagged_region_keeps_its_answer(reviewing):
    reviewing.list.setAnswer(3, "mean")
    reviewing.list.flag(3)
    entry = reviewing.list.entry(3)
    assert (entry.state, entry.answer, entry.decided) == ("flagged", "mean", True)


def test_a_decision_is_dated(reviewing):
    assert reviewing.list.entry(1).changed is None
    reviewing.list.accept(1)
    age = datetime.now(timezone.utc) - reviewing.list.entry(1).changed
    assert timedelta(seconds=-1) < age < timedelta(minutes=1)
    assert reviewing.list.entry(2).changed is None


def test_deciding_the_same_again_changes_nothing(reviewing):
    reviewing.list.accept(1)
    before = reviewing.case.node.GetAttribute("DualSSL.regions")
    told = reviewing.told
    reviewing.list.accept(1)
    assert reviewing.case.node.GetAttribute("DualSSL.regions") == before
    assert reviewing.told == told


def test_listeners_are_told_once_a_decision(reviewing):
    for decide in (reviewing.list.accept, reviewing.list.flag, reviewing.list.reopen):
        before = reviewing.told
        decide(2)
        assert reviewing.told == before + 1


def test_two_views_of_one_case_agree_and_are_both_told(reviewing):
    other = ReviewList(SegmentedCase(reviewing.case.node))
    reviewing.list.accept(2)
    assert other.entry(2).state == "accepted"
    other.flag(3)
    assert reviewing.list.entry(3).state == "flagged"
    assert reviewing.told == 2


def test_what_else_happens_to_the_node_is_not_told(reviewing):
    reviewing.case.node.SetAttribute("other", "thing")
    reviewing.case.setJson("scores", {"entropy": 1.0})
    assert reviewing.told == 0


def test_after_stopping_nobody_is_told(reviewing):
    reviewing.list.stop()
    reviewing.list.stop()
    ReviewList(reviewing.case).accept(1)
    assert reviewing.told == 0


def test_an_unknown_region_is_refused(reviewing):
    for action in (reviewing.list.accept, reviewing.list.region, lambda n: reviewing.list.setAnswer(n, "a")):
        with pytest.raises(CaseError, match="'Case' has no region 77"):
            action(77)


def test_an_unknown_answer_is_refused(reviewing):
    with pytest.raises(ValueError, match="one of a, b, mean"):
        reviewing.list.setAnswer(1, "c")
    assert reviewing.told == 0


def test_a_list_that_is_no_json_is_told_and_kept(reviewing):
    reviewing.store("{broken")
    assert reviewing.list.entries() == ()
    assert "review list of 'Case' cannot be read" in reviewing.list.problem
    with pytest.raises(CaseError):
        reviewing.list.accept(1)
    assert reviewing.case.node.GetAttribute("DualSSL.regions") == "{broken"


@pytest.mark.parametrize("text", ['{"a": 1}', "3", '"text"', "null", "true"])
def test_json_that_is_no_list_is_told_and_kept(reviewing, text):
    reviewing.store(text)
    assert reviewing.list.entries() == ()
    assert reviewing.list.problem
    assert reviewing.case.node.GetAttribute("DualSSL.regions") == text


FOREIGN = [
    pytest.param({"region": {"id": 9}, "state": "open", "answer": None, "changed": None}, id="half a region"),
    pytest.param({**rows(9)[0], "state": "postponed"}, id="another state"),
    pytest.param({**rows(9)[0], "answer": "c"}, id="another answer"),
    pytest.param({**rows(9)[0], "changed": "yesterday"}, id="no date"),
    pytest.param({**rows(2)[0], "state": "flagged"}, id="the same region twice"),
    pytest.param("a text", id="a text"),
    pytest.param(None, id="nothing"),
    pytest.param([1, 2], id="a list"),
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_foreign_entry_is_told_and_outlives_decisions_on_others(reviewing, foreign):
    reviewing.store([*rows(2, 3), foreign])
    assert "1 of 3" in reviewing.list.problem
    assert reviewing.ids() == [2, 3]
    assert reviewing.list.entry(2).state == "open"
    reviewing.list.accept(3)
    assert foreign in reviewing.stored()
    assert reviewing.list.entry(3).state == "accepted"


def test_what_another_program_keeps_in_an_entry_stays(reviewing):
    reviewing.store(rows(1, 2, colleague="A. N. Other"))
    reviewing.list.flag(2)
    assert [row["colleague"] for row in reviewing.stored()] == ["A. N. Other"] * 2


def test_an_entry_of_an_older_program_without_answers_is_read(reviewing):
    reviewing.store([{"region": aRegion(1).to_json()}])
    assert reviewing.list.entry(1) == ReviewEntry(aRegion(1))


def test_numbers_that_json_has_no_word_for_are_told_and_nothing_is_lost(reviewing):
    reviewing.store(json.dumps([*rows(1), {"note": float("nan")}]))
    before = reviewing.case.node.GetAttribute("DualSSL.regions")
    with pytest.raises(CaseError, match="cannot be kept"):
        reviewing.list.accept(1)
    assert reviewing.case.node.GetAttribute("DualSSL.regions") == before


@given(
    st.lists(
        st.tuples(st.sampled_from(STATES), st.sampled_from([None, *ANSWERS])),
        max_size=5,
    )
)
def test_what_is_stored_comes_back(decisions):
    stored = StoredEntries.of(json.dumps(rows(*range(1, len(decisions) + 1))), "case")
    given_ = {n: {"state": state, "answer": answer} for n, (state, answer) in enumerate(decisions, start=1)}
    again = StoredEntries.of(json.dumps(stored.decided(given_)), "case")
    assert [(entry.state, entry.answer) for entry in again.entries] == decisions
    assert again.problem == ""
    # The date tells whether anything was decided.
    assert [entry.changed is None for entry in again.entries] == [d == ("open", None) for d in decisions]
