"""One job at a time, in order; a cancel never falls between the queue and the work."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.worker.lanes import Lane
from dualssl.worker.networks import Networks
from dualssl.worker.task import JobCancelledError, Task

PATIENCE = 60.0


def task(id_):
    return Task(id_, "x", {}, Networks(), lambda _: None)


class Work:
    """A lane whose jobs last until they are let go or cancelled; what became of each is noted."""

    def __init__(self):
        self.begun, self.said, self.dropped = [], [], []
        self.may_end = threading.Event()
        self.at_work = threading.Semaphore(0)
        self.most_at_once = 0
        self._count = 0
        self.lane = Lane(self.do, lambda id_, reply: self.said.append((id_, reply)), lambda t: self.dropped.append(t.id))
        self.thread = threading.Thread(target=self.lane.work, daemon=True)

    def do(self, given):
        self._count += 1
        self.most_at_once = max(self.most_at_once, self._count)
        self.begun.append(given.id)
        self.at_work.release()
        while not self.may_end.is_set() and not given.cancelled():
            threading.Event().wait(0.001)
        self._count -= 1
        return b"cancelled" if given.cancelled() else b"done"

    def add(self, *ids):
        for id_ in ids:
            self.lane.add(task(id_))

    def finish(self):
        self.may_end.set()
        self.lane.stop(finish=True)
        assert self.lane.wait(PATIENCE)
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def work():
    made = Work()
    made.thread.start()
    yield made
    made.finish()


def test_jobs_are_done_in_order_one_at_a_time(work):
    work.add(1, 2, 3)
    work.finish()
    assert work.said == [(1, b"done"), (2, b"done"), (3, b"done")]
    assert work.most_at_once == 1


def test_a_waiting_job_that_is_cancelled_never_begins(work):
    work.add(1, 2, 3)
    assert work.at_work.acquire(timeout=PATIENCE)
    assert work.lane.cancel(2)
    assert work.dropped == [2]
    work.finish()
    assert work.begun == [1, 3]
    assert work.dropped == [2]


def test_a_job_at_work_is_told_and_may_be_told_twice(work):
    work.add(1)
    assert work.at_work.acquire(timeout=PATIENCE)
    assert work.lane.cancel(1)
    assert work.lane.wait(PATIENCE)
    assert work.said == [(1, b"cancelled")]
    assert work.dropped == []


def test_a_cancel_of_what_is_over_or_was_dropped_or_never_was_says_so(work):
    work.add(1, 2)
    assert work.at_work.acquire(timeout=PATIENCE)
    assert work.lane.cancel(2)
    assert not work.lane.cancel(2)
    assert not work.lane.cancel("nobody")
    work.may_end.set()
    assert work.lane.wait(PATIENCE)
    assert not work.lane.cancel(1)
    assert work.dropped == [2]


def test_what_is_at_work_and_what_waits_can_be_seen(work):
    work.add(1, 2)
    assert work.at_work.acquire(timeout=PATIENCE)
    at_work, waiting = work.lane.snapshot()
    assert (at_work.id, [t.id for t in waiting]) == (1, [2])
    assert work.lane.holds(1)
    assert work.lane.holds(2)
    assert not work.lane.holds(3)
    work.finish()
    assert work.lane.snapshot() == (None, ())


def test_a_lane_that_stops_at_once_cancels_and_drops(work):
    work.add(1, 2, 3)
    assert work.at_work.acquire(timeout=PATIENCE)
    work.lane.stop(finish=False)
    assert work.lane.wait(PATIENCE)
    assert work.said == [(1, b"cancelled")]
    assert work.dropped == [2, 3]


def test_a_lane_that_stops_after_its_work_does_what_waits(work):
    work.add(1, 2)
    assert work.at_work.acquire(timeout=PATIENCE)
    work.lane.stop(finish=True)
    work.add(3)
    assert not work.lane.wait(0.0)
    work.may_end.set()
    assert work.lane.wait(PATIENCE)
    assert work.begun == [1, 2]
    assert work.dropped == [3]


def test_a_lane_that_stops_before_it_began_has_nothing_to_do(work):
    work.lane.stop(finish=False)
    work.thread.join(PATIENCE)
    assert not work.thread.is_alive()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("add", "cancel", "let one go")), st.integers(0, 5)), max_size=30))
def test_every_job_is_either_done_or_dropped_and_only_once(steps):
    made = Work()
    made.thread.start()
    added = []
    promised = set()
    for number, (what, index) in enumerate(steps):
        if what == "add":
            added.append(number)
            made.add(number)
        elif what == "cancel" and added:
            wanted = added[index % len(added)]
            if made.lane.cancel(wanted):
                promised.add(wanted)
    made.finish()
    done = [id_ for id_, _ in made.said]
    assert sorted(done + made.dropped) == added
    assert done == made.begun
    # Whoever was told that a job is cancelled finds it dropped, or ended by that.
    assert {id_ for id_, reply in made.said if reply == b"cancelled"} <= promised <= {*done, *made.dropped}


def test_a_task_that_is_cancelled_goes_no_further():
    one = task(1)
    one.check()
    one.cancel()
    one.cancel()
    with pytest.raises(JobCancelledError):
        one.check()
    with pytest.raises(JobCancelledError):
        one.tell("x")
