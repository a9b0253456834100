"""The files of a case: every channel is checked, and the label map read only where it may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dualssl.case_files import EDITED, LEFT, OUTSIDE, UNSEEN, read_case, read_images, read_marked_case
from dualssl.dataset import Dataset
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


@dataclass(frozen=True)
class WithMarks(Dataset):
    marks: Path

    def edit_mask_path(self, case):
        return self.marks


@pytest.fixture
def marked(two_channel_dataset, tmp_path):
    """The dataset with an edit mask of its case."""

    def make(array):
        write_volume(Volume(array.astype(np.uint8), GRID), tmp_path / "a.edits.nrrd")
        return WithMarks(**vars(two_channel_dataset), marks=tmp_path / "a.edits.nrrd")

    return make


def marks_of_a_box():
    marks = np.full(GRID.shape, OUTSIDE)
    marks[1:4, 2:5, 1:4] = LEFT
    marks[1, 2, 1], marks[2, 3, 2] = EDITED, UNSEEN
    return marks


def test_a_case_that_was_segmented_in_a_box_is_that_box(marked):
    images, label, marks = read_marked_case(marked(marks_of_a_box()), "a")
    for volume in (*images, label, marks):
        assert volume.geometry == GRID.cropped((1, 2, 1), (3, 3, 3))
    np.testing.assert_array_equal(images[1].array, IMAGE[1:4, 2:5, 1:4] + 1)
    np.testing.assert_array_equal(label.array, (IMAGE > 60)[1:4, 2:5, 1:4])
    assert (marks.array[0, 0, 0], marks.array[1, 1, 1], marks.array[2, 2, 2]) == (EDITED, UNSEEN, LEFT)
    assert read_case(marked(marks_of_a_box()), "a", labelled=True)[1].geometry == label.geometry


def test_without_its_labels_such_a_case_is_the_whole_image(marked):
    images, _ = read_case(marked(marks_of_a_box()), "a", labelled=False)
    assert images[0].geometry == GRID


def test_a_case_without_a_box_is_whole_and_keeps_its_marks(marked):
    marks = np.zeros(GRID.shape)
    marks[0, 0, 0], marks[1] = EDITED, UNSEEN
    images, label, found = read_marked_case(marked(marks), "a")
    assert images[0].geometry == label.geometry == found.geometry == GRID
    np.testing.assert_array_equal(found.array, marks)


@pytest.mark.parametrize(("where", "words"), [(np.s_[:], "All of"), (np.s_[2, 3, 2], "is no box")])
def test_a_mask_that_leaves_no_box_is_refused(marked, where, words):
    marks = marks_of_a_box()
    marks[where] = OUTSIDE
    marks[3, 4, 3] = OUTSIDE if words == "All of" else LEFT
    with pytest.raises(VolumeError, match=words):
        read_case(marked(marks), "a", labelled=True)
