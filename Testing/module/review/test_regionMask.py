"""The segment editor is held inside one region, whatever it does to the segment that holds it, and undo goes on as before."""

import numpy as np
import pytest
import slicer

from DualSSLSegmentationLib.review.regionMask import regionVoxels, removeLeftovers
from DualSSLSegmentationLib.scene.caseNodes import ROLE_TAG
from DualSSLSegmentationLib.scene.segmentLayers import layersOf
from maskedEditing import ALL, EVERYWHERE, INSIDE_ONE, Editing


@pytest.fixture
def editing(scene):
    return Editing(scene)


def test_the_region_is_some_but_not_all_of_the_structures(editing):
    """What the other tests lean on: they would pass with an empty region or one that is everything."""
    assert 0 < editing.region.sum() < (editing.prediction == 1).sum()
    assert (editing.prediction[editing.region] == 1).any()
    assert (editing.prediction[editing.region] != 1).any() or (editing.prediction[~editing.region] == 1).any()


@pytest.mark.parametrize("stroke", ["paint", "erase", "threshold", "eraseAll"])
@pytest.mark.parametrize("segment", ["atrium", "wall"])
def test_no_stroke_changes_a_voxel_outside_the_region(editing, stroke, segment):
    editing.editor.select(getattr(editing, segment))
    editing.mask()
    getattr(editing.editor, stroke)(ALL)
    assert not editing.changed()[~editing.region].any()


def test_painting_everywhere_fills_the_region(editing):
    editing.editor.select(editing.wall)
    editing.mask()
    editing.editor.paint(ALL)
    assert (editing.labels()[editing.region] == 2).all()


def test_erasing_everywhere_empties_the_region_of_that_structure_only(editing):
    editing.mask()
    editing.editor.erase(ALL)
    labels = editing.labels()
    assert not (labels[editing.region] == 1).any()
    np.testing.assert_array_equal(labels[~editing.region], editing.prediction[~editing.region])


def test_what_was_painted_in_the_region_can_be_erased_again(editing):
    """Painting takes voxels from the segment that holds the editor: without repair they could not be touched any more."""
    editing.editor.select(editing.wall)
    editing.mask()
    editing.editor.paint(ALL)
    np.testing.assert_array_equal(editing.held(), editing.region)
    editing.editor.erase(ALL)
    assert not (editing.labels()[editing.region] == 2).any()


@pytest.mark.parametrize("stroke", ["paint", "erase", "threshold", "eraseAll"])
def test_the_editable_area_is_the_region_after_every_stroke(editing, stroke):
    editing.mask()
    for _ in range(2):
        getattr(editing.editor, stroke)(ALL)
        np.testing.assert_array_equal(editing.held(), editing.region)


def test_strokes_under_the_mask_are_undone_and_redone_one_by_one(editing):
    editing.mask()
    states = [editing.labels()]
    half = np.s_[:, :, : int(np.median(np.argwhere(editing.region)[:, 2]))]
    for stroke, segment, where in (
        ("erase", editing.atrium, ALL),
        ("paint", editing.wall, ALL),
        ("paint", editing.atrium, half),
    ):
        editing.editor.select(segment)
        getattr(editing.editor, stroke)(where)
        states.append(editing.labels())
    assert len({state.tobytes() for state in states}) == 4
    for state in states[-2::-1]:
        editing.editor.undo()
        np.testing.assert_array_equal(editing.labels(), state)
        np.testing.assert_array_equal(editing.held(), editing.region)
    for state in states[1:]:
        editing.editor.redo()
        np.testing.assert_array_equal(editing.labels(), state)
        np.testing.assert_array_equal(editing.held(), editing.region)


def test_an_undo_to_before_the_mask_keeps_the_mask_and_the_steps_forward(editing):
    editing.editor.paint(np.s_[0, 0, :])
    before = editing.labels()
    mask = editing.mask()
    editing.editor.erase(ALL)
    after = editing.labels()
    editing.editor.undo()
    editing.editor.undo()
    np.testing.assert_array_equal(editing.labels(), editing.prediction)
    np.testing.assert_array_equal(editing.held(), editing.region)
    assert editing.editor.canRedo
    assert mask.active
    assert editing.visibleHelpers() == []
    assert editing.node.GetSegmentation().GetSegment(editing.helpers()[0]).HasTag(ROLE_TAG)
    editing.editor.redo()
    np.testing.assert_array_equal(editing.labels(), before)
    editing.editor.redo()
    np.testing.assert_array_equal(editing.labels(), after)
    assert len(editing.helpers()) == 1
    np.testing.assert_array_equal(editing.held(), editing.region)


def test_after_such_an_undo_the_editor_is_still_held(editing):
    editing.editor.paint(np.s_[0, 0, :])
    editing.mask()
    editing.editor.undo()
    editing.editor.paint(ALL)
    assert not editing.changed()[~editing.region].any()


def test_a_removed_mask_leaves_the_editor_as_it_was(editing):
    node = editing.editor.node
    node.SetMaskMode(INSIDE_ONE)
    node.SetMaskSegmentID(editing.wall)
    mask = editing.mask()
    assert node.GetMaskSegmentID() == mask.segmentId
    assert node.GetMaskMode() == INSIDE_ONE
    mask.remove()
    mask.remove()
    assert node.GetMaskMode() == INSIDE_ONE
    assert node.GetMaskSegmentID() == editing.wall
    assert editing.helpers() == []


def test_after_removal_everything_can_be_edited_again(editing):
    editing.mask().remove()
    assert editing.editor.node.GetMaskMode() == EVERYWHERE
    editing.editor.paint(ALL)
    assert (editing.labels() == 1).all()


def test_a_segment_that_held_the_editor_before_and_is_gone_holds_it_no_more(editing):
    node = editing.editor.node
    node.SetMaskMode(INSIDE_ONE)
    node.SetMaskSegmentID(editing.wall)
    mask = editing.mask()
    editing.node.GetSegmentation().RemoveSegment(editing.wall)
    mask.remove()
    assert node.GetMaskMode() == EVERYWHERE


def test_removal_leaves_segmentation_and_history_usable(editing):
    editing.editor.paint(np.s_[0, 0, :])
    mask = editing.mask()
    editing.editor.erase(ALL)
    masked = editing.labels()
    mask.remove()
    np.testing.assert_array_equal(editing.labels(), masked)
    editing.editor.erase(np.s_[0, 0, :])
    final = editing.labels()
    for _ in range(3):
        assert editing.editor.canUndo
        editing.editor.undo()
    np.testing.assert_array_equal(editing.labels(), editing.prediction)
    for _ in range(3):
        editing.editor.redo()
    np.testing.assert_array_equal(editing.labels(), final)


def test_a_helper_that_undo_brings_back_after_removal_is_hidden_and_swept_away(editing):
    mask = editing.mask()
    editing.editor.erase(ALL)
    mask.remove()
    editing.editor.paint(np.s_[0, 0, :])
    editing.editor.undo()
    editing.editor.undo()
    assert len(editing.helpers()) == 1
    assert editing.visibleHelpers() == []
    assert editing.editor.canRedo
    removeLeftovers(editing.node)
    assert editing.helpers() == []
    np.testing.assert_array_equal(editing.labels(), editing.prediction)


def test_others_hear_of_the_removal_before_they_hear_that_it_is_back(editing):
    editing.editor.paint(np.s_[0, 0, :])
    editing.mask()
    heard = []
    segmentation = editing.node.GetSegmentation()
    segmentation.AddObserver(slicer.vtkSegmentation.SegmentRemoved, lambda *_: heard.append("removed"))
    segmentation.AddObserver(slicer.vtkSegmentation.SegmentAdded, lambda *_: heard.append("added"))
    editing.editor.undo()
    assert heard == ["removed", "added"]


@pytest.mark.parametrize("stroke", ["paint", "erase", "threshold", "eraseAll"])
def test_a_helper_that_came_to_share_a_layer_holds_as_before(editing, stroke):
    """Saving a scene puts segments that do not overlap into one layer."""
    editing.editor.eraseAll(editing.region)
    before = editing.labels()
    editing.mask()
    editing.node.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert any(len(layer.segmentIds) > 1 and set(editing.helpers()) < set(layer.segmentIds) for layer in layersOf(editing.node))
    for segment in (editing.wall, editing.atrium):
        editing.editor.select(segment)
        getattr(editing.editor, stroke)(ALL)
        np.testing.assert_array_equal(editing.labels()[~editing.region], before[~editing.region])
        np.testing.assert_array_equal(editing.held(), editing.region)


def test_going_on_to_another_region_holds_the_editor_there(editing):
    first = editing.mask(1)
    editing.editor.erase(ALL)
    first.remove()
    editing.mask(2)
    second = regionVoxels(editing.case, 2)
    before = editing.labels()
    editing.editor.select(editing.wall)
    editing.editor.paint(ALL)
    assert not (editing.labels() != before)[~second].any()
    assert (editing.labels()[second] == 2).all()
    # Back over the change of regions: the first mask's helper comes back, hidden, and the second still holds.
    for _ in range(2):
        editing.editor.undo()
    np.testing.assert_array_equal(editing.labels(), editing.prediction)
    assert editing.visibleHelpers() == []
    editing.editor.paint(ALL)
    assert not editing.changed()[~second].any()
