"""The set-up panel: what is missing is shown, another Python can be chosen, and diagnostics name nobody."""

import logging
import sys

import pytest
from PySide6 import QtCore, QtWidgets

from pythonEnvironments import makeEnvironment

ANSWERED = 30.0
INTERPRETER = "DualSSLSegmentation/Interpreter"


@pytest.fixture
def a_bare_python(tmp_path):
    """A Python that has nothing of what the engine needs."""
    return makeEnvironment(tmp_path / "bare é")


@pytest.fixture
def at_work(a_person, home):
    """A person who has opened the module; the engine's Python has answered."""
    return answered(a_person())


@pytest.fixture
def at_work_with_a_bare_python(a_person, home, a_bare_python):
    """The same where the engine's Python has nothing that it needs."""
    QtCore.QSettings().setValue(INTERPRETER, str(a_bare_python))
    return answered(a_person())


def answered(person):
    host = person.module.widget.logic.application.host
    person.waitUntil(lambda: host.state is not None, ANSWERED)
    person.turn()
    return person


def status(person):
    return person.widget("setupStatus").text()


def test_an_engine_that_is_complete_is_said_and_nothing_can_be_installed(at_work):
    assert "Everything the engine needs is there" in status(at_work)
    assert at_work.panels.setup.section.collapsed
    at_work.unfold("setUpButton")
    assert not at_work.widget("setUpButton").isEnabled()
    assert "Nothing is missing" in at_work.widget("setUpButton").toolTip()


def test_missing_packages_are_named_and_the_panel_opens_by_itself(at_work_with_a_bare_python):
    person = at_work_with_a_bare_python
    assert "Not installed:" in status(person)
    for name in ("torch", "monai", "numpy"):
        assert name in status(person)
    assert person.widget("setUpButton").isVisible()
    assert person.widget("setUpButton").isEnabled()


def test_nothing_is_started_in_a_python_that_lacks_something(at_work_with_a_bare_python, a_model_at_home, scene):
    from trainedModels import addSphere

    person = at_work_with_a_bare_python
    addSphere(scene)
    person.workspace.onModels()
    person.choose("imageSelector", "Sphere")
    person.panels.setup.section.collapsed = True
    person.click("segmentButton")
    assert not person.workspace.busy("segment")
    assert not person.workspace.client.running
    assert person.widget("setUpButton").isVisible()


def test_another_python_is_chosen_and_given_up_again(at_work, a_bare_python, answers):
    person = at_work
    answers.give(str(a_bare_python))
    person.click("interpreterButton")
    answered(person)
    assert "Not installed:" in status(person)
    assert QtCore.QSettings().value(INTERPRETER) == str(a_bare_python)
    person.click("ownButton")
    assert not person.widget("ownButton").isEnabled()
    assert not QtCore.QSettings().value(INTERPRETER)


def test_what_is_no_python_is_refused(at_work, tmp_path, answers):
    person = at_work
    answers.give(str(tmp_path))
    person.click("interpreterButton")
    assert QtCore.QSettings().value(INTERPRETER) == sys.executable
    answers.give("")
    person.click("interpreterButton")
    assert QtCore.QSettings().value(INTERPRETER) == sys.executable


def test_diagnostics_are_copied_without_paths(at_work, tmp_path, monkeypatch):
    person = at_work
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    logging.getLogger("DualSSLSegmentationLib").warning("Cannot read %s", tmp_path / "Mustermann_Erika" / "scan.nrrd")
    person.click("copyButton")
    text = QtWidgets.QApplication.clipboard().text()
    assert "clipboard" in status(person)
    assert text.startswith("DualSSLSegmentation diagnostics")
    assert "Everything the engine needs is there" in text
    assert "Cannot read" in text
    assert str(tmp_path) not in text
    assert "Mustermann" not in text


def test_a_model_is_added_and_can_be_segmented_with(at_work, a_model_that_segments, answers):
    person = at_work
    answers.give(str(a_model_that_segments))
    person.click("addModelButton")
    person.waitUntil(lambda: "is there to segment with" in status(person), ANSWERED)
    [choice] = person.module.widget.logic.application.workspace.models.choices()
    assert choice.standing == "active"
    assert choice.folder != a_model_that_segments


def test_a_folder_without_a_model_is_not_added_and_that_is_said(at_work, tmp_path, answers, caplog):
    person = at_work
    answers.give(str(tmp_path))
    person.click("addModelButton")
    person.waitUntil(lambda: not person.module.widget.logic.application.workspace.busy("models"), ANSWERED)
    person.turn()
    assert str(tmp_path) in "".join(record.message for record in caplog.records if record.levelname == "WARNING")
    assert not list(person.module.widget.logic.application.workspace.models.choices())
