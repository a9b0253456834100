"""The segment editor is held inside one region, whatever it does to the segment that holds it, and undo goes on as before."""

import gc
import weakref

import numpy as np
import pytest
import slicer

from dualssl.geometry import Geometry
from DualSSLSegmentationLib.caseNodes import ROLE_TAG, CaseError, removeWithParts
from DualSSLSegmentationLib.editTracking import EditTracker
from DualSSLSegmentationLib.regionMask import RegionMask, regionVoxels, removeLeftovers
from DualSSLSegmentationLib.segmentation import labelMapOf, segmentIdOf, showSurface
from DualSSLSegmentationLib.segmentLayers import arrayOf, closedSurface, gridOf, layersOf, onGrid, orientedImage
from DualSSLSegmentationLib.structureSegments import isHelper
from DualSSLSegmentationLib.volumes import geometryOf, volumeOf
from eventTurns import EventTurns
from sampleCases import segmentedCase
from segmentEditor import SegmentEditor

EVERYWHERE = slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere
INSIDE_ONE = slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment
ALL = np.s_[:]


class Editing:
    """A case, a person at the editor with the first structure selected, and region 1."""

    def __init__(self, scene):
        self.case = segmentedCase(scene)
        self.node = self.case.node
        self.editor = SegmentEditor(self.node, self.case.image)
        self.atrium, self.wall = (segmentIdOf(self.node, value) for value in (1, 2))
        self.editor.select(self.atrium)
        self.region = regionVoxels(self.case, 1)
        self.prediction = self.labels()

    def labels(self):
        return labelMapOf(self.case, self.case.labels, self.case.image).array

    def changed(self):
        return self.labels() != self.prediction

    def mask(self, region=1):
        return RegionMask(self.case, region, self.editor.node)

    def helpers(self):
        segmentation = self.node.GetSegmentation()
        return [i for i in segmentation.GetSegmentIDs() if isHelper(segmentation.GetSegment(i))]

    def visibleHelpers(self):
        return [i for i in self.helpers() if self.node.GetDisplayNode().GetSegmentVisibility(i)]

    def structureLayers(self):
        return [layer for layer in layersOf(self.node) if not set(layer.segmentIds) <= set(self.helpers())]

    def held(self):
        """Voxels that the editor may change."""
        [helper] = self.helpers()
        return slicer.util.arrayFromSegmentBinaryLabelmap(self.node, helper, self.case.image) != 0


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


def test_the_helper_cannot_be_selected(editing):
    mask = editing.mask()
    editing.editor.select(editing.wall)
    editing.editor.select(mask.segmentId)
    assert editing.editor.node.GetSelectedSegmentID() == editing.wall


def test_the_helper_is_hidden_and_is_nobodys_structure(editing):
    editing.mask()
    assert len(editing.helpers()) == 1
    assert editing.visibleHelpers() == []
    found = labelMapOf(editing.case, editing.case.labels, editing.case.image)
    assert found.unknown == ()
    np.testing.assert_array_equal(found.array, editing.prediction)


def test_a_mask_is_no_edit(editing):
    told, turns = [], EventTurns()
    tracker = EditTracker(editing.case, turns, told.append)
    mask = editing.mask()
    turns.turn()
    mask.remove()
    turns.turn()
    assert told == []
    assert tracker.summary().voxels == 0
    tracker.stop()


def test_strokes_under_a_mask_are_tracked_once(editing):
    told, turns = [], EventTurns()
    tracker = EditTracker(editing.case, turns, told.append)
    editing.mask()
    turns.turn()
    editing.editor.erase(ALL)
    turns.turn()
    [summary] = told
    assert summary.voxels == np.count_nonzero(editing.prediction[editing.region] == 1)
    assert summary.regions == {1}
    tracker.stop()


def test_a_person_who_chooses_another_editable_area_has_it(editing):
    ended = []
    mask = RegionMask(editing.case, 1, editing.editor.node, lambda: ended.append(True))
    editing.editor.node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments)
    assert not mask.active
    assert ended == [True]
    assert editing.helpers() == []
    assert editing.editor.node.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments
    mask.remove()
    assert editing.editor.node.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments


def test_another_segmentation_in_the_editor_is_not_held(editing, scene):
    mask = editing.mask()
    other = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    editing.editor.logic.SetSegmentationNode(other)
    assert not mask.active
    assert editing.editor.node.GetMaskMode() == EVERYWHERE
    assert editing.helpers() == []


def test_surfaces_stay_and_show_what_was_painted(editing):
    showSurface(editing.node, True)
    segment = editing.node.GetSegmentation().GetSegment(editing.atrium)
    before = segment.GetRepresentation(closedSurface()).GetNumberOfPoints()
    editing.mask()
    editing.editor.erase(ALL)
    surface = editing.node.GetSegmentation().GetSegment(editing.atrium).GetRepresentation(closedSurface())
    assert surface is not None
    assert 0 < surface.GetNumberOfPoints() != before


def test_a_scene_is_saved_without_the_helper(editing, application, tmp_path):
    mask = editing.mask()
    editing.editor.erase(ALL)
    mask.suspend()
    assert slicer.util.saveScene(str(tmp_path / "case.mrb"))
    mask.resume()
    assert mask.active
    np.testing.assert_array_equal(editing.held(), editing.region)
    mask.remove()
    application.clearScene()
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    segmentation = slicer.util.getNode("Case").GetSegmentation()
    assert [isHelper(segmentation.GetSegment(i)) for i in segmentation.GetSegmentIDs()] == [False, False]


def test_resuming_begins_nothing_that_a_person_ended(editing):
    mask = editing.mask()
    editing.editor.node.SetMaskMode(EVERYWHERE)
    mask.suspend()
    mask.resume()
    assert not mask.active
    mask = editing.mask()
    mask.suspend()
    mask.remove()
    mask.resume()
    assert not mask.active


def test_a_helper_in_a_saved_scene_is_swept_away_and_the_editor_let_go(editing, application, tmp_path):
    mask = editing.mask()
    assert slicer.util.saveScene(str(tmp_path / "case.mrb"))  # which makes layers shared, too
    editing.editor.erase(ALL)
    assert not editing.changed()[~editing.region].any()
    np.testing.assert_array_equal(editing.held(), editing.region)
    mask.remove()
    application.clearScene()
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    node = slicer.util.getNode("Case")
    editor = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentEditorNode")
    assert editor.GetMaskSegmentID() == mask.segmentId
    removeLeftovers(node, [editor])
    segmentation = node.GetSegmentation()
    assert [isHelper(segmentation.GetSegment(i)) for i in segmentation.GetSegmentIDs()] == [False, False]
    assert editor.GetMaskMode() == EVERYWHERE


def test_forty_segments_of_other_kinds_stay_as_they_are(editing):
    segmentation = editing.node.GetSegmentation()
    shape = editing.prediction.shape
    for number in range(40):
        own = segmentation.AddEmptySegment(f"own{number}", f"own {number}")
        voxels = np.zeros(shape, np.uint8)
        voxels[0, number % shape[1], :] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, editing.node, own, editing.case.image)
    mask = editing.mask()
    editing.editor.erase(ALL)
    mask.remove()
    for number in range(40):
        voxels = slicer.util.arrayFromSegmentBinaryLabelmap(editing.node, f"own{number}", editing.case.image)
        assert voxels[0, number % shape[1]].all()
        assert voxels.sum() == shape[2]


def test_a_finer_geometry_of_the_editor_is_held_inside_as_well(editing):
    """Voxels half as large along i, as a person may choose in the editor: not one outside the region changes."""
    grid = geometryOf(editing.case.image)
    k, j, i = grid.shape
    matrix = grid.ijk_to_ras @ np.diag([0.5, 1, 1, 1])
    matrix[:3, 3] -= 0.25 * grid.ijk_to_ras[:3, 0]
    fine = Geometry.from_ijk_to_ras(matrix, (k, j, 2 * i))
    segmentation = editing.node.GetSegmentation()
    for layer in layersOf(editing.node):
        layer.image.DeepCopy(orientedImage(onGrid(arrayOf(layer.image), gridOf(layer.image), fine), fine))
    serialized = slicer.vtkSegmentationConverter.SerializeImageGeometry(orientedImage(np.zeros(fine.shape, np.uint8), fine))
    segmentation.SetConversionParameter(slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName(), serialized)

    def voxels():
        return np.maximum.reduce([onGrid(arrayOf(la.image), gridOf(la.image), fine) for la in editing.structureLayers()])

    before = voxels()
    region = np.repeat(editing.region, 2, axis=2)
    mask = editing.mask()
    for stroke in (editing.editor.erase, editing.editor.paint, editing.editor.erase):
        stroke(ALL)
        assert not (voxels() != before)[~region].any()
        np.testing.assert_array_equal(editing.held(), editing.region)
    assert not (voxels()[region] == 1).any()
    editing.editor.paint(np.s_[:, :, 1::2])  # half of each of the image's voxels
    editing.editor.select(editing.wall)
    editing.editor.paint(ALL)
    assert (voxels()[region] == 2).all()
    editing.editor.erase(np.s_[:, :, 1::2])
    assert not (voxels() != before)[~region].any()
    mask.remove()


def test_segments_made_of_surfaces_are_refused(editing):
    editing.node.CreateClosedSurfaceRepresentation()
    editing.node.GetSegmentation().SetSourceRepresentationName(closedSurface())
    with pytest.raises(CaseError, match="not made of voxels"):
        editing.mask()
    assert editing.helpers() == []


def test_a_region_without_voxels_is_refused(editing):
    with pytest.raises(CaseError, match="Region 99 of 'Case' has no voxels"):
        editing.mask(99)
    assert editing.editor.node.GetMaskMode() == EVERYWHERE


def test_a_deleted_map_of_regions_is_told(editing):
    removeWithParts(editing.case.regionMap)
    with pytest.raises(CaseError, match="map of uncertain regions of 'Case' was deleted"):
        editing.mask()


def test_removing_a_mask_after_the_scene_was_closed_is_harmless(editing, application):
    mask = editing.mask()
    application.clearScene()
    mask.suspend()
    mask.resume()
    mask.remove()


def test_clearing_the_segmentation_does_not_break_the_editor(editing):
    mask = editing.mask()
    editing.node.GetSegmentation().RemoveAllSegments()
    mask.remove()
    assert editing.node.GetSegmentation().GetNumberOfSegments() == 0
    assert editing.editor.node.GetMaskMode() == EVERYWHERE


def test_a_removed_mask_is_forgotten(editing):
    mask = editing.mask()
    editing.editor.erase(ALL)
    mask.remove()
    reference = weakref.ref(mask)
    del mask
    gc.collect()
    assert reference() is None


def test_the_regions_voxels_are_those_of_the_map(editing):
    np.testing.assert_array_equal(editing.region, volumeOf(editing.case.regionMap).array == 1)
