"""The box of a region of interest in the image's own coordinates, however both are turned and moved."""

from itertools import product

import numpy as np
import pytest
import slicer
import vtk
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import VolumeError
from DualSSLSegmentationLib.scene.roi import roiBounds
from DualSSLSegmentationLib.scene.volumes import matrixOfArray
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
