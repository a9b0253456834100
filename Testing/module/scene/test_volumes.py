"""Volume nodes to arrays and back, on the real scene."""

import numpy as np
import pytest
import slicer
import vtk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.volumes import (
    addHiddenLabelMap,
    addScalarVolume,
    checkSameGrid,
    contentId,
    geometryOf,
    transformBetween,
    volumeOf,
)
from sampleCases import obliqueGeometry, obliqueVolume

ON_THE_SCENE = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCALAR_TYPES = {
    "char": vtk.VTK_CHAR,
    "signed char": vtk.VTK_SIGNED_CHAR,
    "unsigned char": vtk.VTK_UNSIGNED_CHAR,
    "short": vtk.VTK_SHORT,
    "unsigned short": vtk.VTK_UNSIGNED_SHORT,
    "int": vtk.VTK_INT,
    "unsigned int": vtk.VTK_UNSIGNED_INT,
    "long": vtk.VTK_LONG,
    "unsigned long": vtk.VTK_UNSIGNED_LONG,
    "long long": vtk.VTK_LONG_LONG,
    "unsigned long long": vtk.VTK_UNSIGNED_LONG_LONG,
    "float": vtk.VTK_FLOAT,
    "double": vtk.VTK_DOUBLE,
}
DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


@st.composite
def geometries(draw):
    """Any place a scanner or a person can put a volume: turned, mirrored, anisotropic, far away."""
    shape = tuple(draw(st.integers(1, 6)) for _ in range(3))
    spacing = draw(st.tuples(*[st.floats(0.05, 20.0) for _ in range(3)]))
    origin = draw(st.tuples(*[st.floats(-2000, 2000) for _ in range(3)]))
    turned, _ = np.linalg.qr(np.random.default_rng(draw(st.integers(0, 2**32))).normal(size=(3, 3)))
    mirror = draw(st.tuples(*[st.sampled_from((-1.0, 1.0)) for _ in range(3)]))
    return Geometry(shape, spacing, origin, tuple(tuple(float(v) for v in row) for row in turned * mirror))


@pytest.fixture
def a_plain_volume(scene):
    return obliqueVolume(scene)


@pytest.fixture
def a_moved_volume(scene, a_plain_volume):
    """Under two nested linear transforms."""
    outer = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "outer")
    inner = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "inner")
    for number, node in enumerate((outer, inner)):
        transform = vtk.vtkTransform()
        transform.Translate(10 * number + 5, -7, 3)
        transform.RotateWXYZ(25, 1, 2, 3)
        node.SetMatrixTransformToParent(transform.GetMatrix())
    inner.SetAndObserveTransformNodeID(outer.GetID())
    a_plain_volume.SetAndObserveTransformNodeID(inner.GetID())
    return a_plain_volume


@pytest.fixture
def a_warped_volume(scene, a_plain_volume):
    """Under a transform that bends space."""
    warp = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for point in ((0, 0, 0), (50, 0, 0), (0, 50, 0), (0, 0, 50), (50, 50, 50)):
        source.InsertNextPoint(point)
        target.InsertNextPoint([c + 3 * (c > 0) for c in point])
    warp.SetSourceLandmarks(source)
    warp.SetTargetLandmarks(target)
    node = scene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
    node.SetAndObserveTransformToParent(warp)
    a_plain_volume.SetAndObserveTransformNodeID(node.GetID())
    return a_plain_volume


class TestRoundTrip:
    @ON_THE_SCENE
    @given(grid=geometries(), dtype=st.sampled_from(DTYPES), seed=st.integers(0, 2**32))
    def test_voxels_and_grid_come_back_as_they_were(self, scene, grid, dtype, seed):
        kind = np.dtype(dtype)
        random = np.random.default_rng(seed)
        if kind.kind == "f":
            array = random.normal(0, 1e3, grid.shape).astype(kind)
        else:
            limits = np.iinfo(kind)
            array = random.integers(limits.min, limits.max, grid.shape, dtype=kind, endpoint=True)
        scene.Clear(0)
        node = addScalarVolume(scene, Volume(array, grid), "any", slicer.vtkMRMLScalarVolumeNode())
        found = volumeOf(node)
        assert found.array.dtype == kind
        np.testing.assert_array_equal(found.array, array)
        assert found.geometry.shape == grid.shape
        np.testing.assert_allclose(found.geometry.ijk_to_ras, grid.ijk_to_ras, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.geometry.spacing, grid.spacing, rtol=1e-12)

    @pytest.mark.parametrize("kind", SCALAR_TYPES)
    def test_every_scalar_type_that_slicer_has_is_read(self, scene, kind):
        image = vtk.vtkImageData()
        image.SetDimensions(4, 3, 2)
        image.AllocateScalars(SCALAR_TYPES[kind], 1)
        for number in range(24):
            image.GetPointData().GetScalars().SetComponent(number, 0, number)
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", kind)
        node.SetAndObserveImageData(image)
        np.testing.assert_array_equal(volumeOf(node).array, np.arange(24).reshape(2, 3, 4))

    @pytest.mark.parametrize(("given", "stored"), [(bool, np.uint8), (np.float16, np.float32), (np.dtype(">i2"), np.int16)])
    def test_types_that_slicer_lacks_become_the_next_that_holds_them(self, scene, a_plain_volume, given, stored):
        array = np.arange(60).reshape(3, 4, 5).astype(given)
        found = volumeOf(addScalarVolume(scene, Volume(array, obliqueGeometry(array.shape)), "x", a_plain_volume)).array
        assert found.dtype == stored
        np.testing.assert_array_equal(found, array)

    def test_an_array_in_any_memory_order_is_stored_as_it_reads(self, scene, a_plain_volume):
        array = np.arange(60, dtype=np.int16).reshape(5, 4, 3).T[::-1]
        node = addScalarVolume(scene, Volume(array, obliqueGeometry(array.shape)), "x", a_plain_volume)
        np.testing.assert_array_equal(volumeOf(node).array, array)

    def test_a_voxel_lies_where_slicer_puts_it(self, a_plain_volume):
        matrix = vtk.vtkMatrix4x4()
        a_plain_volume.GetIJKToRASMatrix(matrix)
        found = geometryOf(a_plain_volume).kji_to_ras([5, 11, 23])
        np.testing.assert_allclose(found, matrix.MultiplyPoint((23, 11, 5, 1))[:3], atol=1e-9)

    def test_an_image_whose_extent_begins_elsewhere_lies_where_slicer_shows_it(self, scene):
        image = vtk.vtkImageData()
        image.SetExtent(2, 5, -1, 1, 7, 8)
        image.AllocateScalars(vtk.VTK_SHORT, 1)
        image.GetPointData().GetScalars().Fill(0)
        image.SetScalarComponentFromDouble(3, 0, 8, 0, 42)
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "x")
        node.SetSpacing(2, 3, 4)
        node.SetAndObserveImageData(image)
        volume = volumeOf(node)
        (where,) = np.argwhere(volume.array == 42)
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        np.testing.assert_allclose(volume.geometry.kji_to_ras(where), matrix.MultiplyPoint((3, 0, 8, 1))[:3], atol=1e-9)

    def test_the_array_is_the_node_s_own_memory(self, a_plain_volume):
        volumeOf(a_plain_volume).array[1, 2, 3] = 1234
        assert a_plain_volume.GetImageData().GetScalarComponentAsDouble(3, 2, 1, 0) == 1234

    def test_what_happens_to_the_given_array_later_does_not_reach_the_scene(self, scene, a_plain_volume):
        array = np.zeros((3, 4, 5), np.uint8)
        node = addScalarVolume(scene, Volume(array, obliqueGeometry(array.shape)), "x", a_plain_volume)
        array[:] = 9
        assert not volumeOf(node).array.any()


class TestTransforms:
    def test_a_linear_parent_stays_outside_of_the_grid(self, a_moved_volume):
        np.testing.assert_allclose(volumeOf(a_moved_volume).geometry.ijk_to_ras, obliqueGeometry().ijk_to_ras, atol=1e-9)

    @pytest.mark.parametrize("add", [addScalarVolume, addHiddenLabelMap])
    def test_what_is_made_of_a_moved_volume_moves_with_it(self, scene, a_moved_volume, add):
        node = add(scene, Volume(np.zeros(obliqueGeometry().shape, np.uint8), obliqueGeometry()), "x", a_moved_volume)
        ours, theirs = [0.0] * 6, [0.0] * 6
        node.GetRASBounds(ours)
        a_moved_volume.GetRASBounds(theirs)
        np.testing.assert_allclose(ours, theirs, atol=1e-9)

    def test_a_transform_that_bends_space_is_refused_with_what_to_do(self, scene, a_warped_volume):
        with pytest.raises(VolumeError, match=r"'MR' is under the non-linear transform 'warp': harden the transform first"):
            volumeOf(a_warped_volume)
        before = scene.GetNumberOfNodes()
        with pytest.raises(VolumeError, match="harden"):
            addScalarVolume(scene, Volume(np.zeros((2, 2, 2)), obliqueGeometry((2, 2, 2))), "x", a_warped_volume)
        assert scene.GetNumberOfNodes() == before

    def test_between_two_nodes_lies_what_their_parents_say(self, scene, a_moved_volume):
        still = obliqueVolume(scene, "still")
        world = vtk.vtkMatrix4x4()
        a_moved_volume.GetParentTransformNode().GetMatrixTransformToWorld(world)
        np.testing.assert_allclose(
            transformBetween(a_moved_volume, still) @ [1, 2, 3, 1], world.MultiplyPoint((1, 2, 3, 1)), atol=1e-9
        )
        np.testing.assert_allclose(transformBetween(a_moved_volume, a_moved_volume), np.eye(4), atol=1e-9)


class TestUnusableVolumes:
    def test_a_node_without_voxels_says_so(self, scene):
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "hollow")
        for read in (volumeOf, geometryOf):
            with pytest.raises(VolumeError, match="Volume 'hollow' has no image data"):
                read(node)
        node.SetAndObserveImageData(vtk.vtkImageData())
        with pytest.raises(VolumeError, match="Volume 'hollow' has no image data"):
            volumeOf(node)

    def test_colours_or_vectors_are_refused_with_what_to_do(self, scene):
        node = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
        image = vtk.vtkImageData()
        image.SetDimensions(4, 4, 4)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
        node.SetAndObserveImageData(image)
        with pytest.raises(VolumeError, match="Volume 'photo' has 3 components a voxel"):
            volumeOf(node)

    def test_axes_that_span_no_space_are_refused(self, a_plain_volume):
        a_plain_volume.SetIJKToRASDirections(1, 0, 0, 1, 0, 0, 0, 0, 1)
        with pytest.raises(VolumeError, match="Volume 'MR' has no usable place in space"):
            volumeOf(a_plain_volume)

    def test_a_grid_that_is_not_the_image_s_is_told_apart(self, a_plain_volume):
        grid = geometryOf(a_plain_volume)
        checkSameGrid("The map", grid, grid, "MR")
        with pytest.raises(VolumeError, match=r"The map differs from the image 'MR' in size \(.*: use what was made"):
            checkSameGrid("The map", grid.cropped((1, 0, 0), (4, 5, 6)), grid, "MR")


class TestHiddenLabelMaps:
    def test_no_selector_offers_and_no_view_shows_one(self, scene, a_plain_volume):
        node = addHiddenLabelMap(scene, Volume(np.ones((2, 3, 4), np.uint8), obliqueGeometry((2, 3, 4))), "x", a_plain_volume)
        assert node.GetHideFromEditors()
        assert node.GetDisplayNode() is None
        assert node.GetSaveWithScene()

    def test_long_whole_numbers_become_what_a_label_map_can_hold(self, scene, a_plain_volume):
        grid = obliqueGeometry((1, 2, 3))
        array = np.array([0, 1, -1, 2, 70_000, 2**31 - 1], np.int64).reshape(grid.shape)
        found = volumeOf(addHiddenLabelMap(scene, Volume(array, grid), "x", a_plain_volume)).array
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, array)
        with pytest.raises(VolumeError, match="The label map 'x' has values beyond 2147483647"):
            addHiddenLabelMap(scene, Volume(array * 2, grid), "x", a_plain_volume)

    def test_an_image_is_no_label_map(self, scene, a_plain_volume):
        with pytest.raises(VolumeError, match="The label map 'x' has voxels of type float32"):
            addHiddenLabelMap(scene, Volume(np.zeros((1, 2, 3), np.float32), obliqueGeometry((1, 2, 3))), "x", a_plain_volume)


class TestShowing:
    def test_a_new_volume_shows_the_whole_range_of_its_values(self, scene, a_plain_volume):
        array = np.linspace(-2, 6, 24, dtype=np.float32).reshape(2, 3, 4)
        display = addScalarVolume(scene, Volume(array, obliqueGeometry(array.shape)), "x", a_plain_volume).GetDisplayNode()
        assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((-2, 6))
        assert display.GetColorNode() is not None

    def test_no_range_can_be_shown_of_what_is_not_finite(self, scene, a_plain_volume):
        array = np.array([np.nan, np.inf, 1, 2], np.float32).reshape(1, 2, 2)
        display = addScalarVolume(scene, Volume(array, obliqueGeometry(array.shape)), "x", a_plain_volume).GetDisplayNode()
        assert np.isfinite([display.GetWindow(), display.GetLevel()]).all()

    def test_a_name_is_never_given_twice(self, scene, a_plain_volume):
        volume = Volume(np.zeros((2, 3, 4)), obliqueGeometry((2, 3, 4)))
        names = {addScalarVolume(scene, volume, "Ä entropy", a_plain_volume).GetName() for _ in range(3)}
        assert len(names) == 3
        assert "Ä entropy" in names

    def test_whoever_hears_of_a_new_volume_sees_its_voxels(self, scene, a_plain_volume):
        heard = []

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def added(caller, event, node):
            if node.IsA("vtkMRMLScalarVolumeNode"):
                heard.append(geometryOf(node).shape)

        tag = scene.AddObserver(scene.NodeAddedEvent, added)
        addScalarVolume(scene, Volume(np.zeros((2, 3, 4)), obliqueGeometry((2, 3, 4))), "x", a_plain_volume)
        scene.RemoveObserver(tag)
        assert heard == [(2, 3, 4)]


class TestContentId:
    def test_looking_at_a_volume_does_not_change_it(self, scene, a_plain_volume):
        before = contentId(a_plain_volume)
        volumeOf(a_plain_volume).array.sum()
        a_plain_volume.GetImageData().GetScalarRange()
        a_plain_volume.GetDisplayNode().SetWindowLevelMinMax(3, 5)
        a_plain_volume.SetName("another name")
        assert contentId(a_plain_volume) == before

    def test_other_voxels_are_noticed(self, a_plain_volume):
        before = contentId(a_plain_volume)
        volumeOf(a_plain_volume).array[0, 0, 0] += 1
        slicer.util.arrayFromVolumeModified(a_plain_volume)
        assert contentId(a_plain_volume) != before

    def test_other_image_data_or_none_are_noticed(self, a_plain_volume):
        before = contentId(a_plain_volume)
        copy = vtk.vtkImageData()
        copy.DeepCopy(a_plain_volume.GetImageData())
        a_plain_volume.SetAndObserveImageData(copy)
        replaced = contentId(a_plain_volume)
        a_plain_volume.SetAndObserveImageData(None)
        assert len({before, replaced, contentId(a_plain_volume)}) == 3

    def test_another_place_is_noticed(self, a_plain_volume):
        before = contentId(a_plain_volume)
        a_plain_volume.SetOrigin(0, 0, 0)
        assert contentId(a_plain_volume) != before

    def test_two_volumes_of_the_same_content_are_two(self, scene, a_plain_volume):
        assert contentId(obliqueVolume(scene, "twin")) != contentId(a_plain_volume)


def test_reading_leaves_no_reference_that_outlives_the_node(scene):
    """An array that is kept keeps its memory, not the node: the node leaves its scene, the array stays readable."""
    node = obliqueVolume(scene)
    array = volumeOf(node).array
    expected = array.copy()
    scene.RemoveNode(node)
    del node
    np.testing.assert_array_equal(array, expected)
