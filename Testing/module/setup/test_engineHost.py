"""Which interpreter runs the engine, and that what is known of one is never taken for another's."""

import sys
from pathlib import Path

import pytest

from DualSSLSegmentationLib.setup.commands import Finished
from DualSSLSegmentationLib.setup.engineHost import EngineHost
from DualSSLSegmentationLib.setup.engineSetup import SetupError


class Desk:
    """A `Runner` whose commands end when the test says so."""

    def __init__(self):
        self.waiting = []

    def __call__(self, command, onLine, onFinished):
        self.waiting.append(onFinished)
        return lambda: None

    def answer(self, text="no answer", code=1):
        self.waiting.pop(0)(Finished(code, "", text))


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def host(desk, tmp_path):
    return EngineHost(tmp_path / "home", desk, Path(sys.executable))


def test_what_an_interpreter_answers_is_told(host, desk):
    told = []
    host.check(told.append, told.append)
    desk.answer()
    assert len(told) == 1


def test_the_late_answer_of_an_interpreter_that_is_not_chosen_any_more_is_not_told(host, desk):
    told = []
    host.check(told.append, told.append)
    host.choose(None)
    desk.answer()
    assert told == []
    assert host.state is None


def test_before_an_interpreter_has_answered_nothing_is_planned(host):
    with pytest.raises(SetupError, match="has not answered yet"):
        host.plan()


def test_an_interpreter_that_is_gone_is_said(host, tmp_path):
    host.choose(tmp_path / "gone" / "python")
    told = []
    host.check(told.append, told.append)
    assert told == [f"The interpreter {tmp_path / 'gone' / 'python'} is not there any more: choose another one."]
    with pytest.raises(SetupError):
        host.workerCommand()


def test_the_worker_runs_in_the_chosen_interpreter(host):
    command, environment = host.workerCommand()
    assert command[0] == sys.executable
    assert "dualssl.worker" in command
    assert environment
