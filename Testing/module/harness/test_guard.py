"""Errors that nobody is told of are recorded, and a test that leaves one behind fails."""

import numpy as np
import pytest
import slicer
import vtk

from guard import FaultLog


def test_an_error_of_vtk_is_a_fault(faults):
    vtk.vtkImageReslice().Update()
    assert "has 0 connections" in faults.take("vtk error")[0].text


def test_a_warning_of_vtk_is_a_fault(faults, scene):
    slicer.modules.segmentations.logic().ExportSegmentsToLabelmapNode(None, vtk.vtkStringArray(), None)
    assert "Invalid segmentation node" in faults.take("vtk warning")[0].text


def test_an_exception_in_an_observer_is_a_fault(faults, scene):
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")

    def onModified(_caller, _event):
        raise ZeroDivisionError("in the observer")

    node.AddObserver("ModifiedEvent", onModified)
    node.SetName("renamed")
    assert "in the observer" in faults.take("observer")[0].text


def test_a_warning_of_qt_is_a_fault(qt, faults):
    qt.QTimer().start(-5)
    assert faults.take("qt")


def test_faults_left_behind_are_raised_once_with_their_texts():
    log = FaultLog()
    log.add("slot", "first")
    log.add("vtk error", "second")
    with pytest.raises(AssertionError, match=r"2 fault.*\n.*first\n.*second"):
        log.assertNone()
    log.assertNone()


def test_a_fault_that_is_meant_is_taken(faults):
    with faults.expected("vtk error", "has 0 connections"):
        vtk.vtkImageReslice().Update()
    faults.assertNone()


def test_a_fault_that_is_expected_has_to_come(faults):
    with pytest.raises(AssertionError, match="No fault of the kind"), faults.expected("slot", "anything"):
        pass


def test_ordinary_work_is_no_fault(a_segmented_ball, a_ramp, application, tmp_path, faults):
    slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    application.clearScene()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    ball = slicer.util.arrayFromSegmentBinaryLabelmap(slicer.util.getNode("segmentation"), "ball", slicer.util.getNode("ramp"))
    assert np.count_nonzero(ball) > 30_000
    assert faults.faults == []
