"""Whatever a person changes is found, told once, and forgotten when it is undone; what the program writes is nobody's edit."""

import numpy as np
import pytest
import slicer

from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.review.editTracking import EditTracker
from DualSSLSegmentationLib.scene.caseNodes import CaseError, SegmentedCase, removeWithParts
from DualSSLSegmentationLib.scene.segmentation import segmentIdOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import volumeOf
from eventTurns import EventTurns
from followedCase import INSIDE, OUTSIDE, VOXELS_INSIDE, VOXELS_OUTSIDE, Following
from sampleCases import segmentedCase
from segmentEditor import SegmentEditor


def placesOf(mask, case):
    """Where the voxels of a mask lie in the patient, sorted: Slicer turns left-handed volumes when it loads them."""
    places = volumeOf(case.image).geometry.kji_to_ras(np.argwhere(mask))
    return places[np.lexsort(np.rint(places.T * 10))]


@pytest.fixture
def following(scene):
    return Following(scene)


def test_a_fresh_prediction_holds_no_edits(following):
    assert following.tracker.summary().voxels == 0
    assert not following.tracker.editMask().any()
    assert following.tracker.summary().problem == ""


def test_a_painted_voxel_is_an_edit(following):
    following.editor.paint(OUTSIDE)
    following.turns.turn()
    [summary] = following.told
    assert summary.voxels == VOXELS_OUTSIDE
    assert summary.byLabel == {1: VOXELS_OUTSIDE, 2: 0}
    mask = following.tracker.editMask()
    assert mask.dtype == np.uint8
    assert mask[OUTSIDE].all()
    assert mask.sum() == VOXELS_OUTSIDE


def test_an_erased_voxel_is_an_edit(following):
    following.editor.erase(INSIDE)
    following.turns.turn()
    assert following.told[-1].voxels == VOXELS_INSIDE
    assert following.tracker.editMask()[INSIDE].all()


def test_painting_over_another_structure_counts_for_both(following):
    following.editor.select(following.wall)
    following.editor.paint(INSIDE)
    following.turns.turn()
    assert following.told[-1].byLabel == {1: VOXELS_INSIDE, 2: VOXELS_INSIDE}


def test_replacing_a_whole_segment_is_tracked(following):
    following.editor.threshold(INSIDE)
    following.turns.turn()
    assert following.told[-1].voxels == np.count_nonzero(following.prediction() == 1) - VOXELS_INSIDE
    following.check()


def test_clearing_a_segment_is_tracked(following):
    following.editor.clear(following.atrium)
    following.turns.turn()
    assert following.told[-1].voxels == np.count_nonzero(following.prediction() == 1)
    following.check()


def test_erasing_all_segments_is_tracked(following):
    following.editor.eraseAll(np.s_[:])
    following.turns.turn()
    assert following.told[-1].voxels == np.count_nonzero(following.prediction())


def test_writing_a_segment_from_an_array_is_tracked_every_time(following):
    case = following.case
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(case.node, following.atrium, case.image)
    for count in range(1, 8):
        mask[1, 1, count] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, case.node, following.atrium, case.image)
        following.turns.turn()
        assert following.told[-1].voxels == count
    assert len(following.told) == 7


def test_voxels_written_in_place_are_tracked(following):
    array = slicer.util.arrayFromSegmentInternalBinaryLabelmap(following.case.node, following.atrium)
    array[array == 1] = 0
    slicer.util.arrayFromSegmentInternalBinaryLabelmap(following.case.node, following.atrium)
    following.case.node.GetSegmentation().GetSegment(following.atrium).GetRepresentation("Binary labelmap").Modified()
    following.turns.turn()
    assert following.told[-1].voxels == np.count_nonzero(following.prediction() == 1)


def test_an_undone_stroke_is_no_edit_any_more(following):
    following.editor.paint(OUTSIDE)
    following.turns.turn()
    following.editor.undo()
    following.turns.turn()
    assert [summary.voxels for summary in following.told] == [VOXELS_OUTSIDE, 0]
    following.editor.redo()
    following.turns.turn()
    assert following.told[-1].voxels == VOXELS_OUTSIDE


def test_tracking_leaves_the_steps_forward_alone(following):
    following.editor.paint(OUTSIDE)
    following.turns.turn()
    following.editor.undo()
    following.turns.turn()
    following.tracker.summary()
    assert following.editor.canRedo


def test_a_tracker_that_starts_late_leaves_the_steps_forward_alone(scene):
    case = segmentedCase(scene)
    editor = SegmentEditor(case.node, case.image)
    editor.select(segmentIdOf(case.node, 1))
    editor.paint(OUTSIDE)
    editor.undo()
    tracker = EditTracker(case, EventTurns(), lambda _: None)
    assert editor.canRedo
    tracker.stop()


def test_painting_and_erasing_the_same_is_no_edit(following):
    following.editor.paint(OUTSIDE)
    following.editor.erase(OUTSIDE)
    following.turns.turn()
    assert following.told == []
    assert following.tracker.summary().voxels == 0


def test_a_removed_segment_is_an_edit_and_adding_it_again_under_its_name_is_none(following):
    case = following.case
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(case.node, following.wall, case.image)
    case.node.GetSegmentation().RemoveSegment(following.wall)
    following.turns.turn()
    assert following.told[-1].voxels == mask.sum()
    added = case.node.GetSegmentation().AddEmptySegment("", "Wall")
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, case.node, added, case.image)
    following.turns.turn()
    assert following.told[-1].voxels == 0


def test_removing_a_segment_with_voxels_of_its_own_is_tracked(following):
    segmentation = following.case.node.GetSegmentation()
    segmentation.SeparateSegmentLabelmap(following.wall)
    following.turns.turn()
    segmentation.RemoveSegment(following.wall)
    following.turns.turn()
    assert following.told[-1].voxels == np.count_nonzero(following.prediction() == 2)


def test_undoing_a_removed_segment_undoes_the_edit(following):
    following.editor.saveState()
    following.case.node.GetSegmentation().RemoveSegment(following.wall)
    following.turns.turn()
    following.editor.undo()
    following.turns.turn()
    assert following.told[-1].voxels == 0


def test_a_segment_of_the_persons_own_is_named_and_is_no_edit(following):
    node = following.case.node
    own = node.GetSegmentation().AddEmptySegment("", "Scar")
    mask = np.zeros(following.labels().shape, np.uint8)
    mask[OUTSIDE] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, own, following.case.image)
    following.turns.turn()
    assert following.told[-1].unknown == ("Scar",)
    assert following.told[-1].voxels == 0


def test_renaming_a_structure_is_no_edit(following):
    following.case.node.GetSegmentation().GetSegment(following.atrium).SetName("LA")
    following.turns.turn()
    assert following.told == []
    assert following.tracker.summary().voxels == 0


def test_colours_and_states_cost_no_pass(following):
    passes = following.tracker.passes
    segment = following.case.node.GetSegmentation().GetSegment(following.atrium)
    segment.SetColor(0, 0, 1)
    slicer.vtkSlicerSegmentationsModuleLogic.SetSegmentStatus(segment, 2)
    following.turns.turn()
    assert following.tracker.passes == passes


def test_a_burst_of_events_costs_one_pass(following):
    passes, scheduled = following.tracker.passes, following.turns.scheduled
    for column in range(10):
        following.editor.paint(np.s_[1, 1, column])
    assert following.turns.scheduled == scheduled + 1
    following.turns.turn()
    assert following.tracker.passes == passes + 1
    assert [summary.voxels for summary in following.told] == [10]


def test_asking_costs_no_second_pass_and_still_tells(following):
    following.editor.paint(OUTSIDE)
    passes = following.tracker.passes
    assert following.tracker.summary().voxels == VOXELS_OUTSIDE
    following.tracker.editMask()
    following.turns.turn()
    assert following.tracker.passes == passes + 1
    assert [summary.voxels for summary in following.told] == [VOXELS_OUTSIDE]


def test_an_edit_elsewhere_of_the_same_size_is_told(following):
    following.editor.paint(np.s_[1, 1, 1])
    following.turns.turn()
    following.editor.erase(np.s_[1, 1, 1])
    following.editor.paint(np.s_[1, 1, 2])
    following.turns.turn()
    assert [summary.voxels for summary in following.told] == [1, 1]


def test_the_regions_with_edits_are_named(following):
    ids = volumeOf(following.case.regionMap).array
    k, j, i = (int(n) for n in np.argwhere(ids == 2)[0])
    following.editor.select(following.wall if following.labels()[k, j, i] != 2 else following.atrium)
    following.editor.paint(np.s_[k, j, i])
    following.turns.turn()
    assert following.told[-1].regions == {2}


def test_the_programs_own_writing_is_looked_at_once_and_afterwards(following):
    passes = following.tracker.passes
    labels = following.labels()
    labels[OUTSIDE] = 2
    volume = Volume(labels, volumeOf(following.case.image).geometry)
    with following.tracker.programmatic():
        writeLabels(following.case.node, volume, following.case.labels)
        following.tracker.newBaseline(volume, None)
        assert following.turns.turn() == 0
    following.turns.turn()
    assert following.tracker.passes == passes + 1
    assert following.tracker.summary().voxels == 0
    np.testing.assert_array_equal(following.prediction(), labels)


def test_writing_that_fails_does_not_leave_the_tracker_deaf(following):
    with pytest.raises(RuntimeError), following.tracker.programmatic():
        raise RuntimeError
    following.editor.paint(OUTSIDE)
    following.turns.turn()
    assert following.told[-1].voxels == VOXELS_OUTSIDE


def test_edits_and_protection_survive_saving_and_loading(following, application, tmp_path):
    following.editor.paint(OUTSIDE)
    old = following.prediction()
    following.merge(np.where(old == 2, 1, old).astype(np.uint8))
    following.editor.erase(INSIDE)
    following.turns.turn()
    mask, summary = following.tracker.editMask(), following.tracker.summary()
    places = placesOf(mask, following.case)
    following.tracker.stop()
    assert slicer.util.saveScene(str(tmp_path / "case.mrb"))
    application.clearScene()
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    case = SegmentedCase(slicer.util.getNode("Case"))
    tracker = EditTracker(case, EventTurns(), lambda _: None)
    np.testing.assert_allclose(placesOf(tracker.editMask(), case), places, atol=0.01)
    assert tracker.summary() == summary
    tracker.stop()


def test_saving_the_scene_is_no_edit(following, tmp_path):
    following.editor.paint(OUTSIDE)
    following.turns.turn()
    following.told.clear()
    assert slicer.util.saveScene(str(tmp_path / "case.mrb"))
    following.turns.turn()
    assert following.told == []
    assert following.tracker.summary().voxels == VOXELS_OUTSIDE


def test_another_segmentation_object_in_the_node_is_followed(following):
    node = following.case.node
    copy = slicer.vtkSegmentation()
    copy.DeepCopy(node.GetSegmentation())
    node.SetAndObserveSegmentation(copy)
    following.turns.turn()
    SegmentEditor(node, following.case.image)
    following.editor.logic.SetSegmentationNode(node)
    following.editor.paint(OUTSIDE)
    following.turns.turn()
    assert following.told[-1].voxels == VOXELS_OUTSIDE


def test_a_deleted_prediction_is_told_and_nothing_is_guessed(following):
    following.editor.paint(OUTSIDE)
    following.turns.turn()
    removeWithParts(following.case.prediction)
    following.editor.paint(np.s_[0, 0, 0])
    following.turns.turn()
    assert "first prediction of 'Case' was deleted" in following.told[-1].problem
    assert following.told[-1].voxels == 0
    with pytest.raises(CaseError, match="first prediction of 'Case' was deleted"):
        following.tracker.editMask()


def test_a_deleted_image_is_told(following):
    removeWithParts(following.case.image)
    with pytest.raises(CaseError, match="image of 'Case' was deleted"):
        following.tracker.editMask()
    with pytest.raises(CaseError, match="image of 'Case' was deleted"):
        EditTracker(following.case, following.turns, following.told.append)


def test_a_prediction_on_another_grid_is_refused_and_changes_nothing(following):
    grid = volumeOf(following.case.image).geometry
    smaller = grid.cropped((0, 0, 0), (2, 2, 2))
    old = following.prediction()
    with pytest.raises(Exception, match="new prediction differs from the image"):
        following.tracker.newBaseline(Volume(np.zeros((2, 2, 2), np.uint8), smaller), None)
    np.testing.assert_array_equal(following.prediction(), old)


def test_after_stopping_nobody_is_told(following):
    following.editor.paint(OUTSIDE)
    following.tracker.stop()
    following.tracker.stop()
    following.turns.turn()
    following.editor.paint(np.s_[0, 0, 0])
    assert following.turns.turn() == 0
    assert following.told == []


def test_closing_the_scene_with_a_look_still_to_come_is_harmless(following, application):
    following.editor.paint(OUTSIDE)
    application.clearScene()
    following.turns.turn()
    assert following.told == []


def test_the_mask_is_the_callers_own(following):
    following.tracker.editMask()[...] = 1
    assert not following.tracker.editMask().any()
