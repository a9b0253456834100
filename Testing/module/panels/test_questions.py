"""Questions that the panels ask: Cancel and Escape change nothing, whatever else there is to choose."""

import os

import pytest
from PySide6 import QtCore, QtWidgets
from PySide6.QtTest import QTest

ESCAPE = "Escape"


@pytest.fixture
def asked(windows):
    """Lets the panels ask, and presses Escape or a button of the next dialogs; what they said is in the list."""
    windows.application.testing = False
    said, waiting = [], []
    timer = QtCore.QTimer()

    def look():
        dialog = QtWidgets.QApplication.activeModalWidget()
        if dialog is None or not waiting:
            return
        said.append(dialog.text())
        answer = waiting.pop(0)
        if answer == ESCAPE:
            QTest.keyClick(dialog, QtCore.Qt.Key.Key_Escape)
        else:
            button = next(b for b in dialog.buttons() if b.text().replace("&", "") == answer)
            QTest.mouseClick(button, QtCore.Qt.MouseButton.LeftButton)

    timer.timeout.connect(look)
    timer.start(20)
    said_and_answers = said, waiting
    yield said_and_answers
    timer.stop()
    assert not waiting, "nobody asked"


@pytest.fixture
def edited(a_person, a_model_at_home, a_segmented_case, labels_of):
    """A person who has changed some voxels of a case."""
    from DualSSLSegmentationLib.scene.segmentation import writeLabels
    from DualSSLSegmentationLib.scene.volumes import volumeOf

    person, case = a_person(), a_segmented_case
    parameters = person.module.widget._parameterNode
    parameters.image, parameters.segmentation = case.image, case.node
    person.turn()
    labels = volumeOf(case.prediction)
    array = labels.array.copy()
    array[:2, :2, :2] = 1
    writeLabels(case.node, type(labels)(array, labels.geometry), case.labels)
    person.waitUntil(lambda: person.workspace.session.edits.voxels == 8, 10)
    return person


@pytest.mark.parametrize("answer", [ESCAPE, "Cancel"])
def test_segmenting_again_can_be_let_be(edited, asked, answer, scene):
    said, answers = asked
    session, nodes = edited.workspace.session, scene.GetNumberOfNodes()
    answers.append(answer)
    edited.click("segmentButton")
    assert "8 voxels changed" in said[0]
    assert not edited.workspace.busy("segment")
    assert edited.workspace.session is session
    assert session.edits.voxels == 8
    assert scene.GetNumberOfNodes() == nodes


@pytest.mark.parametrize("answer", ["Keep my voxels", "Only where I did nothing", "Take the model's", "New segmentation"])
def test_each_other_answer_starts_a_segmentation(edited, asked, answer):
    asked[1].append(answer)
    edited.click("segmentButton")
    assert edited.workspace.busy("segment")
    edited.click("segmentButton")
    edited.waitUntil(lambda: not edited.workspace.busy("segment"), 30)


@pytest.fixture
def with_a_new_model(a_person, home, a_model_that_segments):
    """A person to whom a fine-tuned model was offered."""
    from dualssl.registry.versions import ModelRegistry

    home.mkdir(parents=True, exist_ok=True)
    version = ModelRegistry.create(home / "models").register(a_model_that_segments, without_parent=True)
    person = a_person()
    person.workspace.onFineTuned({"version": {"id": version.id}, "verdict": None, "notes": []})
    person.turn()
    return person


@pytest.mark.parametrize(("answer", "left"), [(ESCAPE, 1), ("No", 1), ("Yes", 0)])
def test_a_new_model_is_put_away_only_after_a_yes(with_a_new_model, asked, answer, left):
    said, answers = asked
    answers.append(answer)
    with_a_new_model.click("discardButton")
    assert "trash" in said[0]
    with_a_new_model.workspace.onModels()
    models, discard = with_a_new_model.widget("modelBox"), with_a_new_model.widget("discardButton")
    with_a_new_model.waitUntil(lambda: models.count() == left and discard.isEnabled() == bool(left))


@pytest.fixture
def without_an_engine(a_person, a_model_at_home, scene, tmp_path, monkeypatch):
    """A person whose Slicer has a Python without what the engine needs."""
    from pythonEnvironments import makeEnvironment
    from trainedModels import addSphere

    program = tmp_path / "PythonSlicer"
    program.write_text(f'#!/bin/sh\nexec "{makeEnvironment(tmp_path / "bare")}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    QtCore.QSettings().setValue("DualSSLSegmentation/Interpreter", "")
    addSphere(scene)
    person = a_person()
    host = person.module.widget.logic.application.host
    person.waitUntil(lambda: host.state is not None, 30)
    person.turn()
    return person


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
@pytest.mark.parametrize("answer", [ESCAPE, "No"])
@pytest.mark.parametrize("button", ["segmentButton", "setUpButton"])
def test_nothing_is_installed_without_a_yes_and_it_is_asked_once(without_an_engine, asked, answer, button):
    said, answers = asked
    answers.append(answer)
    without_an_engine.click(button)
    assert len(said) == 1
    assert "torch" in said[0]
    assert said[0].endswith("Install them now?")
    assert ("Not installed:" in said[0]) == (button == "segmentButton")
    assert not without_an_engine.workspace.busy("segment")
    assert without_an_engine.widget("setUpButton").isEnabled()
