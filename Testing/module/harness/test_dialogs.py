"""Dialogs are answered by the test; one that nobody answers or closes is a fault."""

import pytest

import modalDialogs


@pytest.fixture
def answers(no_main_window):
    return modalDialogs.answers


def test_a_text_dialog_gives_only_the_text(qt, answers):
    answers.give("Anna")
    assert qt.QInputDialog.getText(None, "Name", "Your name:") == "Anna"
    assert answers.asked == [("QInputDialog.getText", (None, "Name", "Your name:"))]


def test_a_file_dialog_gives_only_the_path(qt, answers):
    answers.give("/tmp/case.nrrd")
    assert qt.QFileDialog.getOpenFileName(None, "Open", "/tmp") == "/tmp/case.nrrd"


def test_a_dialog_that_nobody_answers_is_a_fault(qt, faults):
    assert qt.QInputDialog.getText(None, "Name", "Your name:") == ""
    assert qt.QMessageBox.question(None, "Sure?", "Sure?") == qt.QMessageBox.No
    assert len(faults.take("dialog")) == 2


def test_an_answer_that_nothing_asked_for_is_a_fault(answers, faults):
    answers.give("Anna")
    answers.forget()
    assert "No dialog asked" in faults.take("dialog")[0].text


def test_a_message_box_is_answered_by_the_text_of_a_button(qt, answers):
    box = qt.QMessageBox()
    box.text = "Your corrections?"
    keep = box.addButton("Keep mine", qt.QMessageBox.AcceptRole)
    box.addButton("Take the model's", qt.QMessageBox.DestructiveRole)
    answers.give("Keep mine")
    box.exec_()
    assert box.clickedButton() == keep
    assert answers.asked == [("QMessageBox", ("Your corrections?", ""))]


def test_a_message_box_is_answered_by_a_standard_button(qt, answers):
    box = qt.QMessageBox()
    box.setStandardButtons(qt.QMessageBox.Yes | qt.QMessageBox.No)
    answers.give(qt.QMessageBox.Yes)
    assert box.exec_() == qt.QMessageBox.Yes


def test_a_button_that_is_not_there_is_a_fault(qt, answers, faults):
    box = qt.QMessageBox()
    box.setStandardButtons(qt.QMessageBox.Ok)
    answers.give("Perhaps")
    box.exec_()
    assert "no button 'Perhaps'" in faults.take("dialog")[0].text


def test_a_dialog_that_a_timer_closes_is_no_fault(qt):
    dialog = qt.QDialog()
    qt.QTimer.singleShot(0, dialog.accept)
    assert dialog.exec_() == qt.QDialog.Accepted


def test_a_dialog_that_nobody_closes_ends_as_a_fault(qt, faults, monkeypatch):
    monkeypatch.setattr(modalDialogs, "PATIENCE_MS", 20)
    dialog = qt.QDialog()
    dialog.windowTitle = "Forgotten"
    assert dialog.exec_() == qt.QDialog.Rejected
    assert "Forgotten" in faults.take("dialog")[0].text


def test_a_menu_that_waits_is_a_fault(qt, faults):
    qt.QMenu("Actions").exec_()
    assert "Actions" in faults.take("dialog")[0].text
