"""Calls are timed in turns, and their times divided pair by pair."""

from __future__ import annotations

import gc

import pytest

from dualssl.benchmarking.timing import Ratio, time_in_turns


@pytest.fixture
def hand_wound_clock():
    """A clock that calls move on by hand."""

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_calls_take_turns_and_only_their_own_time_counts(hand_wound_clock):
    order = []

    def lasting(name, seconds):
        def call():
            order.append(name)
            hand_wound_clock.now += seconds

        return call

    times = time_in_turns({"a": lasting("a", 2.0), "b": lasting("b", 5.0)}, repeats=2, clock=hand_wound_clock)
    assert order == ["a", "b"] * 3
    assert times == {"a": [2.0, 2.0], "b": [5.0, 5.0]}


def test_warm_ups_are_not_measured(hand_wound_clock):
    seconds = iter([100.0, 50.0, 3.0])

    def call():
        hand_wound_clock.now += next(seconds)

    assert time_in_turns({"a": call}, repeats=1, warm_ups=2, clock=hand_wound_clock) == {"a": [3.0]}


def test_garbage_is_not_collected_on_the_time_of_a_call_and_is_afterwards_even_if_it_fails():
    seen = []

    def failing():
        seen.append(gc.isenabled())
        raise RuntimeError("failed")

    with pytest.raises(RuntimeError):
        time_in_turns({"a": failing}, repeats=1)
    assert seen == [False]
    assert gc.isenabled()


def test_nothing_measured_is_refused():
    with pytest.raises(ValueError, match="at least one repeat"):
        time_in_turns({"a": lambda: None}, repeats=0)


def test_a_ratio_is_the_median_of_neighbouring_runs_with_its_spread():
    # A slow minute in the second turn hits both sides: the ratio of medians would be 12 / 9.
    ratio = Ratio.of([11.0, 40.0, 12.0], [10.0, 20.0, 8.0])
    assert ratio.median == 1.5
    assert (ratio.lowest, ratio.highest) == (1.1, 2.0)
    assert ratio.of_fastest == 11.0 / 8.0


def test_series_of_unlike_length_do_not_pair():
    with pytest.raises(ValueError):
        Ratio.of([1.0, 2.0], [1.0])
