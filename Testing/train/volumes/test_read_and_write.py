import errno
import gzip
import shutil
import struct

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import OutputError, VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.read import check_image, read_label_map, read_volume
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

SUFFIXES = [".nrrd", ".nii", ".nii.gz", ".mha"]


def assert_same_place(grid, expected, mm):
    assert grid.shape == expected.shape
    assert np.allclose(grid.spacing, expected.spacing, atol=mm / 10)
    assert np.allclose(grid.ijk_to_lps, expected.ijk_to_lps, atol=mm)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32])
def test_voxels_type_and_place_survive_a_file_of_every_format(tmp_path, oblique_left_handed_grid, suffix, dtype):
    array = np.random.default_rng(0).integers(0, 200, oblique_left_handed_grid.shape).astype(dtype)
    path = tmp_path / f"Herz λ 心{suffix}"
    write_volume(Volume(array, oblique_left_handed_grid), path)
    back = read_volume(path)
    assert back.array.dtype == dtype
    assert np.array_equal(back.array, array)
    # NIfTI stores positions as float32.
    assert_same_place(back.geometry, oblique_left_handed_grid, mm=1e-4 if "nii" in suffix else 1e-9)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(data=st.data())
def test_any_grid_survives_nrrd(tmp_path_factory, grids, data):
    grid = data.draw(grids(st.integers(2, 6)))
    path = tmp_path_factory.mktemp("grids") / "grid.nrrd"
    array = np.arange(np.prod(grid.shape), dtype=np.int64).reshape(grid.shape)[::-1]
    write_volume(Volume(array, grid), path)
    back = read_volume(path)
    assert np.array_equal(back.array, array)
    assert_same_place(back.geometry, grid, mm=1e-9)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("suffix", [*SUFFIXES, ".mhd", ".nhdr"])
def test_files_of_other_writers_are_read(tmp_path, image, suffix, compressed):
    itk_image = sitk.GetImageFromArray(image.array)
    itk_image.SetSpacing(image.geometry.spacing[::-1])
    itk_image.SetOrigin(image.geometry.origin)
    itk_image.SetDirection(np.ravel(image.geometry.direction).tolist())
    path = tmp_path / f"image{suffix}"
    sitk.WriteImage(itk_image, str(path), compressed)
    back = read_volume(path)
    assert np.array_equal(back.array, image.array)
    assert_same_place(back.geometry, image.geometry, mm=1e-4)


def test_double_precision_becomes_single(tmp_path, oblique_left_handed_grid):
    array = np.random.default_rng(0).normal(size=oblique_left_handed_grid.shape)
    write_volume(Volume(array, oblique_left_handed_grid), tmp_path / "image.nrrd")
    back = read_volume(tmp_path / "image.nrrd")
    assert back.array.dtype == np.float32
    assert np.array_equal(back.array, array.astype(np.float32))


def test_a_fourth_dimension_of_one_is_no_obstacle(tmp_path):
    sitk.WriteImage(
        sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(1, 3, 4, 5), isVector=False), str(tmp_path / "a.nrrd")
    )
    assert read_volume(tmp_path / "a.nrrd").array.ravel().tolist() == list(range(60))


# -- refused input ------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(VolumeError, match=r"absent\.nrrd does not exist"):
        read_volume(tmp_path / "absent.nrrd")


@pytest.mark.parametrize("name", ["text.nrrd", "text.nii.gz", "text.nii", "text.mha", "text.txt"])
@pytest.mark.parametrize("content", [b"no volume at all", b""])
def test_a_file_that_is_no_volume_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VolumeError, match="truncated, damaged or no volume"):
        read_volume(tmp_path / name)


@pytest.mark.parametrize("keep", [0.5, 0.97])
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".nii.gz", ".mha"])
def test_a_truncated_file_is_refused(tmp_path, image, suffix, compressed, keep):
    path = tmp_path / f"cut{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(image.array), str(path), compressed)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(VolumeError, match=r"cut\S* is truncated") as caught:
        read_volume(path)
    assert "\n" not in str(caught.value)


def test_a_gzip_file_of_several_members_is_whole(tmp_path, image):
    write_volume(image, tmp_path / "one.nii")
    content = (tmp_path / "one.nii").read_bytes()
    (tmp_path / "two.nii.gz").write_bytes(gzip.compress(content[:400]) + gzip.compress(content[400:]))
    assert np.array_equal(read_volume(tmp_path / "two.nii.gz").array, image.array)


def test_a_4d_image_is_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4, 5), np.int16), isVector=False), str(tmp_path / "a.nii.gz"))
    with pytest.raises(VolumeError, match=r"4 dimensions \(5 x 4 x 3 x 2\)"):
        read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".mha"])
def test_a_colour_image_is_refused(tmp_path, suffix):
    colour = sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True)
    sitk.WriteImage(colour, str(tmp_path / f"a{suffix}"))
    with pytest.raises(VolumeError, match="3 numbers in each voxel"):
        read_volume(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("name", ["photo.png", "slice.nrrd"])
def test_a_2d_image_is_refused(tmp_path, name):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5), np.uint8)), str(tmp_path / name))
    with pytest.raises(VolumeError, match="is a 2D image"):
        read_volume(tmp_path / name)


@pytest.mark.parametrize("name", ["slice.nrrd", "slice.nii.gz", "slice.mha"])
def test_a_single_slice_is_refused_as_an_image_but_not_as_a_label_map(tmp_path, name):
    write_volume(Volume(np.eye(6, dtype=np.uint8)[None], Geometry((1, 6, 6))), tmp_path / name)
    with pytest.raises(VolumeError, match=rf"{name} holds a single slice: use a volume of several slices\."):
        read_volume(tmp_path / name)
    assert read_label_map(tmp_path / name, [1]).array.shape == (1, 6, 6)


NOWHERE = float("nan")


@pytest.mark.parametrize("value", [NOWHERE, 0.0])
def test_a_nifti_axis_that_leads_nowhere_is_refused(tmp_path, value):
    path = tmp_path / "image.nii"
    write_volume(Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), Geometry((3, 4, 5))), path)
    header = bytearray(path.read_bytes())
    struct.pack_into("<hh", header, 252, 0, 1)  # no qform, but an sform
    struct.pack_into("<f", header, 280, value)  # its first axis
    path.write_bytes(header)
    with pytest.raises(VolumeError, match=r"image\.nii") as caught:
        read_volume(path)
    assert "\n" not in str(caught.value)


def test_a_position_that_is_not_a_number_is_said_to_be_in_the_header(tmp_path):
    path = tmp_path / "image.nii"
    write_volume(Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), Geometry((3, 4, 5))), path)
    header = bytearray(path.read_bytes())
    for offset in (268, 292):  # of the qform and of the sform
        struct.pack_into("<f", header, offset, NOWHERE)
    path.write_bytes(header)
    with pytest.raises(VolumeError, match=r"image\.nii does not say where it lies .*correct its header"):
        read_volume(path)


@pytest.mark.parametrize("axes", ["(1,0,0) (1,0,0) (0,0,1)", "(0,0,0) (0,1,0) (0,0,1)", "(nan,0,0) (0,1,0) (0,0,1)"])
def test_nrrd_axes_that_span_no_space_are_refused(tmp_path, axes):
    header = (
        "NRRD0004\ntype: int16\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 4 3\n"
        f"space directions: {axes}\nkinds: domain domain domain\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n\n"
    )
    (tmp_path / "image.nrrd").write_bytes(header.encode() + np.arange(60, dtype=np.int16).tobytes())
    with pytest.raises(VolumeError, match=r"image\.nrrd") as caught:
        read_volume(tmp_path / "image.nrrd")
    assert "\n" not in str(caught.value)


def test_complex_voxels_are_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5), np.complex64)), str(tmp_path / "a.nrrd"))
    with pytest.raises(VolumeError, match="complex voxels"):
        read_volume(tmp_path / "a.nrrd")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_counted(tmp_path, value):
    array = np.zeros((3, 4, 5), np.float32)
    array[1, 2, 3:] = value
    write_volume(Volume(array, Geometry(array.shape)), tmp_path / "a.nrrd")
    with pytest.raises(VolumeError, match="infinity in 2 of 60 voxels"):
        read_volume(tmp_path / "a.nrrd")


def test_numbers_beyond_single_precision_are_refused(tmp_path):
    array = np.zeros((3, 4, 5))
    array[0, 0, 0] = 1e200
    write_volume(Volume(array, Geometry(array.shape)), tmp_path / "a.nrrd")
    with pytest.raises(VolumeError, match="infinity in 1 of 60 voxels"):
        read_volume(tmp_path / "a.nrrd")


def test_a_constant_image_can_be_read_but_not_used(tmp_path):
    write_volume(Volume(np.full((3, 4, 5), 7, np.int16), Geometry((3, 4, 5))), tmp_path / "flat.nrrd")
    volume = read_volume(tmp_path / "flat.nrrd")
    with pytest.raises(VolumeError, match=r"flat\.nrrd has the value 7 in every voxel"):
        check_image(volume, tmp_path / "flat.nrrd")


def test_an_image_with_contrast_can_be_used(tmp_path, image):
    check_image(image, tmp_path / "image.nrrd")


def test_reading_leaves_itks_warnings_as_they_were(tmp_path):
    sitk.ProcessObject.SetGlobalWarningDisplay(True)
    with pytest.raises(VolumeError):
        read_volume(tmp_path)
    assert sitk.ProcessObject.GetGlobalWarningDisplay()


# -- nothing half-written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writing_twice_gives_the_same_bytes(tmp_path, image, suffix):
    for name in "ab":
        write_volume(image, tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_nrrd_is_compressed(tmp_path):
    write_volume(Volume(np.zeros((50, 50, 50), np.uint8), Geometry((50, 50, 50))), tmp_path / "a.nrrd")
    assert (tmp_path / "a.nrrd").stat().st_size < 2000


@pytest.mark.parametrize("missing_bytes", [3000, 20])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_else(tmp_path, limited_files, suffix, missing_bytes):
    noise = np.random.default_rng(0).integers(0, 255, (20, 20, 20)).astype(np.uint8)
    path = tmp_path / f"result{suffix}"
    volume = Volume(noise, Geometry(noise.shape))
    write_volume(volume, path)
    size = path.stat().st_size
    path.write_bytes(b"old result")
    with limited_files(size - missing_bytes), pytest.raises(OutputError, match=rf"result{suffix} could not be written"):
        write_volume(volume, path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old result"


def test_the_cause_of_a_failure_is_told(tmp_path, image, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_volume(image, tmp_path / "a.nrrd")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_told(tmp_path, image):
    with pytest.raises(OutputError, match="its folder does not exist"):
        write_volume(image, tmp_path / "nowhere" / "a.nrrd")
    with pytest.raises(OutputError, match="could not be written"):
        write_volume(image, tmp_path / "nowhere" / "a.mha")


@pytest.mark.parametrize("name", ["a.mhd", "a.png", "a"])
def test_formats_that_cannot_be_written_in_one_step_are_refused(tmp_path, image, name):
    with pytest.raises(OutputError, match=r"ends in \.nrrd"):
        write_volume(image, tmp_path / name)


# -- DICOM --------------------------------------------------------------------------------------------------------------


def test_a_dicom_folder_is_read_in_order_of_position_whatever_the_file_names(tmp_path, write_dicom_series, right_handed_image):
    files = write_dicom_series(tmp_path / "series", right_handed_image)
    assert files != sorted(files)
    (tmp_path / "series" / "notes.txt").write_text("passed over")
    back = read_volume(tmp_path / "series")
    assert back.array.dtype == np.int16
    assert np.array_equal(back.array, right_handed_image.array)
    assert_same_place(back.geometry, right_handed_image.geometry, mm=1e-5)


def test_a_folder_of_two_series_asks_for_one(tmp_path, write_dicom_series, right_handed_image):
    other = Volume(right_handed_image.array[:3] + 500, right_handed_image.geometry.cropped((0, 0, 0), (3, 7, 9)))
    write_dicom_series(tmp_path, right_handed_image, "1.2.826.5")
    write_dicom_series(tmp_path, other, "1.2.826.6")
    with pytest.raises(VolumeError, match=r"2 DICOM series: 1\.2\.826\.5 \(5 files\), 1\.2\.826\.6 \(3 files\)"):
        read_volume(tmp_path)
    assert np.array_equal(read_volume(tmp_path, series_uid="1.2.826.6").array, other.array)
    with pytest.raises(VolumeError, match=r"no series 9\.9: choose one of 1\.2\.826\.5, 1\.2\.826\.6"):
        read_volume(tmp_path, series_uid="9.9")


def test_a_folder_of_one_slice_is_refused(tmp_path, write_dicom_series, right_handed_image):
    one = Volume(right_handed_image.array[:1], right_handed_image.geometry.cropped((0, 0, 0), (1, 7, 9)))
    write_dicom_series(tmp_path / "localiser", one)
    with pytest.raises(VolumeError, match="localiser holds a single slice"):
        read_volume(tmp_path / "localiser")


def test_a_folder_without_dicom_is_refused(tmp_path):
    with pytest.raises(VolumeError, match="no DICOM series"):
        read_volume(tmp_path)


def test_a_missing_slice_is_noticed(tmp_path, write_dicom_series, right_handed_image):
    write_dicom_series(tmp_path, right_handed_image)[2].unlink()
    with pytest.raises(VolumeError, match="not evenly spaced"):
        read_volume(tmp_path)


def test_slices_that_are_there_twice_are_noticed(tmp_path, write_dicom_series, right_handed_image):
    files = write_dicom_series(tmp_path, right_handed_image)
    shutil.copy(files[1], tmp_path / "again.dcm")
    with pytest.raises(VolumeError, match="not evenly spaced"):
        read_volume(tmp_path)


def test_a_truncated_slice_is_named(tmp_path, write_dicom_series, right_handed_image):
    last = write_dicom_series(tmp_path, right_handed_image)[-1]
    last.write_bytes(last.read_bytes()[:600])
    with pytest.raises(VolumeError, match=last.name):
        read_volume(tmp_path)


def test_a_single_slice_points_to_its_folder(tmp_path, write_dicom_series, right_handed_image):
    file = write_dicom_series(tmp_path, right_handed_image)[0]
    with pytest.raises(VolumeError, match="single DICOM slice"):
        read_volume(file)
