"""Edits outlive new predictions, and undo brings back the baseline that each edit is told apart from."""

import numpy as np
import pytest
import slicer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from DualSSLSegmentationLib.review.answers import takeAnswer
from DualSSLSegmentationLib.review.protection import MergeChoice
from DualSSLSegmentationLib.review.regionMask import RegionMask
from DualSSLSegmentationLib.scene.volumes import volumeOf
from followedCase import INSIDE, OUTSIDE, VOXELS_INSIDE, VOXELS_OUTSIDE, Following


@pytest.fixture
def following(scene):
    return Following(scene)


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
