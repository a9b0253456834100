"""The main window: `slicer.app`, layout manager, views that take the mouse."""

import threading
import time

import numpy as np
import pytest
import slicer
from PySide6 import QtCore, QtTest


def test_the_application_answers_with_windows(windows):
    manager = slicer.app.layoutManager()
    assert manager.sliceViewNames() == ("Red", "Green", "Yellow")
    assert manager.sliceWidget("Red").mrmlSliceNode().GetID() == "vtkMRMLSliceNodeRed"
    assert manager.sliceWidget("Red").sliceLogic() is windows.sliceViews["Red"].logic
    assert manager.sliceWidget("Blue") is None
    assert manager.threeDViewCount == 1
    assert manager.threeDWidget(0).mrmlViewNode().GetID() == "vtkMRMLViewNode1"
    assert manager.mrmlSliceLogics().GetNumberOfItems() == 3
    assert slicer.util.mainWindow().className() == "qSlicerMainWindow"


def test_without_a_main_window_there_are_no_views(no_main_window):
    assert slicer.app.layoutManager() is None
    assert slicer.util.mainWindow() is None


def test_after_the_windows_nothing_of_them_is_left(windows):
    windows.close()
    with pytest.raises(AttributeError, match="needs windows"):
        slicer.app.layoutManager()
    assert not hasattr(slicer, "qMRMLNodeComboBox")


def test_the_application_has_no_attributes_of_its_own(windows):
    with pytest.raises(AttributeError):
        _ = slicer.app.somethingNew
    with pytest.raises(AttributeError, match="creating new attributes"):
        slicer.app.mark = 1
    with pytest.raises(AttributeError, match="can not be overwritten"):
        slicer.app.layoutManager = None


def test_slicer_util_works_on_the_views(windows, a_ramp):
    slicer.util.setSliceViewerLayers(background=a_ramp, fit=True)
    for view in windows.sliceViews.values():
        assert view.compositeNode.GetBackgroundVolumeID() == a_ramp.GetID()
    assert slicer.util.startupEnvironment()["QT_QPA_PLATFORM"] == "offscreen"


def test_settings_are_kept_in_a_session_and_gone_after_it(windows, application):
    import qt

    settings = qt.QSettings()
    settings.setValue("DualSSL/Reviewer", "Anna")
    assert qt.QSettings().value("DualSSL/Reviewer") == "Anna"
    assert settings.fileName().startswith(str(application.folder))
    windows.close()
    assert QtCore.QSettings().value("DualSSL/Reviewer") is None


def test_the_mouse_goes_to_the_views_interactor(windows, a_ramp):
    slicer.util.setSliceViewerLayers(background=a_ramp, fit=True)
    widget = slicer.app.layoutManager().sliceWidget("Red").sliceView().qtObject_
    got = []
    interactor = windows.sliceViews["Red"].interactor
    interactor.AddObserver("LeftButtonPressEvent", lambda i, e: got.append(i.GetEventPosition()))
    QtTest.QTest.mousePress(widget, QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, QtCore.QPoint(30, 40))
    assert got == [(30, widget.height() - 1 - 40)]


def test_a_view_is_drawn_anew_only_when_something_changed(windows, a_ramp):
    slicer.util.setSliceViewerLayers(background=a_ramp, fit=True)
    windows.turn()
    view = windows.sliceViews["Red"]
    drawn = view.renders
    slicer.app.layoutManager().sliceWidget("Red").sliceView().update()
    windows.turn()
    assert view.renders == drawn
    a_ramp.GetDisplayNode().SetAutoWindowLevel(False)
    a_ramp.GetDisplayNode().SetWindowLevel(10, 20)
    windows.turn()
    assert view.renders == drawn + 1


def test_a_picture_of_the_window_is_written(windows, a_ramp, tmp_path):
    import qt

    slicer.util.setSliceViewerLayers(background=a_ramp, fit=True)
    windows.picture(tmp_path / "window.png")
    picture = qt.QImage(str(tmp_path / "window.png"))
    assert picture.width() == 1400
    view = slicer.app.layoutManager().sliceWidget("Red").qtObject_
    corner = view.mapTo(windows.mainWindow, QtCore.QPoint(0, 0))
    row = corner.y() + view.height() // 2
    brightness = [picture.pixelColor(corner.x() + x, row).red() for x in range(0, view.width(), 20)]
    assert max(brightness) > 150
    assert np.ptp(brightness) > 100


def test_message_boxes_answer_themselves_only_in_testing_mode(windows, answers):
    slicer.util.errorDisplay("Broken.")
    slicer.util.confirmYesNoDisplay("Sure?")
    assert answers.asked == []
    windows.application.testing = False
    answers.give("No")
    assert slicer.util.confirmYesNoDisplay("Sure?") is False
    assert answers.asked[0][1][0] == "Sure?"


def test_a_blocked_event_loop_is_measured(windows):
    import qt

    done = []
    qt.QTimer.singleShot(0, lambda: done.append(time.sleep(0.2)))
    assert windows.turnUntil(lambda: bool(done))
    assert windows.longestTurn > 0.1
    windows.longestTurn = 0.0
    assert not windows.turnUntil(lambda: False, seconds=0.1)
    assert windows.longestTurn < 0.1


def test_a_python_thread_is_a_fault(windows, faults):
    thread = threading.Thread(target=lambda: None, name="reader")
    thread.start()
    thread.join()
    assert "reader" in faults.take("thread")[0].text


def test_the_start_of_the_application_is_told(windows):
    got = []
    slicer.app.connect("startupCompleted()", lambda: got.append(1))
    windows.application.startupCompleted.emit()
    assert got == [1]
