"""Volumes go over in files, whole or not at all, on their own grid, and nothing in a file can run code."""

import errno
import os

import numpy as np
import pytest

from dualssl.errors import OutputError, VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import geometry_from_json, geometry_json, read_volume, write_array, write_volume
from dualssl.worker.protocol import decode, encode
from dualssl.worker.requests import RequestError

OBLIQUE = Geometry.from_ijk_to_ras(
    [[0.6, 0.0, -1.6, 10.0], [0.8, 0.0, 1.2, -20.0], [0.0, -0.75, 0.0, 30.0], [0, 0, 0, 1]], (4, 5, 6)
)


def volume(dtype=np.int16, grid=OBLIQUE):
    return Volume((np.arange(np.prod(grid.shape)).reshape(grid.shape) % 120).astype(dtype), grid)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u8", "f4", ">i2", ">f4", "?"])
def test_voxels_and_grid_come_back_exactly(tmp_path, dtype):
    given = volume(dtype)
    said = decode(encode(write_volume(given, tmp_path / "Größe.npy")))
    back = read_volume(said, "volume")
    np.testing.assert_array_equal(back.array, given.array)
    assert back.array.dtype == np.dtype(dtype).newbyteorder("=")
    assert back.array.flags.writeable
    assert back.geometry.matches(given.geometry, tolerance_mm=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_numbers_of_other_precision_become_float32(tmp_path, dtype):
    given = Volume(np.array([[[0.5, 1e300 if dtype is np.float64 else 2.0]]], dtype), Geometry((1, 1, 2)))
    back = read_volume(write_volume(given, tmp_path / "a.npy"), "volume")
    assert back.array.dtype == np.float32
    assert back.array[0, 0, 0] == 0.5
    assert np.isinf(back.array[0, 0, 1]) == (dtype is np.float64)


def test_the_order_of_axes_in_memory_does_not_matter(tmp_path):
    given = volume()
    turned = Volume(np.asfortranarray(given.array), given.geometry)
    np.save(tmp_path / "f.npy", turned.array, allow_pickle=False)
    for said in (
        write_volume(turned, tmp_path / "a.npy"),
        {"file": str(tmp_path / "f.npy"), "geometry": geometry_json(given.geometry)},
    ):
        back = read_volume(said, "volume").array
        np.testing.assert_array_equal(back, given.array)
        assert back.flags.c_contiguous


def test_what_numpy_writes_can_be_read_and_the_other_way_round(tmp_path):
    given = volume()
    write_array(given.array, tmp_path / "a.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), given.array)


def test_a_file_with_objects_is_refused_and_none_is_made(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "trap.npy", np.array([[[Trap()]]], dtype=object), allow_pickle=True)
    with pytest.raises(VolumeError):
        read_volume({"file": str(tmp_path / "trap.npy"), "geometry": geometry_json(Geometry((1, 1, 1)))}, "volume")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_bytes(b""), "no whole .npy"),
        (lambda path: path.write_bytes(b"PK\x03\x04 a zip"), "no whole .npy"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "no whole .npy"),
        (lambda path: np.save(path, np.zeros((4, 5, 7))), "shape"),
        (lambda path: np.save(path, np.zeros((4, 5, 6), complex)), "complex"),
        (lambda path: np.save(path, np.zeros((4, 5, 6), "M8[s]")), "datetime"),
        (lambda path: np.save(path, np.zeros((4, 5, 6), [("a", "i2")])), "numbers"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path, harm, says):
    said = write_volume(volume(), tmp_path / "a.npy")
    harm(tmp_path / "a.npy")
    with pytest.raises(VolumeError, match=says):
        read_volume(said, "volume")


def test_a_header_that_promises_the_moon_takes_no_memory(tmp_path):
    grid = Geometry((10_000, 100_000, 100_000))
    header = np.lib.format.header_data_from_array_1_0(np.zeros((1, 1, 1), np.uint8)) | {"shape": grid.shape}
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises((VolumeError, MemoryError)):
        read_volume({"file": str(tmp_path / "a.npy"), "geometry": geometry_json(grid)}, "volume")


@pytest.mark.parametrize(
    "change",
    [
        {"shape_kji": [0, 5, 6]},
        {"shape_kji": [5, 6]},
        {"shape_kji": "abc"},
        {"shape_kji": None},
        {"ijk_to_ras": [[1, 0, 0, 0]] * 3},
        {"ijk_to_ras": [[0, 0, 0, 0]] * 3 + [[0, 0, 0, 1]]},
        {"ijk_to_ras": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]},
        {"ijk_to_ras": [[None, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]},
        {"ijk_to_ras": "x"},
    ],
)
def test_a_grid_that_is_none_is_refused(change):
    with pytest.raises(VolumeError, match="where it lies"):
        geometry_from_json(geometry_json(OBLIQUE) | change)


@pytest.mark.parametrize("grid", [None, [], {}])
def test_a_volume_without_a_grid_is_refused(tmp_path, grid):
    with pytest.raises(VolumeError, match="where it lies"):
        read_volume({"file": str(tmp_path / "a.npy"), "geometry": grid}, "volume")


def test_a_relative_path_is_refused():
    with pytest.raises(RequestError, match="absolute"):
        read_volume({"file": "a.npy", "geometry": geometry_json(OBLIQUE)}, "volume")


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, limited_files):
    big = np.zeros((50, 50, 50), np.float32)
    with limited_files(100_000), pytest.raises(OutputError, match="too large"):
        write_array(big, tmp_path / "a.npy")
    assert list(tmp_path.iterdir()) == []


def test_no_memory_for_a_file_is_not_taken_for_a_bad_file(tmp_path, monkeypatch):
    said = write_volume(volume(), tmp_path / "a.npy")

    def no_room(*_args, **_options):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(np.lib.format, "open_memmap", no_room)
    with pytest.raises(MemoryError):
        read_volume(said, "volume")
