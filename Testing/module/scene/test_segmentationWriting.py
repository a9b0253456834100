"""New voxels into segments that are there: only what is asked for changes, and the editor's undo takes it back."""

import numpy as np
import pytest
import slicer
import vtk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, segmentIdOf, showSurface, writeLabels
from DualSSLSegmentationLib.scene.segmentLayers import arrayOf, gridOf, layersOf, orientedImage
from DualSSLSegmentationLib.scene.volumes import fillImage
from sampleCases import (
    LABELS,
    SHAPE,
    addSegment,
    box,
    obliqueGeometry,
    predictedArrays,
    segmentedCase,
    setVoxels,
    voxelsOf,
)

ON_THE_SCENE = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
Logic = slicer.vtkSlicerSegmentationsModuleLogic


class TestWriting:
    @pytest.fixture
    def write(self, a_segmented_case):
        def writing(array, only=None, undo=None, grid=None):
            volume = Volume(np.asarray(array, np.uint8), grid or obliqueGeometry())
            writeLabels(a_segmented_case.node, volume, LABELS, only, undo)

        return writing

    def test_everywhere(self, write, labels_of):
        new = np.random.default_rng(0).integers(0, 3, SHAPE)
        write(new)
        np.testing.assert_array_equal(labels_of().array, new)

    def test_inside_a_mask_only(self, write, labels_of):
        before, new, only = labels_of().array, np.random.default_rng(0).integers(0, 3, SHAPE), box((3, 4, 5), (15, 20, 30))
        write(new, only)
        np.testing.assert_array_equal(labels_of().array, np.where(only, new, before))

    @ON_THE_SCENE
    @given(seed=st.integers(0, 2**32), cropped=st.booleans(), apart=st.booleans())
    def test_whatever_there_was_before(self, scene, seed, cropped, apart):
        """Structures that overlap, foreign segments in a shared layer, cropped layers: only what is asked for changes."""
        random = np.random.default_rng(seed)
        case = segmentedCase(scene)
        node, image = case.node, case.image
        if apart:
            node.GetSegmentation().SeparateSegmentLabelmap("Segment_2")
            setVoxels(node, "Segment_2", random.random(SHAPE) < 0.2)
        foreignVoxels = random.random(SHAPE) < 0.2
        if not apart:
            foreignVoxels &= labelMapOf(case, LABELS, image).array == 0
        foreign = addSegment(node, mask=foreignVoxels, name="foreign")
        if not apart:
            node.GetSegmentation().CollapseBinaryLabelmaps(False)
            assert len(layersOf(node)) == 1
        if cropped:
            for layer in layersOf(node):
                grid = gridOf(layer.image)
                shape = tuple(n - 4 for n in grid.shape)
                layer.image.ShallowCopy(orientedImage(arrayOf(layer.image)[2:-2, 2:-2, 2:-2], grid.cropped((2, 2, 2), shape)))
        ids = ("Segment_1", "Segment_2", foreign)
        before = {i: voxelsOf(node, i, image) for i in ids}
        new, only = random.integers(0, 3, SHAPE).astype(np.uint8), random.random(SHAPE) < random.random()
        writeLabels(node, Volume(new, obliqueGeometry()), LABELS, only, None)
        for number, segmentId in enumerate(ids[:2], start=1):
            np.testing.assert_array_equal(voxelsOf(node, segmentId, image), np.where(only, new == number, before[segmentId]))
        np.testing.assert_array_equal(voxelsOf(node, foreign, image), before[foreign])
        np.testing.assert_array_equal(labelMapOf(case, LABELS, image).array[only], new[only])
        for layer in layersOf(node):  # nothing is left that nobody owns and the next segment would inherit
            owned = {node.GetSegmentation().GetSegment(i).GetLabelValue() for i in layer.segmentIds}
            assert set(np.unique(arrayOf(layer.image)).tolist()) <= {0, *owned}
        scene.Clear(0)

    def test_a_foreign_segment_in_the_same_layer_keeps_its_voxels(self, a_segmented_case, write, labels_of):
        node = a_segmented_case.node
        scribble = addSegment(node, mask=box((0, 0, 0), (5, 5, 5)))
        node.GetSegmentation().CollapseBinaryLabelmaps(False)
        assert len(layersOf(node)) == 1
        write(np.ones(SHAPE))
        assert (labels_of().array == 1).all()
        np.testing.assert_array_equal(voxelsOf(node, scribble, a_segmented_case.image), box((0, 0, 0), (5, 5, 5)))

    def test_erasing_structures_erases_nobody_else(self, a_segmented_case, write, labels_of):
        node = a_segmented_case.node
        scribble = addSegment(node, mask=box((0, 0, 0), (5, 5, 5)))
        node.GetSegmentation().CollapseBinaryLabelmaps(False)
        write(np.zeros(SHAPE))
        assert not labels_of().array.any()
        assert len(layersOf(node)) == 1
        np.testing.assert_array_equal(voxelsOf(node, scribble, a_segmented_case.image), box((0, 0, 0), (5, 5, 5)))

    def test_a_layer_whose_extent_begins_elsewhere(self, a_segmented_case, write, labels_of):
        """As the editor leaves a layer behind that it cropped to what is painted."""
        (layer,) = layersOf(a_segmented_case.node)
        fillImage(layer.image, labels_of().array[4:-3, 5:-1, 6:-2], first=(4, 5, 6))
        before, new, only = labels_of().array, np.random.default_rng(0).integers(0, 3, SHAPE), box((0, 0, 0), (9, 9, 9))
        write(new, only)
        np.testing.assert_array_equal(labels_of().array, np.where(only, new, before))

    def test_the_layers_do_not_multiply(self, a_segmented_case, write):
        for number in range(5):
            write(np.random.default_rng(number).integers(0, 3, SHAPE), box((2, 2, 2), (20, 20, 20)))
        assert len(layersOf(a_segmented_case.node)) == 1

    def test_what_was_painted_finer_than_the_image_stays_so_outside_the_mask(self, a_segmented_case, write, labels_of):
        node, base = a_segmented_case.node, obliqueGeometry()
        matrix = base.ijk_to_ras.copy()
        matrix[:3, :3] /= 2
        matrix[:3, 3] = base.kji_to_ras([-0.25, -0.25, -0.25])
        fine = Geometry.from_ijk_to_ras(matrix, tuple(2 * n for n in SHAPE))
        painted = np.random.default_rng(0).integers(0, 3, fine.shape).astype(np.uint8)
        (layer,) = layersOf(node)
        layer.image.ShallowCopy(orientedImage(painted, fine))
        only = box((3, 4, 5), (15, 20, 30))
        write(np.full(SHAPE, 2), only)
        (layer,) = layersOf(node)
        assert gridOf(layer.image).matches(fine, 1e-6)
        inside = only.repeat(2, 0).repeat(2, 1).repeat(2, 2)
        np.testing.assert_array_equal(arrayOf(layer.image), np.where(inside, 2, painted))
        assert (labels_of().array[only] == 2).all()

    def test_a_structure_whose_segment_was_removed_gets_a_new_one(self, a_segmented_case, write, labels_of):
        segmentation = a_segmented_case.node.GetSegmentation()
        segmentation.RemoveSegment("Segment_1")
        new = predictedArrays().label_b
        write(new)
        np.testing.assert_array_equal(labels_of().array, new)
        segment = segmentation.GetSegment(segmentIdOf(a_segmented_case.node, 1))
        assert segment.GetName() == "left atrium"
        np.testing.assert_allclose(segment.GetColor(), np.array(LABELS.labels[0].color) / 255)

    def test_with_no_more_voxels_than_asked_for(self, a_segmented_case, write, labels_of):
        before = labels_of().array
        a_segmented_case.node.GetSegmentation().RemoveSegment("Segment_1")
        only = box((0, 0, 0), (12, 30, 36))
        write(before, only)
        np.testing.assert_array_equal(labels_of().array, np.where(only | (before == 2), before, 0))

    def test_but_not_for_voxels_that_are_not_asked_for(self, a_segmented_case, write):
        a_segmented_case.node.GetSegmentation().RemoveSegment("Segment_1")
        write(predictedArrays().label, box((0, 0, 0), (2, 2, 2)))
        assert segmentIdOf(a_segmented_case.node, 1) is None

    def test_a_new_segment_gets_its_structure_s_voxels_by_name(self, a_segmented_case, write, labels_of):
        a_segmented_case.node.GetSegmentation().RemoveSegment("Segment_1")
        again = addSegment(a_segmented_case.node, "left atrium")
        new = predictedArrays().label
        write(new)
        np.testing.assert_array_equal(labels_of().array, new)
        np.testing.assert_array_equal(voxelsOf(a_segmented_case.node, again, a_segmented_case.image), new == 1)

    def test_a_segment_without_any_representation_gets_voxels(self, a_segmented_case, write, labels_of):
        segmentation = a_segmented_case.node.GetSegmentation()
        segmentation.GetSegment("Segment_2").RemoveAllRepresentations()
        segmentation.GetSegment("Segment_2").SetLabelValue(7)
        new = predictedArrays().label
        write(new)
        np.testing.assert_array_equal(labels_of().array, new)
        assert segmentation.GetNumberOfSegments() == 2

    def test_the_undo_state_is_saved_once_before_the_first_change(self, a_segmented_case, write, labels_of):
        before = labels_of().array
        seen = []
        write(np.random.default_rng(0).integers(0, 3, SHAPE), undo=lambda: seen.append(labels_of().array))
        (state,) = seen
        np.testing.assert_array_equal(state, before)

    def test_nothing_to_change_is_no_change(self, a_segmented_case, write, labels_of):
        called, times = [], a_segmented_case.node.GetSegmentation().GetMTime()
        write(labels_of().array, undo=lambda: called.append(1))
        assert called == []
        assert a_segmented_case.node.GetSegmentation().GetMTime() == times

    def test_the_editor_s_undo_and_redo_take_it_in_one_step(self, a_segmented_case, write, labels_of):
        history = slicer.vtkSegmentationHistory()
        history.SetSegmentation(a_segmented_case.node.GetSegmentation())
        before, new = labels_of().array, np.random.default_rng(0).integers(0, 3, SHAPE)
        write(new, undo=history.SaveState)
        assert history.RestorePreviousState()
        np.testing.assert_array_equal(labels_of().array, before)
        assert not history.IsRestorePreviousStateAvailable()
        assert history.RestoreNextState()
        np.testing.assert_array_equal(labels_of().array, new)

    def test_observers_hear_of_one_change_of_voxels(self, a_segmented_case, write):
        segmentation, heard = a_segmented_case.node.GetSegmentation(), []
        segmentation.AddObserver(segmentation.SourceRepresentationModified, lambda *_: heard.append(1))
        write(np.random.default_rng(0).integers(0, 3, SHAPE), box((0, 0, 0), (9, 9, 9)))
        assert heard == [1]

    def test_a_surface_follows(self, a_segmented_case, write):
        showSurface(a_segmented_case.node, True)
        write(box((4, 4, 4), (20, 8, 8)) * 2)
        surface = vtk.vtkPolyData()
        assert a_segmented_case.node.GetClosedSurfaceRepresentation("Segment_2", surface)
        assert surface.GetNumberOfPoints() > 0
        inside = obliqueGeometry().ras_to_kji(np.array([surface.GetPoint(n) for n in range(surface.GetNumberOfPoints())]))
        assert inside.min() > 3
        assert (inside.max(axis=0) < (20.6, 8.6, 8.6)).all()

    def test_under_different_parents_it_lands_where_a_person_sees_it(self, scene, a_segmented_case, write, labels_of):
        parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
        transform = vtk.vtkTransform()
        transform.Translate(obliqueGeometry().kji_to_ras([0, 3, 0]) - obliqueGeometry().kji_to_ras([0, 0, 0]))
        parent.SetMatrixTransformToParent(transform.GetMatrix())
        a_segmented_case.image.SetAndObserveTransformNodeID(parent.GetID())
        new = np.random.default_rng(0).integers(0, 3, SHAPE)
        write(new)
        np.testing.assert_array_equal(labels_of().array, new)

    def test_another_grid_other_values_or_a_wrong_mask_change_nothing(self, a_segmented_case, write, labels_of):
        before = labels_of().array
        with pytest.raises(VolumeError, match="The new label map of 'Case' differs from the image 'MR' in size"):
            write(np.zeros((3, 4, 5)), grid=obliqueGeometry((3, 4, 5)))
        with pytest.raises(VolumeError, match="has values from 3 to 3"):
            write(np.full(SHAPE, 3))
        with pytest.raises(ValueError, match="a mask of shape"):
            write(np.zeros(SHAPE), np.ones((2, 2, 2), bool))
        np.testing.assert_array_equal(labels_of().array, before)

    def test_segments_of_surfaces_become_segments_of_voxels(self, a_segmented_case, write, labels_of):
        node = a_segmented_case.node
        node.CreateClosedSurfaceRepresentation()
        assert node.SetSourceRepresentationToClosedSurface()
        new = np.random.default_rng(0).integers(0, 3, SHAPE)
        write(new)
        np.testing.assert_array_equal(labels_of().array, new)
        assert node.GetSegmentation().GetSourceRepresentationName() == "Binary labelmap"
