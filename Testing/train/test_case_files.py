"""The files of a case: every channel is checked, and the label map read only where it may be."""

from __future__ import annotations

import numpy as np
import pytest

from dualssl.case_files import read_case, read_images
from dualssl.errors import VolumeError
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

GRID = Geometry((4, 5, 6), (2.0, 1.0, 1.0))
IMAGE = np.arange(120, dtype=np.int16).reshape(GRID.shape)


@pytest.fixture
def two_channel_dataset(write_dataset, tmp_path):
    images = [Volume(IMAGE + channel, GRID) for channel in range(2)]
    cases = {"a": (images, Volume((IMAGE > 60).astype(np.uint8), GRID))}
    return write_dataset(tmp_path, cases, ("organ",), "two channels", ("T1", "T2"))


def test_a_labelled_case_has_its_channels_in_order_and_its_label_map(two_channel_dataset):
    images, label = read_case(two_channel_dataset, "a", labelled=True)
    assert [int(volume.array[0, 0, 0]) for volume in images] == [0, 1]
    np.testing.assert_array_equal(label.array, IMAGE > 60)


def test_the_label_map_of_an_unlabelled_case_is_not_touched(two_channel_dataset):
    two_channel_dataset.label_path("a").write_bytes(b"no volume")
    images, label = read_case(two_channel_dataset, "a", labelled=False)
    assert len(images) == 2
    assert label is None


def test_every_channel_is_checked_and_named(two_channel_dataset):
    second = two_channel_dataset.image_paths("a")[1]
    write_volume(Volume(np.full(GRID.shape, 3, np.int16), GRID), second)
    with pytest.raises(VolumeError, match=r"a_0001\.nrrd has the value 3"):
        read_images(two_channel_dataset.image_paths("a"))


def test_a_label_map_beside_its_image_is_refused(two_channel_dataset):
    moved = Geometry(GRID.shape, GRID.spacing, origin=(5.0, 0.0, 0.0))
    write_volume(Volume((IMAGE > 60).astype(np.uint8), moved), two_channel_dataset.label_path("a"))
    with pytest.raises(VolumeError, match=r"a\.nrrd differs from its image"):
        read_case(two_channel_dataset, "a", labelled=True)
