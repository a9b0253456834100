"""Going to a region: where the slice views look, and what outlines the region in them."""

from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from scipy import ndimage

import slicerCore
from dualssl.review import PlacedRegion
from DualSSLSegmentationLib.display.navigation import RegionOutline, crossing, jumpTo
from DualSSLSegmentationLib.display.overlays import OverlayMode, Overlays
from DualSSLSegmentationLib.scene.volumes import geometryOf, matrixOfArray
from sampleCases import segmentedCase
from sliceView import SliceView, ThreeDView

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


@pytest.fixture
def case(scene):
    found = segmentedCase(scene)
    found.node.GetDisplayNode().SetVisibility(False)
    return found


@pytest.fixture
def three_views(case):
    shown = [SliceView(name) for name in ("Red", "Yellow", "Green")]
    for view in shown:
        view.show(case.image)
    yield shown
    for view in shown:
        view.close()


@pytest.fixture
def view(three_views):
    return three_views[0]


@pytest.fixture
def outline():
    shown = RegionOutline()
    yield shown
    shown.hide()


def regionsOf(case):
    return [PlacedRegion.from_json(entry["region"]) for entry in case.regionEntries]


def sliceNodesOf(views):
    return [view.sliceNode for view in views]


def inWorld(case, ras):
    world = [0.0] * 3
    case.image.TransformPointToWorld(ras, world)
    return tuple(world)


@pytest.mark.parametrize("oblique", [False, True])
def test_the_slices_cross_where_they_were_brought_to(case, three_views, oblique):
    nodes = sliceNodesOf(three_views)
    if oblique:
        for node in nodes:
            node.RotateToVolumePlane(case.image)
    region = regionsOf(case)[0]
    jumpTo(region, nodes, case.image)
    np.testing.assert_allclose(crossing(nodes), inWorld(case, region.centre_ras), atol=1e-3)


def test_parallel_or_too_few_slices_cross_nowhere(three_views):
    nodes = sliceNodesOf(three_views)
    assert crossing(nodes[:2]) is None
    for node in nodes:
        node.SetOrientation("Axial")
    assert crossing(nodes) is None


def assertCentred(view, ras):
    """The point is in the middle of the view, and in its slice."""
    row, column = view.pixelOf(ras)
    assert abs(row - 249.5) <= 1
    assert abs(column - 249.5) <= 1
    toRas = view.sliceNode.GetSliceToRAS()
    normal, origin = ([toRas.GetElement(r, c) for r in range(3)] for c in (2, 3))
    assert abs(np.dot(np.subtract(ras, origin), normal)) < 1e-6


def moved(case, matrix):
    """Put image, maps and segmentation under one transform."""
    transform = case.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(matrixOfArray(matrix))
    for node in (case.image, case.regionMap, case.node):
        node.SetAndObserveTransformNodeID(transform.GetID())


def turn():
    transform = vtk.vtkTransform()
    transform.Translate(12.0, -7.0, 30.0)
    transform.RotateWXYZ(25.0, 1.0, 2.0, 0.5)
    return np.array([[transform.GetMatrix().GetElement(r, c) for c in range(4)] for r in range(4)])


class TestJumping:
    def test_all_views_are_centred_on_the_region(self, case, three_views):
        for region in regionsOf(case):
            jumpTo(region, sliceNodesOf(three_views), case.image)
            for view in three_views:
                assertCentred(view, region.centre_ras)

    def test_it_goes_where_the_image_was_moved_to(self, case, three_views):
        region = regionsOf(case)[0]
        moved(case, turn())
        jumpTo(region, sliceNodesOf(three_views), case.image)
        assert np.linalg.norm(np.subtract(inWorld(case, region.centre_ras), region.centre_ras)) > 5
        for view in three_views:
            assertCentred(view, inWorld(case, region.centre_ras))

    def test_it_goes_where_a_bent_image_shows_the_region(self, case, three_views):
        region = regionsOf(case)[0]
        bent = case.scene.AddNewNodeByClass("vtkMRMLTransformNode")
        landmarks = vtk.vtkThinPlateSplineTransform()
        source, target = vtk.vtkPoints(), vtk.vtkPoints()
        for point in ((0, 0, 0), (90, 0, 0), (0, 90, 0), (0, 0, 190), (60, -60, 60)):
            source.InsertNextPoint(point)
            target.InsertNextPoint(point[0] + 0.1 * point[1], point[1] - 5, point[2] + 0.001 * point[0] ** 2)
        landmarks.SetSourceLandmarks(source)
        landmarks.SetTargetLandmarks(target)
        landmarks.SetBasisToR()
        bent.SetAndObserveTransformToParent(landmarks)
        case.image.SetAndObserveTransformNodeID(bent.GetID())
        jumpTo(region, sliceNodesOf(three_views), case.image)
        for view in three_views:
            assertCentred(view, inWorld(case, region.centre_ras))

    def test_an_oblique_slice_is_centred_too_and_stays_oblique(self, case, view):
        region = regionsOf(case)[0]
        oblique = turn()
        view.sliceNode.GetSliceToRAS().DeepCopy(matrixOfArray(oblique))
        view.sliceNode.UpdateMatrices()
        jumpTo(region, [view.sliceNode], case.image)
        assertCentred(view, region.centre_ras)
        toRas = view.sliceNode.GetSliceToRAS()
        axes = [[toRas.GetElement(r, c) for c in range(3)] for r in range(3)]
        np.testing.assert_allclose(axes, oblique[:3, :3], atol=1e-9)

    def test_a_view_that_was_panned_and_zoomed_is_centred_and_keeps_its_zoom(self, case, view):
        region = regionsOf(case)[-1]
        view.sliceNode.SetFieldOfView(40.0, 40.0, 1.0)
        view.sliceNode.SetXYZOrigin(17.0, -9.0, 0.0)
        jumpTo(region, [view.sliceNode], case.image)
        assertCentred(view, region.centre_ras)
        assert view.sliceNode.GetFieldOfView()[:2] == (40.0, 40.0)

    def test_without_an_image_the_region_is_taken_to_be_in_the_world(self, case, view):
        jumpTo(regionsOf(case)[0], [view.sliceNode])
        assertCentred(view, regionsOf(case)[0].centre_ras)

    def test_a_view_hears_of_it_once(self, case, view):
        heard = []
        tag = view.sliceNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: heard.append(1))
        jumpTo(regionsOf(case)[0], [view.sliceNode], case.image)
        view.sliceNode.RemoveObserver(tag)
        assert len(heard) == 1


def drawn(view, color):
    """Where (height, width) a view shows exactly this colour."""
    return (view.pixels() == color).all(axis=2)


def sliceOf(case, view, regionId):
    """Where (height, width) in a view the region's voxels are, as nearest neighbour."""
    height, width = view.size[1], view.size[0]
    rows, columns = np.mgrid[0:height, 0:width]
    xy = np.stack([columns, height - 1 - rows, np.zeros_like(rows), np.ones_like(rows)], axis=-1).astype(float)
    toRas = view.sliceNode.GetXYToRAS()
    matrix = np.array([[toRas.GetElement(r, c) for c in range(4)] for r in range(4)])
    fromWorld = vtk.vtkMatrix4x4()
    if case.regionMap.GetParentTransformNode() is not None:
        case.regionMap.GetParentTransformNode().GetMatrixTransformFromWorld(fromWorld)
    inverse = np.array([[fromWorld.GetElement(r, c) for c in range(4)] for r in range(4)])
    ras = (xy @ matrix.T @ inverse.T)[..., :3]
    kji = geometryOf(case.regionMap).ras_to_kji(ras)
    member = slicer.util.arrayFromVolume(case.regionMap) == regionId
    return ndimage.map_coordinates(member.astype(np.uint8), np.moveaxis(kji, -1, 0), order=0) > 0


def assertOutlined(case, view, regionId):
    """White lies along the border of the region's voxels in the slice, all along it, and nowhere else."""
    member = sliceOf(case, view, regionId)
    assert member.any()
    border = ndimage.binary_dilation(member) & ~member
    white = drawn(view, WHITE)
    voxel = 500 / view.sliceNode.GetFieldOfView()[0] * 2.0  # pixels along the longest side of a voxel
    assert ndimage.distance_transform_edt(~border)[white].max() < voxel
    assert ndimage.distance_transform_edt(~white)[border].max() < voxel


class TestOutline:
    @pytest.fixture(autouse=True)
    def close_up(self, case, three_views):
        for view in three_views:
            view.sliceNode.SetFieldOfView(30.0, 30.0, 1.0)
        case.image.GetDisplayNode().SetAutoWindowLevel(False)
        case.image.GetDisplayNode().SetWindowLevelMinMax(-200, 900)  # neither black nor white in the image

    def test_it_follows_the_regions_border_in_every_view(self, case, three_views, outline):
        for region in regionsOf(case):
            jumpTo(region, sliceNodesOf(three_views), case.image)
            assert outline.show(case, region.id)
            for view in three_views:
                assertOutlined(case, view, region.id)

    def test_it_follows_the_border_in_an_oblique_slice(self, case, view, outline):
        view.sliceNode.GetSliceToRAS().DeepCopy(matrixOfArray(turn()))
        view.sliceNode.UpdateMatrices()
        region = regionsOf(case)[0]
        jumpTo(region, [view.sliceNode], case.image)
        outline.show(case, region.id)
        assertOutlined(case, view, region.id)

    def test_it_lies_where_the_case_was_moved_to(self, case, view, outline):
        moved(case, turn())
        region = regionsOf(case)[0]
        jumpTo(region, [view.sliceNode], case.image)
        outline.show(case, region.id)
        assertOutlined(case, view, region.id)

    def test_only_one_region_is_outlined(self, case, view, outline):
        first, second = regionsOf(case)[:2]
        outline.show(case, first.id)
        outline.show(case, second.id)
        jumpTo(first, [view.sliceNode], case.image)
        assert not (drawn(view, WHITE) & ndimage.binary_dilation(sliceOf(case, view, first.id), iterations=3)).any()
        jumpTo(second, [view.sliceNode], case.image)
        assertOutlined(case, view, second.id)

    def test_it_is_not_seen_where_the_region_is_not(self, case, view, outline):
        region = regionsOf(case)[0]
        jumpTo(region, [view.sliceNode], case.image)
        outline.show(case, region.id)
        view.sliceNode.SetSliceOffset(view.sliceNode.GetSliceOffset() + 40.0)
        assert not drawn(view, WHITE).any()

    @pytest.mark.parametrize("mode", [OverlayMode.entropy, OverlayMode.kl, OverlayMode.both])
    def test_it_is_a_white_line_between_black_ones_on_any_overlay(self, case, view, outline, mode):
        overlays = Overlays(lambda: [view.compositeNode])
        overlays.show(case, mode, 1.0, {"entropy": 0.0, "kl": 0.0})
        for n in range(case.scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode")):  # their letters are white, too
            case.scene.GetNthNodeByClass(n, "vtkMRMLColorLegendDisplayNode").SetVisibility(False)
        for region in regionsOf(case):
            jumpTo(region, [view.sliceNode], case.image)
            outline.show(case, region.id)
            assertOutlined(case, view, region.id)
            white, black = drawn(view, WHITE), drawn(view, BLACK)
            beside = ndimage.binary_dilation(white, iterations=2) & ~white
            assert black[beside].mean() > 0.6
        overlays.leave()

    def test_it_is_thin_and_the_inside_is_not_filled(self, case, view, outline):
        region = regionsOf(case)[0]
        jumpTo(region, [view.sliceNode], case.image)
        before = view.pixels()
        outline.show(case, region.id)
        changed = (view.pixels() != before).any(axis=2)
        member = sliceOf(case, view, region.id)
        inside = ndimage.distance_transform_edt(member) > 25
        assert inside.any()
        assert not changed[inside].any()

    def test_hiding_gives_back_every_pixel_and_node(self, case, view, outline):
        jumpTo(regionsOf(case)[0], [view.sliceNode], case.image)
        before, nodes = view.pixels(), case.scene.GetNumberOfNodes()
        outline.show(case, 1)
        assert outline.node is not None
        outline.hide()
        outline.hide()
        np.testing.assert_array_equal(view.pixels(), before)
        assert case.scene.GetNumberOfNodes() == nodes
        assert outline.node is None

    def test_it_is_not_in_3d(self, case, outline):
        view = ThreeDView()
        before = view.pixels()
        outline.show(case, 1)
        np.testing.assert_array_equal(view.pixels(), before)
        view.close()

    def test_no_selector_no_tree_and_no_saved_scene_has_it(self, case, outline, tmp_path):
        outline.show(case, 1)
        model = outline.node
        parts = [model, *(model.GetNthDisplayNode(n) for n in range(model.GetNumberOfDisplayNodes()))]
        assert all(part.GetHideFromEditors() for part in parts)
        tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(case.scene)
        assert tree.GetItemByDataNode(model) == 0
        slicer.util.saveScene(str(tmp_path / "scene.mrml"))
        assert "outline" not in (tmp_path / "scene.mrml").read_text(encoding="utf-8")

    def test_without_a_region_map_nothing_is_outlined(self, case, outline):
        outline.show(case, 1)
        case.scene.RemoveNode(case.regionMap)
        assert not outline.show(case, 1)
        assert outline.node is None

    def test_an_unknown_region_takes_the_outline_away(self, case, outline):
        outline.show(case, 1)
        assert not outline.show(case, 99)
        assert outline.node is None

    def test_it_comes_back_after_somebody_removed_its_nodes(self, case, view, outline):
        region = regionsOf(case)[0]
        jumpTo(region, [view.sliceNode], case.image)
        outline.show(case, region.id)
        case.scene.RemoveNode(outline.node)
        assert outline.node is None
        outline.show(case, region.id)
        assertOutlined(case, view, region.id)
        outline.hide()
        assert case.scene.GetNodesByName("DualSSL region outline line").GetNumberOfItems() == 0

    def test_after_the_scene_was_closed_it_outlines_in_the_next_one(self, case, outline):
        outline.show(case, 1)
        slicerCore.application().clearScene()
        assert outline.node is None
        following = segmentedCase(slicer.mrmlScene)
        assert outline.show(following, 1)
        assert outline.node.GetScene() is following.scene

    def test_a_region_at_the_images_edge_is_closed(self, case, outline):
        values = slicer.util.arrayFromVolume(case.regionMap)
        values[:3, :3, :3] = 77
        assert outline.show(case, 77)
        edges = vtk.vtkFeatureEdges()
        edges.SetInputData(outline.node.GetPolyData())
        edges.FeatureEdgesOff()
        edges.NonManifoldEdgesOff()
        edges.Update()
        assert edges.GetOutput().GetNumberOfCells() == 0

    def test_a_map_whose_voxels_are_not_counted_from_zero_is_outlined_in_place(self, case, outline):
        outline.show(case, 1)
        bounds = [0.0] * 6
        outline.node.GetRASBounds(bounds)
        image = case.regionMap.GetImageData()
        shifted = vtk.vtkImageData()
        shifted.DeepCopy(image)
        extent = image.GetExtent()
        shifted.SetExtent(extent[0] + 4, extent[1] + 4, extent[2] - 3, extent[3] - 3, extent[4] + 2, extent[5] + 2)
        toRas = vtk.vtkMatrix4x4()
        case.regionMap.GetIJKToRASMatrix(toRas)
        origin = toRas.MultiplyPoint((-4.0, 3.0, -2.0, 1.0))
        case.regionMap.SetOrigin(origin[:3])
        case.regionMap.SetAndObserveImageData(shifted)
        outline.show(case, 1)
        again = [0.0] * 6
        outline.node.GetRASBounds(again)
        np.testing.assert_allclose(again, bounds, atol=1e-4)


def test_a_regions_centre_need_not_be_that_of_its_voxels(case, view):
    """The centre that jumping uses is the region's own, not one worked out from the map."""
    region = replace(regionsOf(case)[0], centre_ras=regionsOf(case)[1].centre_ras)
    jumpTo(region, [view.sliceNode], case.image)
    assertCentred(view, region.centre_ras)
