"""Listeners: in order, each for itself, and none at the mercy of another."""

import logging

import pytest

from DualSSLSegmentationLib.callbacks import Callbacks


@pytest.fixture
def heard():
    return []


@pytest.fixture
def listeners():
    return Callbacks()


def test_all_are_called_in_the_order_they_were_added(listeners, heard):
    listeners.add(lambda *what: heard.append(("first", *what)))
    listeners.add(lambda *what: heard.append(("second", *what)))
    listeners(1, "two")
    assert heard == [("first", 1, "two"), ("second", 1, "two")]


def test_one_that_fails_is_logged_and_does_not_stop_the_others(listeners, heard, caplog):
    def fail(_):
        raise ValueError("out of order")

    listeners.add(fail)
    listeners.add(heard.append)
    with caplog.at_level(logging.ERROR):
        listeners(1)
    assert heard == [1]
    assert "out of order" in caplog.text


def test_one_that_was_removed_is_not_called(listeners, heard):
    remove = listeners.add(heard.append)
    listeners.add(heard.append)
    remove()
    remove()
    listeners(1)
    assert heard == [1]


def test_the_same_function_twice_is_called_twice_and_removed_once(listeners, heard):
    def listen(what):
        heard.append(what)

    remove = listeners.add(listen)
    listeners.add(listen)
    listeners(1)
    remove()
    listeners(2)
    assert heard == [1, 1, 2]


def test_one_that_is_removed_by_another_is_not_called_any_more(listeners, heard):
    removals = []
    listeners.add(lambda what: removals[0]())
    removals.append(listeners.add(heard.append))
    listeners(1)
    assert heard == []


def test_one_that_is_added_by_another_is_called_from_the_next_time_on(listeners, heard):
    remove = listeners.add(lambda what: (remove(), listeners.add(heard.append)))
    listeners(1)
    listeners(2)
    assert heard == [2]


def test_after_forgetting_all_nobody_is_called(listeners, heard):
    listeners.add(lambda what: listeners.clear())
    listeners.add(heard.append)
    listeners(1)
    listeners(2)
    assert heard == []
