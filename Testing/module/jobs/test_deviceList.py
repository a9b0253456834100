"""The list of devices: asked for once an engine runs, and anew of another engine."""

import pytest

from DualSSLSegmentationLib.jobs.deviceList import DeviceList
from workerTransport import Engine


@pytest.fixture(scope="module")
def engine():
    made = Engine()
    yield made
    made.close()


@pytest.fixture
def devices():
    return DeviceList()


def test_nothing_is_listed_before_an_engine_has_told(devices):
    assert devices.listed == ()


def test_an_engine_tells_its_devices_once(devices, engine):
    told = []
    devices.onChange.add(lambda: told.append(devices.listed))
    devices.askOnce(engine.client)
    devices.askOnce(engine.client)
    engine.loop.runUntil(lambda: told)
    engine.loop.runFor(0.2)
    assert [[device["id"] for device in listed].count("cpu") for listed in told] == [1]


def test_what_another_engine_can_do_is_not_known_before_it_tells(devices, engine):
    devices.askOnce(engine.client)
    engine.loop.runUntil(lambda: devices.listed)
    devices.forget()
    assert devices.listed == ()


def test_the_answer_of_an_engine_that_was_left_does_not_count(devices, engine):
    devices.askOnce(engine.client)
    devices.forget()
    engine.loop.runFor(1.0)
    assert devices.listed == ()
