"""The surface of a structure coloured by uncertainty: its values, its colours on the screen, and what it leaves alone."""

import numpy as np
import pytest
import slicer
import vtk
from scipy import ndimage
from vtk.util.numpy_support import vtk_to_numpy

import slicerCore
from dualssl.errors import VolumeError
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.display.colorTables import SCALES, colorsOf, colorTable
from DualSSLSegmentationLib.display.surface import REACH_MM, UncertaintySurface
from DualSSLSegmentationLib.scene.caseNodes import CaseError
from DualSSLSegmentationLib.scene.segmentation import segmentIdOf, showSurface, writeLabels
from DualSSLSegmentationLib.scene.segmentLayers import closedSurface
from DualSSLSegmentationLib.scene.volumes import geometryOf
from sampleCases import LABELS, SHAPE, segmentedCase
from sliceView import SliceView, ThreeDView
from uncertaintyViews import legendsIn

ATRIUM, WALL = 1, 2


@pytest.fixture
def case(scene):
    return segmentedCase(scene)


@pytest.fixture
def surface():
    shown = UncertaintySurface()
    yield shown
    shown.remove()


@pytest.fixture
def view_in_3d(scene):
    shown = ThreeDView()
    shown.viewNode.SetBoxVisible(False)
    shown.viewNode.SetAxisLabelsVisible(False)
    yield shown
    shown.close()


def pointsOf(model):
    return vtk_to_numpy(model.GetPolyData().GetPoints().GetData()).astype(float)


def valuesOf(model):
    return vtk_to_numpy(model.GetPolyData().GetPointData().GetScalars()).astype(float)


def setMap(volume, values):
    slicer.util.updateVolumeFromArray(volume, values.astype(np.float32))


def rampAlong(volume, direction=(0.01, -0.004, 0.006), start=0.4):
    """Values that change evenly through space, and what they are at points (n, 3) in the volume's own RAS."""
    geometry = geometryOf(volume)
    middle = geometry.kji_to_ras([(n - 1) / 2 for n in SHAPE])

    def at(ras):
        return start + (np.asarray(ras) - middle) @ np.array(direction)

    indices = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    return at(geometry.kji_to_ras(indices)), at


class TestValues:
    @pytest.mark.parametrize("kind", ["entropy", "kl"])
    def test_each_point_has_the_value_around_it(self, case, surface, kind):
        volume = {"entropy": case.entropy, "kl": case.kl}[kind]
        ramp, at = rampAlong(volume)
        setMap(volume, ramp)
        model = surface.show(case, ATRIUM, kind)
        # The mean to both sides of a point is its own value where values change evenly.
        np.testing.assert_allclose(valuesOf(model), at(pointsOf(model)), atol=2e-3)

    def test_segmentation_and_map_may_be_under_transforms_of_their_own(self, case, surface):
        ramp, at = rampAlong(case.entropy)
        setMap(case.entropy, ramp)
        turn, shift = vtk.vtkTransform(), vtk.vtkTransform()
        turn.RotateWXYZ(7.0, 1.0, 2.0, 0.5)
        turn.Translate(3.0, -7.0, 2.0)
        turn.RotateWXYZ(-7.0, 1.0, 2.0, 0.5)
        shift.Translate(1.0, -5.0, 2.0)
        for node, transform in ((case.node, turn), (case.entropy, shift)):
            parent = case.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
            parent.SetMatrixTransformToParent(transform.GetMatrix())
            node.SetAndObserveTransformNodeID(parent.GetID())
        model = surface.show(case, ATRIUM, "entropy")
        assert model.GetTransformNodeID() == case.node.GetTransformNodeID()
        points = [shift.GetInverse().TransformPoint(turn.TransformPoint(p)) for p in pointsOf(model)]
        np.testing.assert_allclose(valuesOf(model), at(points), atol=2e-3)

    def test_doubt_that_reaches_far_to_both_sides_counts_more_than_a_thin_border(self, case, surface):
        geometry = geometryOf(case.image)
        inside = slicer.util.arrayFromVolume(case.prediction) == ATRIUM
        depth, height = (ndimage.distance_transform_edt(mask, sampling=geometry.spacing) for mask in (inside, ~inside))
        fromBorder = np.maximum(depth, height) - 0.5  # mm, about
        left = np.arange(SHAPE[2]) < SHAPE[2] // 2
        setMap(case.entropy, np.where(fromBorder < np.where(left, 6.0, 1.0), 0.9, 0.0))
        model = surface.show(case, ATRIUM, "entropy")
        i = geometry.ras_to_kji(pointsOf(model))[:, 2]
        wide, narrow = valuesOf(model)[i < SHAPE[2] / 2 - 3], valuesOf(model)[i > SHAPE[2] / 2 + 3]
        assert np.median(wide) == pytest.approx(0.9, abs=0.01)
        assert np.median(narrow) < 0.6

    def test_outside_the_map_there_is_no_doubt(self, case, surface):
        setMap(case.entropy, np.full(SHAPE, 0.8))
        labels = np.zeros(SHAPE, np.uint8)
        labels[:, :4, :] = ATRIUM  # up to the image's edge
        writeLabels(case.node, Volume(labels, geometryOf(case.image)), LABELS)
        values = valuesOf(surface.show(case, ATRIUM, "entropy"))
        assert values.max() == pytest.approx(0.8, abs=1e-3)
        assert values.min() < 0.6

    def test_it_is_the_segments_surface(self, case, surface):
        model = surface.show(case, ATRIUM, "entropy")
        radii = np.linalg.norm(
            (geometryOf(case.image).ras_to_kji(pointsOf(model)) - (np.array(SHAPE) - 1) / 2) / np.array(SHAPE), axis=1
        )
        assert 0.15 < radii.min() < radii.max() < 0.5
        edges = vtk.vtkFeatureEdges()
        edges.SetInputData(model.GetPolyData())
        edges.FeatureEdgesOff()
        edges.NonManifoldEdgesOff()
        edges.Update()
        assert edges.GetOutput().GetNumberOfCells() == 0  # closed


class TestNormals:
    """The light on the surface depends on them."""

    def test_all_point_to_one_side_also_where_two_parts_only_touch(self, case, surface):
        labels = np.zeros(SHAPE, np.uint8)
        corners = ((4, 4, 4), (10, 10, 4), (10, 4, 10))  # boxes of 6 voxels that meet in edges
        for k, j, i in corners:
            labels[k : k + 6, j : j + 6, i : i + 6] = ATRIUM
        writeLabels(case.node, Volume(labels, geometryOf(case.image)), LABELS)
        model = surface.show(case, ATRIUM, "entropy")
        points, normals = pointsOf(model), vtk_to_numpy(model.GetPolyData().GetPointData().GetNormals())
        middles = geometryOf(case.image).kji_to_ras(np.array(corners) + 2.5)
        away = points[:, None] - middles
        nearest = np.linalg.norm(away, axis=-1).argmin(axis=1)
        outwards = (away[np.arange(len(points)), nearest] * normals).sum(axis=1) > 0
        # On a left-handed grid Slicer makes surfaces inside out, all over; lights shine on both sides.
        assert max(outwards.mean(), 1 - outwards.mean()) > 0.97


def centreColor(view):
    view.resetCamera()
    return view.pixels()[245:255, 245:255].reshape(-1, 3).mean(axis=0) / 255


class TestOnTheScreen:
    @pytest.mark.parametrize(("kind", "value"), [("entropy", 0.2), ("entropy", 0.9), ("kl", 0.4), ("kl", 1.8), ("kl", 9.0)])
    def test_it_is_seen_in_the_colours_of_the_overlay(self, case, surface, view_in_3d, kind, value):
        setMap({"entropy": case.entropy, "kl": case.kl}[kind], np.full(SHAPE, value))
        surface.show(case, ATRIUM, kind)
        expected = colorsOf(kind)[min(round(value / SCALES[kind].top * 255), 255)]
        # The light that falls on it differs a little, so only the hue is compared.
        seen = centreColor(view_in_3d)
        np.testing.assert_allclose(seen / seen.max(), expected / expected.max(), atol=0.06)

    def test_legend_and_range_are_those_of_the_overlay(self, case, surface, view_in_3d):
        for kind in ("entropy", "kl"):
            model = surface.show(case, ATRIUM, kind)
            display = model.GetDisplayNode()
            assert display.GetScalarRange() == (0.0, SCALES[kind].top)
            assert display.GetColorNode() is colorTable(case.scene, kind)
            assert legendsIn(view_in_3d) == {SCALES[kind].title: (0.0, SCALES[kind].top)}
        surface.remove()
        assert legendsIn(view_in_3d) == {}

    def test_the_slice_views_show_nothing_of_it(self, case, surface):
        view = SliceView("Red")
        view.show(case.image)
        before = view.pixels()
        surface.show(case, WALL, "kl")
        np.testing.assert_array_equal(view.pixels(), before)
        assert legendsIn(view) == {}
        view.close()


class TestWhatItLeavesAlone:
    def test_the_segmentation_and_its_display(self, case, surface):
        segmentation, display = case.node.GetSegmentation(), case.node.GetDisplayNode()
        shown = [display.GetSegmentVisibility3D(i) for i in segmentation.GetSegmentIDs()]
        times = (segmentation.GetMTime(), display.GetMTime())
        surface.show(case, ATRIUM, "entropy")
        assert not segmentation.ContainsRepresentation(closedSurface())
        assert [display.GetSegmentVisibility3D(i) for i in segmentation.GetSegmentIDs()] == shown
        assert (segmentation.GetMTime(), display.GetMTime()) == times

    def test_it_has_the_shape_that_the_segmentation_itself_would_show(self, case, surface):
        points = pointsOf(surface.show(case, WALL, "entropy"))
        showSurface(case.node, True)
        own = case.node.GetClosedSurfaceInternalRepresentation(segmentIdOf(case.node, WALL))
        np.testing.assert_allclose(points, vtk_to_numpy(own.GetPoints().GetData()), atol=1e-3)

    @pytest.mark.parametrize("method", ["0", "1"])  # with and without normals of its own
    def test_the_surface_that_a_person_shows_gets_no_colours_of_ours(self, case, surface, method):
        rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule
        case.node.GetSegmentation().SetConversionParameter(rule.GetConversionMethodParameterName(), method)
        showSurface(case.node, True)
        own = case.node.GetClosedSurfaceInternalRepresentation(segmentIdOf(case.node, ATRIUM))
        model = surface.show(case, ATRIUM, "entropy")
        assert own.GetPointData().GetScalars() is None
        assert own is not model.GetPolyData()
        assert own.GetNumberOfPoints() == model.GetPolyData().GetNumberOfPoints()

    def test_instead_of_the_segment_it_hides_that_one_only_and_brings_it_back(self, case, surface):
        showSurface(case.node, True)
        display = case.node.GetDisplayNode()
        atrium, wall = (segmentIdOf(case.node, value) for value in (ATRIUM, WALL))
        surface.show(case, ATRIUM, "entropy", insteadOfSegment=True)
        assert (display.GetSegmentVisibility3D(atrium), display.GetSegmentVisibility3D(wall)) == (False, True)
        surface.show(case, WALL, "entropy", insteadOfSegment=True)
        assert (display.GetSegmentVisibility3D(atrium), display.GetSegmentVisibility3D(wall)) == (True, False)
        surface.remove()
        assert (display.GetSegmentVisibility3D(atrium), display.GetSegmentVisibility3D(wall)) == (True, True)

    def test_a_segment_that_a_person_had_hidden_stays_hidden(self, case, surface):
        display, atrium = case.node.GetDisplayNode(), segmentIdOf(case.node, ATRIUM)
        display.SetSegmentVisibility3D(atrium, False)
        surface.show(case, ATRIUM, "entropy", insteadOfSegment=True)
        surface.remove()
        assert not display.GetSegmentVisibility3D(atrium)

    def test_no_selector_no_tree_and_no_saved_scene_has_it(self, case, surface, tmp_path):
        model = surface.show(case, ATRIUM, "entropy")
        parts = [model, *(model.GetNthDisplayNode(n) for n in range(model.GetNumberOfDisplayNodes()))]
        assert all(part.GetHideFromEditors() for part in parts)
        tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(case.scene)
        assert tree.GetItemByDataNode(model) == 0
        slicer.util.saveScene(str(tmp_path / "scene.mrml"))
        assert "surface by" not in (tmp_path / "scene.mrml").read_text(encoding="utf-8")

    def test_its_name_says_what_it_is(self, case, surface):
        assert surface.show(case, ATRIUM, "kl").GetName() == "left atrium surface by kl"

    def test_removing_leaves_nothing_but_the_colour_table(self, case, surface):
        nodes = case.scene.GetNumberOfNodes()
        surface.show(case, ATRIUM, "entropy")
        surface.remove()
        surface.remove()
        assert case.scene.GetNumberOfNodes() == nodes + 1
        assert surface.node is None


class TestKeepingUpToDate:
    def test_edits_and_new_maps_are_there_after_an_update(self, case, surface):
        model = surface.show(case, ATRIUM, "entropy")
        labels = np.zeros(SHAPE, np.uint8)
        labels[5:9, 6:12, 7:15] = ATRIUM
        writeLabels(case.node, Volume(labels, geometryOf(case.image)), LABELS)
        setMap(case.entropy, np.full(SHAPE, 0.7))
        assert surface.update() is model
        kji = geometryOf(case.image).ras_to_kji(pointsOf(model))
        np.testing.assert_allclose(kji.min(axis=0), [4.5, 5.5, 6.5], atol=0.8)
        np.testing.assert_allclose(kji.max(axis=0), [8.5, 11.5, 14.5], atol=0.8)
        np.testing.assert_allclose(valuesOf(model), 0.7, atol=1e-3)

    def test_with_nothing_shown_there_is_nothing_to_update(self, case, surface):
        assert surface.update() is None
        surface.show(case, ATRIUM, "entropy")
        surface.remove()
        assert surface.update() is None

    def test_a_structure_without_voxels_is_refused_in_words(self, case, surface):
        writeLabels(case.node, Volume(np.zeros(SHAPE, np.uint8), geometryOf(case.image)), LABELS)
        with pytest.raises(CaseError, match="no voxels of structure 1"):
            surface.show(case, ATRIUM, "entropy")
        assert surface.node is None

    def test_a_structure_without_a_segment_is_refused_in_words(self, case, surface):
        case.node.GetSegmentation().RemoveSegment(segmentIdOf(case.node, WALL))
        with pytest.raises(CaseError, match="choose another structure"):
            surface.show(case, WALL, "entropy")

    def test_a_map_that_was_deleted_is_refused_in_words(self, case, surface):
        case.scene.RemoveNode(case.kl)
        with pytest.raises(CaseError, match=r"KL divergence.*was deleted"):
            surface.show(case, ATRIUM, "kl")

    def test_what_cannot_be_shown_leaves_what_is_shown(self, case, surface):
        model = surface.show(case, ATRIUM, "entropy")
        case.scene.RemoveNode(case.kl)
        with pytest.raises(CaseError):
            surface.show(case, ATRIUM, "kl")
        assert surface.node is model

    def test_a_map_under_a_bent_transform_is_refused_in_words(self, case, surface):
        bent = case.scene.AddNewNodeByClass("vtkMRMLGridTransformNode")
        case.entropy.SetAndObserveTransformNodeID(bent.GetID())
        with pytest.raises(VolumeError, match="harden"):
            surface.show(case, ATRIUM, "entropy")

    @pytest.mark.parametrize("gone", ["entropy", "node"])
    def test_an_update_after_a_part_was_deleted_takes_the_surface_away(self, case, surface, gone):
        scene = case.scene
        surface.show(case, ATRIUM, "entropy", insteadOfSegment=True)
        scene.RemoveNode(getattr(case, gone))
        with pytest.raises(CaseError):
            surface.update()
        assert surface.node is None

    def test_after_the_scene_was_closed_the_next_case_can_be_shown(self, case, surface):
        surface.show(case, ATRIUM, "entropy", insteadOfSegment=True)
        slicerCore.application().clearScene()
        assert surface.node is None
        assert surface.update() is None
        following = segmentedCase(slicer.mrmlScene)
        assert surface.show(following, ATRIUM, "entropy").GetScene() is following.scene


def test_the_reach_covers_a_few_voxels():
    assert 1.0 <= REACH_MM <= 3.0
