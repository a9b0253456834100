"""Work in steps: one an event, closed when it is cancelled, and told about once."""

import logging

import pytest

from DualSSLSegmentationLib.steps import Stepwise
from eventTurns import EventTurns


class Work:
    """Three steps that note what they do, and who is told what of them."""

    def __init__(self, failing=False):
        self.failing = failing
        self.notes = []
        self.told = []
        self.turns = EventTurns()
        self.duringSecond = lambda: None

    def steps(self):
        try:
            yield "first"
            self.notes.append("did first")
            yield "second"
            self.notes.append("did second")
            self.duringSecond()
            if self.failing:
                raise ValueError("no")
            yield "third"
            self.notes.append("did third")
            return 42
        finally:
            self.notes.append("closed")

    def start(self, onStep=None):
        told = self.told
        return Stepwise(
            self.steps(),
            self.turns,
            lambda value: told.append(("done", value)),
            lambda error: told.append(("failed", str(error))),
            onStep or (lambda text: told.append(text)),
        )

    def runOut(self):
        while self.turns.turn():
            pass


@pytest.fixture
def work():
    return Work()


def test_nothing_is_done_before_the_event_loop_turns(work):
    running = work.start()
    assert running.running
    assert (work.notes, work.told) == ([], [])


def test_one_step_is_done_each_turn(work):
    work.start()
    for expected in ([], ["did first"], ["did first", "did second"]):
        work.turns.turn()
        assert work.notes == expected


def test_texts_come_before_their_steps_and_the_result_at_the_end(work):
    running = work.start()
    work.runOut()
    assert work.told == ["first", "second", "third", ("done", 42)]
    assert not running.running


def test_a_step_that_fails_is_told_and_ends_the_work():
    work = Work(failing=True)
    work.start()
    work.runOut()
    assert work.told == ["first", "second", ("failed", "no")]
    assert work.notes == ["did first", "did second", "closed"]


def test_cancelling_closes_the_work_and_tells_nobody(work):
    running = work.start()
    work.turns.turn()
    work.turns.turn()
    running.cancel()
    assert work.notes == ["did first", "closed"]
    running.cancel()
    work.runOut()
    assert work.notes == ["did first", "closed"]
    assert work.told == ["first", "second"]


def test_cancelled_before_its_first_step_nothing_is_done(work):
    work.start().cancel()
    work.runOut()
    assert (work.notes, work.told) == ([], [])


def test_cancelled_by_what_a_step_leads_to_it_ends_after_that_step(work, caplog):
    running = work.start()
    work.duringSecond = running.cancel
    work.runOut()
    assert work.notes == ["did first", "did second", "closed"]
    assert work.told == ["first", "second"]
    assert caplog.text == ""


def test_cancelled_by_a_step_that_then_fails_nobody_is_told():
    work = Work(failing=True)
    running = work.start()
    work.duringSecond = running.cancel
    work.runOut()
    assert work.told == ["first", "second"]


def test_cancelled_by_whoever_is_told_of_a_step(work):
    running = work.start(onStep=lambda text: running.cancel() if text == "second" else None)
    work.runOut()
    assert work.notes == ["did first", "closed"]


def test_a_listener_that_fails_does_not_leave_the_work_half_done(work):
    def listen(text):
        raise RuntimeError(text)

    work.start(onStep=listen)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            work.turns.turn()
    work.runOut()
    assert work.told == [("done", 42)]


def test_work_that_cannot_be_undone_is_logged_and_harms_nobody(caplog):
    def stubborn():
        try:
            yield "only"
        finally:
            raise ValueError("cannot undo")

    turns = EventTurns()
    running = Stepwise(stubborn(), turns, print, print)
    turns.turn()
    with caplog.at_level(logging.ERROR):
        running.cancel()
    assert "could not be undone" in caplog.text
