"""Undo over what the program writes: one step back and forth, between a person's strokes, with all that belongs to it."""

import importlib

import numpy as np
import pytest

from dualssl_web.undo import UNDO_STEPS, display_kept
from DualSSLSegmentationLib.review.adoption import adopt
from DualSSLSegmentationLib.review.protection import MergeChoice
from DualSSLSegmentationLib.review.regionMask import regionVoxels
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, segmentIdOf
from DualSSLSegmentationLib.scene.structureSegments import isHelper
from DualSSLSegmentationLib.scene.volumes import volumeOf

OUTSIDE = np.s_[1:3, 2:5, 2:6]
ELSEWHERE = np.s_[4:6, 2:5, 2:6]


def labels(session):
    return labelMapOf(session.case, session.case.labels, session.case.image).array


def helpers(session):
    segmentation = session.case.node.GetSegmentation()
    return [i for i in segmentation.GetSegmentIDs() if isHelper(segmentation.GetSegment(i))]


def in_conflict(session):
    """To a region where network B says something else."""
    for entry in session.review.entries():
        region = regionVoxels(session.case, entry.region.id)
        if (volumeOf(session.case.networkB).array != volumeOf(session.case.prediction).array)[region].any():
            session.goTo(entry.region.id)
            return region
    raise AssertionError("the sample case has such a region")


def test_an_answer_is_taken_back_and_given_again_in_one_step(a_person):
    session = a_person.segments()
    before = labels(session)
    in_conflict(session)
    assert session.take("b")
    after = labels(session)
    a_person.waits()
    a_person.presses("undo")
    np.testing.assert_array_equal(labels(session), before)
    assert a_person.sees("edit_view")["summary"] == "Nothing has been changed by hand."
    assert session.review.entry(session.current.id).state == "open"
    a_person.presses("redo")
    np.testing.assert_array_equal(labels(session), after)
    assert session.review.entry(session.current.id).answer == "b"


def test_strokes_and_answers_are_taken_back_in_the_order_they_came(a_person):
    session = a_person.segments()
    states = [labels(session)]
    a_person.paints(OUTSIDE)
    states.append(labels(session))
    in_conflict(session)
    session.take("b")
    states.append(labels(session))
    a_person.paints(ELSEWHERE)
    states.append(labels(session))
    for state in reversed(states[:-1]):
        a_person.presses("undo")
        np.testing.assert_array_equal(labels(session), state)
    assert a_person.sees("edit_view")["undo"]["hint"] == "There is nothing to take back"
    for state in states[1:]:
        a_person.presses("redo")
        np.testing.assert_array_equal(labels(session), state)
    assert not a_person.sees("edit_view")["redo"]["enabled"]


def test_a_new_stroke_ends_the_steps_forward(a_person):
    a_person.segments()
    a_person.paints(OUTSIDE)
    a_person.presses("undo")
    a_person.paints(ELSEWHERE)
    assert not a_person.sees("edit_view")["redo"]["enabled"]


def test_edits_are_counted_through_undo(a_person):
    a_person.segments()
    a_person.paints(OUTSIDE)
    assert a_person.sees("edit_view")["summary"] == "24 voxels changed by hand"
    a_person.presses("undo")
    assert a_person.sees("edit_view")["summary"] == "Nothing has been changed by hand."


def test_what_was_hidden_stays_hidden(a_person):
    session = a_person.segments()
    display, wall = session.case.node.GetDisplayNode(), segmentIdOf(session.case.node, 2)
    a_person.paints(OUTSIDE)
    display.SetSegmentVisibility(wall, False)
    display.SetSegmentVisibility3D(segmentIdOf(session.case.node, 1), False)
    a_person.presses("undo")
    assert not display.GetSegmentVisibility(wall)
    assert not display.GetSegmentVisibility3D(segmentIdOf(session.case.node, 1))


def test_a_mask_holds_through_undo_and_redo(a_person):
    session = a_person.segments()
    region = in_conflict(session)
    a_person.paints(OUTSIDE)
    session.editOnlyInside(True)
    everywhere = np.s_[:, :, :]
    a_person.paints(everywhere)
    held = labels(session)
    for step in ("undo", "undo", "redo"):
        a_person.presses(step)
        assert len(helpers(session)) == 1
        assert session.onlyInsideRegion
    before = labels(session)
    a_person.paints(everywhere)
    np.testing.assert_array_equal(labels(session)[~region], before[~region])
    np.testing.assert_array_equal(labels(session), held)


def test_erasing_under_a_mask_leaves_what_is_outside(a_person):
    session = a_person.segments()
    region = in_conflict(session)
    before = labels(session)
    session.editOnlyInside(True)
    a_person.presses("tool-erase")
    a_person.paints(np.s_[:, :, :])
    after = labels(session)
    np.testing.assert_array_equal(after[~region], before[~region])
    assert not (after[region] == 1).any()


def test_without_its_mask_undo_brings_no_helper_back(a_person):
    session = a_person.segments()
    in_conflict(session)
    session.editOnlyInside(True)
    a_person.paints(np.s_[:, :, :])
    a_person.paints(OUTSIDE)
    session.editOnlyInside(False)
    for step in ("undo", "undo", "redo"):
        a_person.presses(step)
        assert helpers(session) == []


def test_a_helper_is_not_offered_for_painting(a_person):
    session = a_person.segments()
    in_conflict(session)
    session.editOnlyInside(True)
    a_person.paints(OUTSIDE)
    listed = a_person.sees("SegmentEditorState__segment_list__SegmentListState__segments")
    assert [segment["name"] for segment in listed] == ["left atrium", "wall"]


def test_a_merge_is_taken_back_with_its_regions_and_baseline(a_person, scene):
    session = a_person.segments()
    a_person.presses("review-next")
    a_person.presses("review-accept")
    a_person.paints(OUTSIDE)
    before, regions, entropy = labels(session), session.case.regionEntries, volumeOf(session.case.entropy).array.copy()
    fresh = importlib.import_module("sampleCases").segmentedCase(scene)
    fresh.setReference("image", session.case.image)
    volumeOf(fresh.prediction).array[10:12, 10:12, 10:12] = 2
    volumeOf(fresh.entropy).array[...] = 0.5
    adopt(session, fresh, MergeChoice.keepMine, a_person.bench.web.save_state_for_undo)
    a_person.bench.workspace.onCase(session)
    a_person.waits()
    assert volumeOf(session.case.entropy).array.max() == 0.5
    assert a_person.sees("review_view")["summary"].startswith("0 of")
    after = labels(session)
    a_person.presses("undo")
    assert a_person.sees("review_view")["summary"].startswith("1 of")
    np.testing.assert_array_equal(labels(session), before)
    assert session.case.regionEntries == regions
    np.testing.assert_array_equal(volumeOf(session.case.entropy).array, entropy)
    assert a_person.sees("edit_view")["summary"] == "24 voxels changed by hand"
    a_person.presses("redo")
    np.testing.assert_array_equal(labels(session), after)
    assert volumeOf(session.case.entropy).array.max() == 0.5


def test_another_case_has_its_own_steps(a_person):
    a_person.segments()
    a_person.paints(OUTSIDE)
    a_person.segments()
    assert not a_person.sees("edit_view")["undo"]["enabled"]


def test_only_so_many_steps_are_kept(a_person):
    a_person.segments()
    for number in range(UNDO_STEPS + 3):
        a_person.paints(np.s_[number : number + 1, 0:2, 0:2])
    taken = 0
    while a_person.sees("edit_view")["undo"]["enabled"]:
        a_person.presses("undo")
        taken += 1
    assert taken == UNDO_STEPS


def test_a_case_that_is_not_edited_keeps_no_state(a_person, scene):
    a_person.segments()
    other = importlib.import_module("sampleCases").segmentedCase(scene)
    a_person.bench.web.save_state_for_undo(other.node)
    assert not a_person.sees("edit_view")["undo"]["enabled"]


def test_a_segmentation_without_display_has_nothing_to_keep(scene):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    with display_kept(node):
        node.GetSegmentation().AddEmptySegment("a", "a")
    assert node.GetSegmentation().GetNumberOfSegments() == 1


@pytest.mark.parametrize("kind", ["Visibility", "Opacity2DFill"])
def test_segments_that_went_and_came_are_shown_as_before(scene, kind):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    segmentation.AddEmptySegment("a", "a")
    getattr(display, f"SetSegment{kind}")("a", 0)
    with display_kept(node):
        segmentation.RemoveAllSegments()
        segmentation.AddEmptySegment("a", "a")
        segmentation.AddEmptySegment("b", "b")
    assert getattr(display, f"GetSegment{kind}")("a") == 0
    assert getattr(display, f"GetSegment{kind}")("b") != 0
