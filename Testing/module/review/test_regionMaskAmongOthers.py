"""The mask is in nobody's way: selection, tracking, other editors, surfaces, saved scenes, and what is deleted under it."""

import gc
import weakref

import numpy as np
import pytest
import slicer

from dualssl.geometry import Geometry
from DualSSLSegmentationLib.review.editTracking import EditTracker
from DualSSLSegmentationLib.review.regionMask import RegionMask, removeLeftovers
from DualSSLSegmentationLib.scene.caseNodes import CaseError, removeWithParts
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, showSurface
from DualSSLSegmentationLib.scene.segmentLayers import arrayOf, closedSurface, gridOf, layersOf, onGrid, orientedImage
from DualSSLSegmentationLib.scene.structureSegments import isHelper
from DualSSLSegmentationLib.scene.volumes import geometryOf, volumeOf
from eventTurns import EventTurns
from maskedEditing import ALL, EVERYWHERE, Editing


@pytest.fixture
def editing(scene):
    return Editing(scene)


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
