"""A volume from the disk in the scene."""

import asyncio
import os
import time

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="there is no slicer-core for this system")

from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume
from dualssl_web.opening import Opened, add_to_scene, open_volume, read_confined
from DualSSLSegmentationLib.scene.volumes import volumeOf


@pytest.fixture
def scene():
    return slicer.vtkMRMLScene()


@pytest.mark.parametrize("name", ["scan.nrrd", "scan.nii", "scan.nii.gz", "scan.mha"])
def test_a_file_becomes_a_volume_of_the_scene(scene, a_volume_file, a_volume, name):
    path = a_volume_file(name)
    node = asyncio.run(open_volume(scene, path, [path.parent]))
    assert node.GetName() == "scan"
    assert scene.IsNodePresent(node)
    held = volumeOf(node)
    assert held.array.dtype == np.int16
    assert np.array_equal(held.array, a_volume.array)
    assert held.geometry.matches(a_volume.geometry)
    assert node.GetDisplayNode().GetWindow() > 0


def test_a_dicom_folder_becomes_a_volume_of_its_name(scene, dicom_slices, a_volume):
    folder = dicom_slices[0].parent
    node = asyncio.run(open_volume(scene, folder, [folder]))
    assert node.GetName() == "CT head"
    held = volumeOf(node)
    assert np.array_equal(held.array, a_volume.array)
    assert held.geometry.matches(a_volume.geometry)


def test_a_second_volume_of_a_name_gets_another(scene, a_volume_file):
    path = a_volume_file()
    names = [asyncio.run(open_volume(scene, path, [path.parent])).GetName() for _ in range(2)]
    assert names[0] == "image"
    assert names[1] != "image"


def test_nothing_is_in_the_scene_after_a_wrong_file(scene, tmp_path):
    (tmp_path / "wrong.nrrd").write_text("hello", encoding="utf-8")
    with pytest.raises(VolumeError, match="not NRRD"):
        asyncio.run(open_volume(scene, tmp_path / "wrong.nrrd", [tmp_path]))
    assert scene.GetNumberOfNodes() == 0


@pytest.mark.parametrize("name", ["missing.nrrd", "folder", "notes.txt"])
def test_what_cannot_be_opened_is_named(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(VolumeError, match=name):
        read_confined(tmp_path / name, (tmp_path,))


def test_a_file_outside_the_folders_is_not_read(tmp_path, a_volume_file):
    path = a_volume_file("outside/image.nrrd")
    (tmp_path / "inside").mkdir()
    with pytest.raises(VolumeError, match="outside the folders"):
        read_confined(path, (tmp_path / "inside",))
    with pytest.raises(VolumeError, match="outside the folders"):
        read_confined(tmp_path / "inside" / ".." / "outside" / "image.nrrd", (tmp_path / "inside",))


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_lead_nowhere_else(tmp_path, a_volume_file, dicom_slices):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.nrrd").symlink_to(a_volume_file("outside/image.nrrd"))
    (inside / "series").mkdir()
    for path in dicom_slices:
        (inside / "series" / path.name).symlink_to(path)
    for name in ("link.nrrd", "series"):
        with pytest.raises(VolumeError, match="outside the folders"):
            read_confined(inside / name, (inside,))


@pytest.mark.parametrize("ending", ["nhdr", "mhd"])
def test_voxels_in_another_file_must_be_inside_as_well(tmp_path, ending):
    inside = tmp_path / "inside"
    inside.mkdir()
    voxels = np.arange(24, dtype=np.uint8)
    for folder in (tmp_path, inside):
        (folder / "voxels.raw").write_bytes(voxels.tobytes())
    headers = {
        "nhdr": "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 3 2\nspace: left-posterior-superior\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: raw\ndata file: {}\n\n",
        "mhd": "ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nElementType = MET_UCHAR\nElementDataFile = {}\n",
    }
    path = inside / f"image.{ending}"
    path.write_text(headers[ending].format("voxels.raw"), encoding="utf-8")
    assert read_confined(path, (inside,)).volume.array.ravel().tolist() == voxels.tolist()
    for place in ("../voxels.raw", str(tmp_path / "voxels.raw")):
        path.write_text(headers[ending].format(place), encoding="utf-8")
        with pytest.raises(VolumeError, match="outside the folders"):
            read_confined(path, (inside,))
    path.write_text(headers[ending].format("LIST\nvoxels.raw"), encoding="utf-8")
    with pytest.raises(VolumeError, match="in several files"):
        read_confined(path, (inside,))


@pytest.mark.parametrize(
    ("dtype", "values", "held"),
    [
        (np.uint8, (0, 255), np.uint8),
        (np.int64, (-5, 70000), np.int32),
        (np.uint64, (0, 1 << 40), np.float32),
        (np.float64, (-0.5, 0.5), np.float32),
    ],
)
def test_the_scene_gets_numbers_it_can_hold(scene, tmp_path, dtype, values, held):
    voxels = np.full((4, 5, 6), values[0], dtype)
    voxels[2:] = values[1]
    write_volume(Volume(voxels, Geometry(voxels.shape)), tmp_path / "image.nrrd")
    node = asyncio.run(open_volume(scene, tmp_path / "image.nrrd", [tmp_path]))
    array = volumeOf(node).array
    assert array.dtype == held
    assert np.array_equal(array, voxels.astype(held))


def test_the_window_leaves_out_the_odd_bright_voxel(tmp_path):
    voxels = np.random.default_rng(1).integers(0, 1000, (30, 40, 50)).astype(np.int16)
    voxels[0, 0, :3] = 32000
    write_volume(Volume(voxels, Geometry(voxels.shape)), tmp_path / "image.nrrd")
    low, high = read_confined(tmp_path / "image.nrrd", (tmp_path,)).window
    assert -1 < low < 20
    assert 980 < high < 1001


def test_an_image_of_one_value_has_a_window_too(scene):
    opened = Opened(Volume(np.zeros((2, 3, 4), np.int16), Geometry((2, 3, 4))), "flat", (0.0, 1.0))
    assert add_to_scene(scene, opened).GetDisplayNode().GetWindow() == 1


def test_the_event_loop_goes_on_while_a_volume_is_read(scene, tmp_path):
    voxels = np.random.default_rng(1).integers(0, 1000, (120, 200, 200)).astype(np.int16)
    write_volume(Volume(voxels, Geometry(voxels.shape)), tmp_path / "image.nii.gz")
    turns = []

    async def run():
        reading = asyncio.create_task(open_volume(scene, tmp_path / "image.nii.gz", [tmp_path]))
        while not reading.done():
            turns.append(time.monotonic())
            await asyncio.sleep(0.005)

    asyncio.run(run())
    assert len(turns) > 5
