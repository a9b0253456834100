"""Functions that are called later: once, in time, and let go of."""

import gc
import weakref

import pytest


@pytest.fixture
def timers(no_main_window):
    import importlib

    return importlib.import_module("DualSSLSegmentationLib.application.qtTimers")


class Listener:
    def __init__(self, log):
        self.log = log

    def call(self):
        self.log.append(self)


def test_a_function_is_called_once_and_not_at_once(timers, no_main_window):
    got = []
    timers.soon(lambda: got.append(1))
    assert got == []
    assert no_main_window.turnUntil(lambda: got == [1])
    assert not no_main_window.turnUntil(lambda: len(got) > 1, seconds=0.05)


def test_functions_are_called_in_their_order(timers, no_main_window):
    got = []
    for number in range(5):
        timers.soon(lambda number=number: got.append(number))
    assert no_main_window.turnUntil(lambda: len(got) == 5)
    assert got == [0, 1, 2, 3, 4]


def test_a_function_may_ask_to_be_called_again(timers, no_main_window):
    got = []

    def step():
        got.append(1)
        if len(got) < 4:
            timers.soon(step)

    timers.soon(step)
    assert no_main_window.turnUntil(lambda: len(got) == 4)


def test_one_that_fails_keeps_no_other_from_being_called(timers, no_main_window, no_unnoticed_fault):
    got = []
    with no_unnoticed_fault.expected("slot", "division"):
        timers.soon(lambda: 1 / 0)
        timers.soon(lambda: got.append(1))
        assert no_main_window.turnUntil(lambda: got == [1])


def test_later_waits(timers, no_main_window):
    got = []
    timers.later(0.2, lambda: got.append("later"))
    timers.soon(lambda: got.append("soon"))
    assert no_main_window.turnUntil(lambda: len(got) == 2)
    assert got == ["soon", "later"]


def test_whose_method_was_called_is_let_go_of(timers, no_main_window):
    got = []
    listener = Listener(got)
    known = weakref.ref(listener)
    timers.soon(listener.call)
    assert no_main_window.turnUntil(lambda: bool(got))
    got.clear()
    del listener
    gc.collect()
    assert known() is None


def test_the_harness_keeps_what_a_single_shot_was_given_as_pythonqt_does(no_main_window):
    import qt

    got = []
    listener = Listener(got)
    known = weakref.ref(listener)
    qt.QTimer.singleShot(0, listener.call)
    assert no_main_window.turnUntil(lambda: bool(got))
    got.clear()
    del listener
    gc.collect()
    assert known() is not None
