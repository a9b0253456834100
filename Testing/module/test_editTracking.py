"""Whatever a person changes is found, told once, and forgotten when it is undone; what the program writes is nobody's edit."""

import numpy as np
import pytest
import slicer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.answers import takeAnswer
from DualSSLSegmentationLib.caseNodes import CaseError, SegmentedCase, removeWithParts
from DualSSLSegmentationLib.editTracking import EditTracker
from DualSSLSegmentationLib.protection import MergeChoice, merged
from DualSSLSegmentationLib.regionMask import RegionMask
from DualSSLSegmentationLib.segmentation import labelMapOf, segmentIdOf, writeLabels
from DualSSLSegmentationLib.volumes import volumeOf
from eventTurns import EventTurns
from sampleCases import segmentedCase
from segmentEditor import SegmentEditor

# A box outside every structure of the sample case, and one inside the ball.
OUTSIDE = np.s_[1:3, 2:5, 2:6]
INSIDE = np.s_[11:13, 14:16, 17:19]
VOXELS_OUTSIDE, VOXELS_INSIDE = 24, 8


class Following:
    """A case, its tracker, a person at the editor, and what was told."""

    def __init__(self, scene):
        self.case = segmentedCase(scene)
        self.turns = EventTurns()
        self.told = []
        self.tracker = EditTracker(self.case, self.turns, self.told.append)
        self.editor = SegmentEditor(self.case.node, self.case.image)
        self.atrium, self.wall = (segmentIdOf(self.case.node, value) for value in (1, 2))
        self.editor.select(self.atrium)
        self.turns.turn()
        self.told.clear()

    def labels(self):
        return labelMapOf(self.case, self.case.labels, self.case.image).array

    def prediction(self):
        return volumeOf(self.case.prediction).array.copy()

    def merge(self, prediction, choice=MergeChoice.keepMine, provenance=None):
        """A new prediction, as the application brings it in."""
        labels, protected = merged(self.labels(), self.tracker.editMask(), prediction, None, choice)
        grid = volumeOf(self.case.image).geometry
        self.editor.saveState()
        with self.tracker.programmatic():
            writeLabels(self.case.node, Volume(labels, grid), self.case.labels)
            if provenance:
                self.case.setJson("provenance", provenance)
            self.tracker.newBaseline(Volume(prediction, grid), protected)
        self.turns.turn()
        return labels, protected

    def check(self):
        """The mask is what its definition says, with the baseline that the scene holds."""
        expected = self.labels() != self.prediction()
        if self.case.protectedEdits is not None:
            expected |= volumeOf(self.case.protectedEdits).array != 0
        np.testing.assert_array_equal(self.tracker.editMask() != 0, expected)


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


def test_a_merge_keeps_the_edit_and_counts_it_as_the_persons(following):
    following.editor.paint(OUTSIDE)
    newer = np.where(following.prediction() == 2, 1, following.prediction()).astype(np.uint8)
    newer[OUTSIDE] = 1  # the model agrees now: only the protection tells that a person said so first
    following.merge(newer)
    assert following.tracker.editMask()[OUTSIDE].all()
    assert following.tracker.summary().voxels == VOXELS_OUTSIDE
    following.check()


def test_an_edit_outlives_a_second_merge(following):
    following.editor.paint(OUTSIDE)
    first = np.where(following.prediction() == 2, 1, following.prediction()).astype(np.uint8)
    following.merge(first)
    following.editor.erase(INSIDE)
    following.merge(np.zeros_like(first))
    labels = following.labels()
    assert (labels[OUTSIDE] == 1).all()
    assert (labels[INSIDE] == 0).all()
    assert following.tracker.summary().voxels == VOXELS_OUTSIDE + VOXELS_INSIDE


def test_undoing_a_merge_brings_labels_baseline_protection_and_provenance_back(following):
    following.editor.paint(OUTSIDE)
    following.turns.turn()
    before, old = following.labels(), following.prediction()
    edits = following.tracker.editMask()
    provenance = following.case.provenance
    newer = np.where(old == 2, 1, old).astype(np.uint8)
    after, _ = following.merge(newer, provenance={"model_id": "newer"})
    assert following.case.protectedEdits is not None

    following.editor.undo()
    following.turns.turn()
    np.testing.assert_array_equal(following.labels(), before)
    np.testing.assert_array_equal(following.prediction(), old)
    np.testing.assert_array_equal(following.tracker.editMask(), edits)
    assert following.case.protectedEdits is None
    assert following.case.provenance == provenance

    following.editor.redo()
    following.turns.turn()
    np.testing.assert_array_equal(following.labels(), after)
    np.testing.assert_array_equal(following.prediction(), newer)
    np.testing.assert_array_equal(volumeOf(following.case.protectedEdits).array, edits)
    assert following.case.provenance == {"model_id": "newer"}
    following.check()


def test_undoing_taking_the_model_gives_the_protection_of_an_earlier_merge_back(following):
    following.editor.paint(OUTSIDE)
    old = following.prediction()
    following.merge(np.where(old == 2, 1, old).astype(np.uint8))
    protected = following.tracker.editMask()
    following.merge(np.zeros_like(old), MergeChoice.takeModel)
    assert following.tracker.summary().voxels == 0
    assert following.case.protectedEdits is None
    following.editor.undo()
    following.turns.turn()
    np.testing.assert_array_equal(following.tracker.editMask(), protected)
    following.editor.redo()
    following.turns.turn()
    assert following.tracker.summary().voxels == 0


def test_many_steps_at_once_find_the_right_baseline(following):
    old = following.prediction()
    newer = np.where(old == 2, 1, old).astype(np.uint8)
    following.editor.paint(OUTSIDE)
    following.editor.paint(np.s_[0, 0, :5])
    following.merge(newer)
    following.editor.erase(INSIDE)
    following.editor.paint(np.s_[0, 1, :5])
    for _ in range(4):  # past the merge and one stroke before it
        following.editor.undo()
    following.turns.turn()
    np.testing.assert_array_equal(following.prediction(), old)
    assert following.tracker.summary().voxels == VOXELS_OUTSIDE
    for _ in range(3):
        following.editor.redo()
    following.turns.turn()
    np.testing.assert_array_equal(following.prediction(), newer)
    following.check()


def test_a_merge_that_changes_no_label_is_a_step_of_its_own(following):
    """The person has said already what the new predictions say: only the baseline is another."""
    old = following.prediction()
    following.editor.paint(OUTSIDE)
    following.editor.erase(INSIDE)
    first, second = old.copy(), following.labels()
    first[OUTSIDE] = 1
    following.merge(first)
    following.merge(second)
    following.editor.paint(np.s_[0, 0, :])
    for expected in (second, first, old):
        following.editor.undo()
        following.turns.turn()
        np.testing.assert_array_equal(following.prediction(), expected)
        np.testing.assert_array_equal(following.labels(), second)
        assert following.tracker.summary().voxels == VOXELS_OUTSIDE + VOXELS_INSIDE


def test_a_copy_of_a_segment_from_before_a_merge_does_not_bring_its_baseline_back(following):
    old = following.prediction()
    copy = slicer.vtkSegment()
    copy.DeepCopy(following.case.node.GetSegmentation().GetSegment(following.wall))
    newer = np.where(old == 2, 1, old).astype(np.uint8)
    following.merge(newer)
    following.case.node.GetSegmentation().AddSegment(copy, "copy")
    following.turns.turn()
    np.testing.assert_array_equal(following.prediction(), newer)


def test_labels_that_were_there_before_a_merge_do_not_bring_its_baseline_back(following):
    """Clearing everything before and after a merge gives equal labels; only undo leads back to the old baseline."""
    old = following.prediction()
    newer = np.where(old == 2, 1, old).astype(np.uint8)
    following.editor.eraseAll(np.s_[:])
    following.turns.turn()
    following.editor.undo()
    following.merge(newer)
    following.editor.eraseAll(np.s_[:])
    following.turns.turn()
    np.testing.assert_array_equal(following.prediction(), newer)
    following.check()


def test_a_new_segment_after_a_merge_does_not_bring_the_old_baseline_back(following):
    old = following.prediction()
    newer = np.where(old == 2, 1, old).astype(np.uint8)
    following.merge(newer)
    for segmentId in (following.atrium, following.wall):
        following.case.node.GetSegmentation().RemoveSegment(segmentId)
    following.case.node.GetSegmentation().AddEmptySegment("", "left atrium")
    following.turns.turn()
    np.testing.assert_array_equal(following.prediction(), newer)
    assert following.tracker.summary().voxels == np.count_nonzero(newer)


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


def bytesOf(states):
    """Something to compare of a row of states, without those that are like the one before."""
    packed = [tuple(array.tobytes() for array in state) for state in states]
    return [state for number, state in enumerate(packed) if number == 0 or state != packed[number - 1]]


STROKES = ("paint", "erase", "threshold", "eraseAll", "answer", "merge", "mask", "unmask")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_and_undone_the_mask_is_what_it_is_by_definition(application, data):
    """A random session of at most as many steps as the editor can undo: each state comes back exactly, on both ways."""
    application.clearScene()
    following = Following(application.scene)
    mask = None

    def state():
        following.turns.turn()
        following.check()
        return following.labels(), following.prediction(), following.tracker.editMask()

    states = [state()]
    for stroke in data.draw(st.lists(st.sampled_from(STROKES), min_size=1, max_size=8)):
        corner = [data.draw(st.integers(0, n - 6)) for n in (24, 30, 36)]
        box = tuple(slice(c, c + 6) for c in corner)
        following.editor.select(data.draw(st.sampled_from([following.atrium, following.wall])))
        if stroke == "mask":
            mask = mask or RegionMask(following.case, 1, following.editor.node)
            continue
        if stroke == "unmask":
            if mask is not None:
                mask.remove()
            mask = None
            continue
        before = following.labels()
        if stroke == "answer":
            if takeAnswer(following.case, 1, data.draw(st.sampled_from("ab")), following.editor.saveState) == 0:
                continue
        elif stroke == "merge":
            newer = following.prediction()
            newer[box] = data.draw(st.integers(0, 2))
            choice = data.draw(st.sampled_from(list(MergeChoice)))
            edits = following.tracker.editMask() != 0
            following.merge(newer, choice)
            if choice is not MergeChoice.takeModel:
                np.testing.assert_array_equal(following.labels()[edits], before[edits])
                assert following.tracker.editMask()[edits].all()
        else:
            getattr(following.editor, stroke)(box)
        states.append(state())
    # A stroke that changes nothing may or may not be a step of its own.
    back, forward = [state()], []
    while following.editor.canUndo:
        following.editor.undo()
        back.append(state())
    forward.append(back[-1])
    while following.editor.canRedo:
        following.editor.redo()
        forward.append(state())
    assert bytesOf(back) == bytesOf(states[::-1])
    assert bytesOf(forward) == bytesOf(states)
    if mask is not None:
        mask.remove()
    following.tracker.stop()
