"""What is said reaches the client: in order, without floods, and without waiting for slow readers."""

import threading
import time

import pytest

from dualssl.worker.outbox import PROGRESS_SECONDS, Outbox
from dualssl.worker.protocol import Progress, decode

PATIENCE = 60.0


def until(condition):
    end = time.perf_counter() + PATIENCE
    while not condition():
        assert time.perf_counter() < end
        threading.Event().wait(0.005)


class Reader:
    """Reads what is written, but not while it sleeps."""

    def __init__(self):
        self.awake = threading.Event()
        self.awake.set()
        self.asleep = threading.Event()
        self.broken = False
        self.messages = []

    def __call__(self, data):
        if not self.awake.is_set():
            self.asleep.set()
        assert self.awake.wait(PATIENCE)
        if self.broken:
            raise BrokenPipeError
        self.messages += [decode(line) for line in data.splitlines()]

    @property
    def told(self):
        return [message["params"] for message in self.messages if message.get("method") == "progress"]


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def gone():
    return threading.Event()


@pytest.fixture
def outbox(reader, gone):
    return Outbox(reader, gone.set)


def test_the_last_progress_comes_before_the_result(outbox, reader):
    for step in range(1000):
        outbox.progress(Progress(1, "x", step, 1000))
    outbox.finish(1, b'{"result":1}\n')
    assert outbox.wait(PATIENCE)
    assert reader.messages[-1] == {"result": 1}
    assert reader.told[-1]["done"] == 999
    assert all(before["done"] < after["done"] for before, after in zip(reader.told, reader.told[1:], strict=False))


def test_progress_is_told_at_most_so_often(outbox, reader, monkeypatch):
    moment = 100.0
    monkeypatch.setattr("dualssl.worker.outbox.time.monotonic", lambda: moment)
    outbox.progress(Progress(1, "x", 0))
    assert outbox.wait(PATIENCE)
    until(lambda: reader.told)
    for step in range(1, 50):
        outbox.progress(Progress(1, "x", step))
    outbox.progress(Progress(2, "y", 7))
    until(lambda: len(reader.told) == 2)
    assert [(progress["id"], progress["done"]) for progress in reader.told] == [(1, 0), (2, 7)]
    moment += 2 * PROGRESS_SECONDS
    outbox.send(b'{"wake":1}\n')
    until(lambda: len(reader.told) == 3)
    assert reader.told[-1]["done"] == 49


def test_what_comes_late_is_told_by_itself(outbox, reader):
    outbox.progress(Progress(1, "x", 1))
    outbox.progress(Progress(1, "x", 2))
    until(lambda: reader.told and reader.told[-1]["done"] == 2)


def test_no_note_is_lost_when_progress_is_merged(outbox, reader):
    reader.awake.clear()
    outbox.send(b"{}\n")
    assert reader.asleep.wait(PATIENCE)
    for step in range(100):
        outbox.progress(Progress(1, "x", step, note=f"note {step}" if step % 10 == 0 else ""))
    reader.awake.set()
    outbox.finish(1, b"{}\n")
    assert outbox.wait(PATIENCE)
    notes = "\n".join(progress["note"] for progress in reader.told if progress["note"])
    assert notes.split("\n") == [f"note {step}" for step in range(0, 100, 10)]


def test_nobody_waits_for_a_client_that_does_not_read(outbox, reader):
    reader.awake.clear()
    outbox.send(b"{}\n")
    assert reader.asleep.wait(PATIENCE)
    for step in range(10_000):
        outbox.progress(Progress(1, "x", step))
        outbox.log("info", "x")
    outbox.finish(1, b'{"result":1}\n')
    assert not outbox.wait(0.0)
    reader.awake.set()
    assert outbox.wait(PATIENCE)
    assert reader.messages[-1] == {"result": 1}
    # One of progress, and of the log no more than a client might want to read.
    assert len(reader.told) <= 2
    assert len(reader.messages) < 2000


def test_a_client_that_left_is_noticed_once_and_what_is_said_then_is_dropped(outbox, reader, gone):
    reader.broken = True
    outbox.send(b"{}\n")
    assert gone.wait(PATIENCE)
    outbox.send(b"{}\n")
    outbox.finish(1, b"{}\n")
    assert outbox.wait(PATIENCE)
    assert reader.messages == []
