"""Batches made ahead: in order, with their errors, and without a thread that outlives its use."""

import threading

import pytest

from dualssl.data.prefetch import prefetched


class Source:
    """Stands for a source of batches; fails at `fails_at`."""

    def __init__(self, fails_at=None, error=ValueError):
        self.made = []
        self._fails_at = fails_at
        self._error = error

    def batch(self, iteration):
        if iteration == self._fails_at:
            raise self._error(f"no batch {iteration}")
        self.made.append(iteration)
        return f"batch {iteration}"


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "batches"]


def test_batches_come_in_order():
    assert list(prefetched(Source(), 3, 7)) == [(n, f"batch {n}") for n in range(3, 7)]
    assert workers() == []


def test_nothing_to_do_is_nothing_done():
    source = Source()
    assert list(prefetched(source, 5, 5)) == []
    assert source.made == []


@pytest.mark.parametrize("error", [ValueError, MemoryError, KeyboardInterrupt])
def test_an_error_is_raised_where_the_batch_is_used(error):
    got = []
    with pytest.raises(error, match="no batch 2"):
        got.extend(n for n, _ in prefetched(Source(2, error), 0, 9))
    assert workers() == []


def test_batches_before_an_error_are_delivered():
    stream = prefetched(Source(2), 0, 9)
    assert [next(stream)[0], next(stream)[0]] == [0, 1]
    with pytest.raises(ValueError, match="no batch 2"):
        next(stream)


def test_the_thread_ends_when_the_consumer_stops_early():
    source = Source()
    for n, _ in prefetched(source, 0, 10**9):
        if n == 3:
            break
    assert workers() == []


def test_the_thread_ends_when_the_consumer_fails():
    def consume():
        for _ in prefetched(Source(), 0, 10**9):
            raise OSError

    with pytest.raises(OSError):
        consume()
    assert workers() == []


def test_no_more_is_made_ahead_than_asked():
    source = Source()
    stream = prefetched(source, 0, 100, ahead=2)
    for expected in range(5):
        assert next(stream)[0] == expected
        # Two wait in the queue, one in the thread's hands.
        assert len(source.made) <= expected + 1 + 3
    stream.close()
