"""The box of a region of interest in the image's own coordinates, however both are turned and moved."""

from itertools import product

import numpy as np
import pytest
import slicer
import vtk
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import VolumeError
from DualSSLSegmentationLib.scene.roi import (
    isAdjustable,
    isOurs,
    placeRegion,
    regionGrid,
    roiBounds,
    setAdjustable,
    watchRegion,
)
from DualSSLSegmentationLib.scene.volumes import geometryOf, matrixOfArray
from sampleCases import obliqueVolume

angles = st.tuples(*[st.floats(-180, 180)] * 3)
places = st.tuples(*[st.floats(-200, 200)] * 3)
sizes = st.tuples(*[st.floats(0.5, 150)] * 3)
scales = st.tuples(*[st.floats(0.5, 2)] * 3)
moves = st.tuples(angles, places, scales)


def rotation(degrees):
    turned = vtk.vtkTransform()
    for axis, angle in enumerate(degrees):
        turned.RotateWXYZ(angle, *np.eye(3)[axis])
    return arrayOf(turned.GetMatrix())


def arrayOf(matrix):
    return np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])


def placed(degrees, place, scale=(1, 1, 1)):
    matrix = rotation(degrees) @ np.diag([*scale, 1])
    matrix[:3, 3] = place
    return matrix


def addTransform(scene, matrix):
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(matrixOfArray(matrix))
    return node


def addRoi(scene, size, toNode=None, parent=None):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Region")
    node.SetAndObserveObjectToNodeMatrix(matrixOfArray(np.eye(4) if toNode is None else toNode))
    node.SetSize(*size)
    node.SetCenter(*([0, 0, 0] if toNode is None else toNode[:3, 3]))
    node.SetAndObserveTransformNodeID(None if parent is None else parent.GetID())
    return node


@given(
    size=sizes, turned=angles, place=places, region=st.tuples(angles, places, scales), image=st.tuples(angles, places, scales)
)
@settings(max_examples=60, deadline=None)
def test_the_box_holds_the_eight_corners_and_no_more(application, size, turned, place, region, image):
    application.clearScene()
    scene = application.scene
    toNode, toWorld, imageToWorld = placed(turned, place), placed(*region), placed(*image)
    volume = obliqueVolume(scene)
    volume.SetAndObserveTransformNodeID(addTransform(scene, imageToWorld).GetID())
    bounds = roiBounds(addRoi(scene, size, toNode, addTransform(scene, toWorld)), volume)
    half = np.array(list(product((-0.5, 0.5), repeat=3))) * size
    corners = np.c_[half, np.ones(8)] @ (np.linalg.inv(imageToWorld) @ toWorld @ toNode).T
    expected = np.stack([corners[:, :3].min(axis=0), corners[:, :3].max(axis=0)], axis=1).ravel()
    np.testing.assert_allclose(bounds, expected, rtol=1e-6, atol=1e-4)


def test_an_upright_region_is_its_own_box(scene):
    toNode = np.eye(4)
    toNode[:3, 3] = (10, 20, 30)
    bounds = roiBounds(addRoi(scene, (4, 6, 8), toNode), obliqueVolume(scene))
    np.testing.assert_allclose(bounds, (8, 12, 17, 23, 26, 34))


def test_a_region_that_was_not_placed_yet_is_refused(scene):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Region")
    with pytest.raises(VolumeError, match="'Region' has no size yet: place it first"):
        roiBounds(node, obliqueVolume(scene))


def test_a_region_without_extent_is_refused(scene):
    with pytest.raises(VolumeError, match="no size yet"):
        roiBounds(addRoi(scene, (4, 0, 4)), obliqueVolume(scene))


@pytest.mark.parametrize("bent", ["region", "image"])
def test_what_bends_space_is_refused(scene, bent):
    grid = slicer.vtkMRMLGridTransformNode()
    scene.AddNode(grid)
    volume, region = obliqueVolume(scene), addRoi(scene, (4, 4, 4))
    displacements = vtk.vtkImageData()
    displacements.SetDimensions(2, 2, 2)
    displacements.AllocateScalars(vtk.VTK_DOUBLE, 3)
    displacements.GetPointData().GetScalars().Fill(1.0)
    shift = slicer.vtkOrientedGridTransform()
    shift.SetDisplacementGridData(displacements)
    grid.SetAndObserveTransformFromParent(shift)
    (region if bent == "region" else volume).SetAndObserveTransformNodeID(grid.GetID())
    with pytest.raises(VolumeError, match="harden the transform"):
        roiBounds(region, volume)


def endsOf(image):
    """Least and greatest R, A, S of a volume's voxels, in its own coordinates."""
    grid = geometryOf(image)
    corners = grid.kji_to_ras(list(product(*((-0.5, n - 0.5) for n in grid.shape))))
    return corners.min(axis=0), corners.max(axis=0)


@given(move=moves, around=places, size=st.tuples(*[st.floats(1, 300)] * 3))
@settings(max_examples=40, deadline=None)
def test_a_placed_region_lies_within_the_volume_and_around_the_place_if_it_can(application, move, around, size):
    application.clearScene()
    volume = obliqueVolume(application.scene)
    volume.SetAndObserveTransformNodeID(addTransform(application.scene, placed(*move)).GetID())
    world, own = np.array(around), [0.0] * 3
    volume.TransformPointFromWorld(world, own)
    region = placeRegion(volume, size, world)
    low, high = endsOf(volume)
    found = np.array(roiBounds(region, volume)).reshape(3, 2)
    lengths = np.minimum(size, high - low)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], lengths, atol=1e-3)
    assert (found[:, 0] >= low - 1e-3).all()
    assert (found[:, 1] <= high + 1e-3).all()
    free = (np.array(own) - lengths / 2 >= low) & (np.array(own) + lengths / 2 <= high)
    np.testing.assert_allclose(found.mean(axis=1)[free], np.array(own)[free], atol=1e-3)


def test_without_a_size_or_a_place_it_is_the_middle_half_of_the_volume(scene):
    volume = obliqueVolume(scene)
    low, high = endsOf(volume)
    found = np.array(roiBounds(placeRegion(volume, None, None), volume)).reshape(3, 2)
    np.testing.assert_allclose(found.mean(axis=1), (low + high) / 2, atol=1e-4)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], (high - low) / 2, atol=1e-4)


def test_a_region_is_moved_rather_than_a_second_one_added(scene):
    volume = obliqueVolume(scene)
    region = placeRegion(volume, (10, 10, 10), None)
    turned = rotation((30, 20, 10))
    region.SetAndObserveObjectToNodeMatrix(matrixOfArray(turned))
    middle = (endsOf(volume)[0] + endsOf(volume)[1]) / 2
    assert placeRegion(volume, (8, 9, 10), middle + 1, region) is region
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 1
    bounds = np.array(roiBounds(region, volume)).reshape(3, 2)
    np.testing.assert_allclose(bounds[:, 1] - bounds[:, 0], (8, 9, 10), atol=1e-4)
    np.testing.assert_allclose(bounds.mean(axis=1), middle + 1, atol=1e-4)


def test_a_region_is_a_frame_that_can_be_given_handles_and_have_them_taken(scene):
    region = placeRegion(obliqueVolume(scene, "Knee"), None, None)
    assert isOurs(region)
    assert not isOurs(addRoi(scene, (4, 4, 4)))
    assert region.GetName() == "Region of Knee"
    display = region.GetDisplayNode()
    assert not display.GetFillVisibility()
    assert isAdjustable(region)
    setAdjustable(region, False)
    assert not isAdjustable(region)
    assert region.GetLocked()
    assert display.GetVisibility2D()
    assert not display.GetVisibility3D()
    setAdjustable(region, True)
    assert isAdjustable(region)


def test_a_region_takes_a_part_of_the_volumes_grid(scene):
    volume = obliqueVolume(scene)
    grid = geometryOf(volume)
    place = grid.kji_to_ras((10, 12, 14))
    region = placeRegion(volume, (6, 6, 6), place)
    part = regionGrid(volume, roiBounds(region, volume))
    assert all(n < whole for n, whole in zip(part.shape, grid.shape, strict=True))
    index = part.ras_to_kji(place)
    assert (index > -0.5).all()
    assert (index < np.array(part.shape) - 0.5).all()
    assert regionGrid(volume, (900.0, 910.0, 900.0, 910.0, 900.0, 910.0)) is None


def test_whoever_watches_a_region_hears_of_its_size_and_place_until_they_stop(scene):
    region = placeRegion(obliqueVolume(scene), None, None)
    heard = []
    stop = watchRegion(region, lambda: heard.append(tuple(region.GetSize())))
    region.SetSize(3, 4, 5)
    assert heard[-1] == (3, 4, 5)
    count = len(heard)
    region.SetCenter(1, 2, 3)
    assert len(heard) > count
    stop()
    count = len(heard)
    region.SetSize(6, 6, 6)
    assert len(heard) == count
