"""Faults that nobody is told of are collected."""

import logging
import sys

import pytest

from DualSSLSegmentationLib.application.unnoticed import unnoticedFaults
from DualSSLSegmentationLib.callbacks import Callbacks


def fail(*_arguments):
    raise ValueError("meant")


def test_a_listener_that_fails_is_collected():
    listeners = Callbacks()
    listeners.add(fail)
    with unnoticedFaults() as faults:
        listeners()
    [fault] = faults
    assert "A listener failed" in fault
    assert "meant" in fault


def test_an_observer_that_fails_is_collected(scene, no_unnoticed_fault):
    with unnoticedFaults() as faults, no_unnoticed_fault.expected("observer", "meant"):
        tag = scene.AddObserver("ModifiedEvent", fail)
        scene.Modified()
        scene.RemoveObserver(tag)
    assert any("meant" in fault for fault in faults)


def test_what_others_log_and_what_is_only_a_warning_is_not_collected():
    with unnoticedFaults() as faults:
        logging.getLogger("SomebodyElse").error("theirs")
        logging.getLogger("DualSSLSegmentationLib.panels").warning("a warning")
    assert faults == []


def test_nothing_of_it_stays():
    hook, handlers = sys.excepthook, list(logging.getLogger().handlers)
    with pytest.raises(ValueError, match="meant"), unnoticedFaults():
        fail()
    assert sys.excepthook is hook
    assert logging.getLogger().handlers == handlers
