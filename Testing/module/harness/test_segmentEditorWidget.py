"""The segment editor of the harness edits for real, with the mouse, and behaves around it as Slicer's."""

import numpy as np
import pytest
import slicer
from PySide6 import QtCore, QtTest


@pytest.fixture
def an_editor(windows, a_segmented_ball, a_ramp):
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    node = slicer.vtkMRMLSegmentEditorNode()
    slicer.mrmlScene.AddNode(node)
    editor.setMRMLSegmentEditorNode(node)
    editor.setSegmentationNode(a_segmented_ball)
    windows.mainWindow.panel.setWidget(editor.qtObject_)
    slicer.util.setSliceViewerLayers(background=a_ramp, fit=True)
    windows.turn()
    yield editor
    windows.mainWindow.panel.takeWidget()
    editor.setMRMLScene(None)
    editor.effectByName("Threshold").self().removeSliceCompositeObservers()
    editor.delete()


@pytest.fixture
def voxels(a_segmented_ball, a_ramp):
    """The voxels of a segment on the image's grid."""
    return lambda segmentId: slicer.util.arrayFromSegmentBinaryLabelmap(a_segmented_ball, segmentId, a_ramp).astype(bool)


@pytest.fixture
def stroke(windows):
    """Draws a stroke in the red view from one point in the patient to another."""

    def draw(start, end):
        view = windows.sliceViews["Red"]
        widget = slicer.app.layoutManager().sliceWidget("Red").sliceView().qtObject_
        (row0, column0), (row1, column1) = view.pixelOf(start), view.pixelOf(end)
        left, none = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier
        QtTest.QTest.mousePress(widget, left, none, QtCore.QPoint(column0, row0))
        QtTest.QTest.mouseMove(widget, QtCore.QPoint(column1, row1))
        QtTest.QTest.mouseRelease(widget, left, none, QtCore.QPoint(column1, row1))
        windows.turn()

    return draw


def _paint(editor, segmentId, diameter=8.0, effect="Paint"):
    editor.setCurrentSegmentID(segmentId)
    editor.setActiveEffectByName(effect)
    editor.activeEffect().setCommonParameter("BrushDiameterIsRelative", 0)
    editor.activeEffect().setCommonParameter("BrushAbsoluteDiameter", diameter)


def test_choosing_a_segmentation_chooses_its_image_and_first_segment(an_editor, a_segmented_ball, a_ramp):
    assert an_editor.segmentationNode() is a_segmented_ball
    assert an_editor.sourceVolumeNode() is a_ramp
    assert an_editor.currentSegmentID() == "ball"
    assert an_editor.activeEffect() is None


def test_nothing_is_known_before_scene_and_node_are_set(windows, a_segmented_ball):
    editor = slicer.qMRMLSegmentEditorWidget()
    assert editor.segmentationNode() is None
    editor.setMRMLScene(slicer.mrmlScene)
    assert editor.segmentationNode() is None
    assert editor.currentSegmentID() == ""


def test_a_stroke_paints_into_the_selected_segment_where_the_mouse_went(an_editor, stroke, voxels):
    _paint(an_editor, "other")
    stroke((20.0, 10.0, 30.0), (80.0, 10.0, 30.0))
    painted = voxels("other")
    slices, rows, columns = np.nonzero(painted)
    assert set(slices) == {30}
    assert abs(rows.min() - 6) <= 1
    assert abs(rows.max() - 14) <= 1
    assert abs(columns.min() - 16) <= 1
    assert abs(columns.max() - 84) <= 1
    assert painted[30, 10, 20:80].all()


def test_a_stroke_in_another_segment_takes_its_voxels_away(an_editor, stroke, voxels):
    before = voxels("ball")
    _paint(an_editor, "other")
    stroke((40.0, 40.0, 30.0), (60.0, 40.0, 30.0))
    assert not (voxels("ball") & voxels("other")).any()
    assert voxels("ball").sum() < before.sum()


def test_erase_takes_away_from_the_selected_segment(an_editor, stroke, voxels):
    before = voxels("ball").sum()
    _paint(an_editor, "ball", effect="Erase")
    stroke((50.0, 40.0, 30.0), (50.0, 40.0, 30.0))
    assert not voxels("ball")[30, 40, 50]
    assert 0 < before - voxels("ball").sum() < 200


def test_a_sphere_reaches_other_slices(an_editor, stroke, voxels):
    _paint(an_editor, "other")
    an_editor.activeEffect().setCommonParameter("BrushSphere", 1)
    stroke((20.0, 10.0, 30.0), (20.0, 10.0, 30.0))
    assert len(set(np.nonzero(voxels("other"))[0])) > 5


def test_the_smallest_brush_covers_the_nearest_voxel(an_editor, stroke, voxels):
    _paint(an_editor, "other", diameter=0.01)
    stroke((20.4, 10.4, 30.0), (20.4, 10.4, 30.0))
    np.testing.assert_array_equal(np.argwhere(voxels("other")), [[30, 10, 20]])


def test_the_brush_begins_relative_to_the_screen(an_editor, stroke, voxels):
    an_editor.setCurrentSegmentID("other")
    an_editor.setActiveEffectByName("Paint")
    an_editor.activeEffect().setCommonParameter("BrushAbsoluteDiameter", 60)
    stroke((20.0, 10.0, 30.0), (20.0, 10.0, 30.0))
    relative = voxels("other").sum()
    an_editor.undo()
    an_editor.findChild("QDoubleSpinBox", "PaintBrushDiameter").value = 40
    stroke((20.0, 10.0, 30.0), (20.0, 10.0, 30.0))
    assert 0 < relative < 100
    assert voxels("other").sum() > 500


def test_undo_and_redo_lead_back_and_forth(an_editor, stroke, voxels):
    undo, redo = an_editor.findChild("QToolButton", "UndoButton"), an_editor.findChild("QToolButton", "RedoButton")
    assert not undo.enabled
    _paint(an_editor, "other")
    stroke((20.0, 10.0, 30.0), (30.0, 10.0, 30.0))
    painted = voxels("other")
    assert undo.enabled
    undo.click()
    assert not voxels("other").any()
    assert redo.enabled
    redo.click()
    np.testing.assert_array_equal(voxels("other"), painted)


def test_a_state_kept_by_the_module_is_undone_too(an_editor, a_segmented_ball, a_ramp, voxels):
    before = voxels("ball")
    an_editor.saveStateForUndo()
    slicer.util.updateSegmentBinaryLabelmapFromArray(np.zeros_like(before, np.uint8), a_segmented_ball, "ball", a_ramp)
    an_editor.undo()
    np.testing.assert_array_equal(voxels("ball"), before)


def test_editing_only_inside_a_segment_is_obeyed(an_editor, stroke, voxels):
    node = an_editor.mrmlSegmentEditorNode()
    node.SetMaskSegmentID("ball")
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)
    box = an_editor.findChild("QComboBox", "MaskModeComboBox")
    assert box.currentText == "Inside Ball"
    ball = voxels("ball")
    _paint(an_editor, "other")
    stroke((0.0, 40.0, 30.0), (99.0, 40.0, 30.0))
    assert voxels("other").any()
    assert not (voxels("other") & ~ball).any()


def test_threshold_replaces_the_segment_and_ends(an_editor, voxels, a_ramp):
    _paint(an_editor, "other", effect="Threshold")
    effect = an_editor.activeEffect()
    effect.setParameter("MinimumThreshold", 100.0)
    effect.setParameter("MaximumThreshold", 120.0)
    an_editor.findChild("QPushButton", "ThresholdApply").click()
    image = slicer.util.arrayFromVolume(a_ramp)
    np.testing.assert_array_equal(voxels("other"), (image >= 100) & (image <= 120))
    assert an_editor.activeEffect() is None


def test_nobody_after_the_effect_gets_the_mouse(an_editor, stroke, windows):
    got = []
    windows.sliceViews["Red"].interactor.AddObserver("LeftButtonPressEvent", lambda *_: got.append(1))
    stroke((20.0, 10.0, 30.0), (20.0, 10.0, 30.0))
    assert got == [1]
    _paint(an_editor, "other")
    stroke((20.0, 10.0, 30.0), (20.0, 10.0, 30.0))
    assert got == [1]


def test_without_an_effect_the_mouse_is_the_views(an_editor, stroke, voxels):
    _paint(an_editor, "other")
    an_editor.setActiveEffect(None)
    stroke((20.0, 10.0, 30.0), (30.0, 10.0, 30.0))
    assert not voxels("other").any()


def test_removed_view_observations_leave_the_mouse_alone(an_editor, stroke, voxels):
    _paint(an_editor, "other")
    an_editor.removeViewObservations()
    stroke((20.0, 10.0, 30.0), (30.0, 10.0, 30.0))
    assert not voxels("other").any()
    an_editor.setupViewObservations()
    stroke((20.0, 10.0, 30.0), (30.0, 10.0, 30.0))
    assert voxels("other").any()


def test_shortcuts_act_while_they_are_installed(an_editor, windows):
    press = QtTest.QTest.keyClick
    an_editor.installKeyboardShortcuts()
    press(windows.mainWindow, QtCore.Qt.Key.Key_2)
    assert an_editor.activeEffect().name == "Paint"
    press(windows.mainWindow, QtCore.Qt.Key.Key_Escape)
    assert an_editor.activeEffect() is None
    press(windows.mainWindow, QtCore.Qt.Key.Key_W)
    assert an_editor.currentSegmentID() == "other"
    an_editor.uninstallKeyboardShortcuts()
    press(windows.mainWindow, QtCore.Qt.Key.Key_2)
    assert an_editor.activeEffect() is None


def test_a_person_selects_a_segment_in_the_table(an_editor):
    got = []
    assert an_editor.connect("currentSegmentIDChanged(QString)", got.append)
    an_editor.findChild("QTableWidget", "SegmentsTableView").selectRow(1)
    assert got == ["other"]
    assert an_editor.currentSegmentID() == "other"


def test_the_table_follows_the_segmentation(an_editor, a_segmented_ball):
    table = an_editor.findChild("QTableWidget", "SegmentsTableView")
    assert table.rowCount == 2
    a_segmented_ball.GetSegmentation().AddEmptySegment("third", "Third")
    assert table.rowCount == 3
    a_segmented_ball.GetSegmentation().RemoveSegment("third")
    assert table.rowCount == 2


def test_the_image_is_shown_where_it_is_not_yet(windows, a_segmented_ball, a_ramp):
    other = slicer.util.addVolumeFromArray(np.ones((60, 80, 100), np.float32), name="other image")
    slicer.util.setSliceViewerLayers(background=other)
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    node = slicer.vtkMRMLSegmentEditorNode()
    slicer.mrmlScene.AddNode(node)
    editor.setMRMLSegmentEditorNode(node)
    editor.setSegmentationNode(a_segmented_ball)
    assert windows.sliceViews["Red"].compositeNode.GetBackgroundVolumeID() == a_ramp.GetID()
    editor.effectByName("Threshold").self().removeSliceCompositeObservers()


def test_a_deleted_segmentation_is_let_go(an_editor, a_segmented_ball, windows):
    _paint(an_editor, "other")
    slicer.mrmlScene.RemoveNode(a_segmented_ball)
    windows.turn()
    assert an_editor.segmentationNode() is None
    assert an_editor.findChild("QTableWidget", "SegmentsTableView").rowCount == 0


def test_a_closed_scene_is_survived(an_editor, application, windows):
    _paint(an_editor, "other")
    application.clearScene()
    windows.turn()
    assert an_editor.segmentationNode() is None


def test_an_effect_without_an_editor_node_is_refused(windows, an_editor, faults):
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    editor.setActiveEffect(an_editor.effectByName("Paint"))
    assert "Invalid segment editor parameter set node" in faults.take("qt")[0].text


@pytest.mark.parametrize("name", ["_logic", "segmentationChanged_", "toggleEffect", "undoButton"])
def test_what_is_no_slot_is_not_there(an_editor, name):
    with pytest.raises(AttributeError):
        getattr(an_editor, name)


def test_threshold_watches_the_slices_beyond_its_editor(windows, a_segmented_ball, a_ramp, no_unnoticed_fault):
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    editor.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNode(slicer.vtkMRMLSegmentEditorNode()))
    editor.setSegmentationNode(a_segmented_ball)
    effect = editor.effectByName("Threshold").self()
    editor.setMRMLScene(None)
    editor.delete()
    with no_unnoticed_fault.expected("observer", "still watches"):
        windows.sliceViews["Red"].compositeNode.Modified()
    effect.removeSliceCompositeObservers()
    windows.sliceViews["Red"].compositeNode.Modified()


def test_what_a_loaded_scene_says_is_lost_unless_the_editor_is_told_again(an_editor, windows, tmp_path):
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    node = slicer.mrmlScene.AddNode(slicer.vtkMRMLSegmentEditorNode())
    an_editor.setMRMLSegmentEditorNode(node)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    windows.turn()
    assert an_editor.segmentationNode() is None


def test_shortcuts_without_a_window_are_a_fault(no_main_window, no_unnoticed_fault):
    editor = slicer.qMRMLSegmentEditorWidget()
    with no_unnoticed_fault.expected("qt", "No widget parent"):
        editor.installKeyboardShortcuts()
