"""A phantom dataset folder: complete, in the form every command takes, and never written over somebody's files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from dualssl.errors import DatasetError, OutputError
from dualssl.labels import LabelTable
from dualssl.phantoms import dataset as dataset_module
from dualssl.phantoms.case import generate_case
from dualssl.phantoms.dataset import write_phantom_dataset
from dualssl.phantoms.settings import PhantomSettings

TINY = PhantomSettings(cases=6, shape=(16, 18, 20), spacing=(5.0, 4.5, 4.0))


def names_in(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def a_written_dataset(tmp_path):
    return write_phantom_dataset(tmp_path / "phantoms", TINY, labelled=2, validation=1)


def test_every_case_has_image_and_label_map(a_written_dataset):
    expected = {f"phantom_{index:03d}.nrrd" for index in range(6)}
    for kind in ("images", "labels"):
        assert {path.name for path in (a_written_dataset.folder / kind).iterdir()} == expected
    assert {path.name for path in a_written_dataset.folder.iterdir()} == {
        "images", "labels", "dataset.json", "train.txt", "labelled_2.txt", "unlabelled.txt", "validation.txt",
    }  # fmt: skip


def test_files_hold_the_generated_voxels_on_their_grid(a_written_dataset):
    case = generate_case(TINY, 4)
    for kind, volume in (("images", case.image), ("labels", case.label_map)):
        read = sitk.ReadImage(str(a_written_dataset.folder / kind / "phantom_004.nrrd"))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read), volume.array)
        np.testing.assert_allclose(read.GetOrigin(), volume.geometry.origin, atol=1e-6)
        np.testing.assert_allclose(read.GetDirection(), np.ravel(volume.geometry.direction), atol=1e-6)
        np.testing.assert_allclose(read.GetSpacing(), volume.geometry.spacing[::-1], atol=1e-6)


def test_lists_part_the_cases_without_overlap(a_written_dataset):
    labelled, unlabelled = names_in(a_written_dataset.labelled), names_in(a_written_dataset.unlabelled)
    validation = names_in(a_written_dataset.validation)
    assert (len(labelled), len(unlabelled), len(validation)) == (2, 3, 1)
    assert names_in(a_written_dataset.train) == labelled + unlabelled
    assert len({*labelled, *unlabelled, *validation}) == 6


def test_dataset_json_names_the_labels_and_the_settings(a_written_dataset):
    description = json.loads((a_written_dataset.folder / "dataset.json").read_text(encoding="utf-8"))
    assert LabelTable.from_dataset_json(description["labels"]) == TINY.labels
    assert description["channel_names"] == {"0": "MRI"}
    assert description["file_ending"] == ".nrrd"
    assert description["numTraining"] == 5
    assert description["phantom_settings"]["seed"] == TINY.seed


def test_its_own_folder_is_replaced_and_what_a_person_added_stays(a_written_dataset):
    folder = a_written_dataset.folder
    (folder / "images" / "mine.nrrd").write_text("kept")
    write_phantom_dataset(folder, replace(TINY, cases=4), labelled=1, validation=1)
    assert sorted(path.name for path in (folder / "labels").iterdir()) == [f"phantom_{i:03d}.nrrd" for i in range(4)]
    assert (folder / "images" / "mine.nrrd").read_text() == "kept"
    assert [path.name for path in folder.glob("labelled_*.txt")] == ["labelled_1.txt"]


@pytest.mark.parametrize("content", ["notes.txt", "dataset.json"])
def test_a_foreign_folder_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / content).write_text('{"name": "somebody\'s data"}')
    with pytest.raises(DatasetError, match="no phantom dataset"):
        write_phantom_dataset(tmp_path, TINY, labelled=2, validation=1)
    assert [path.name for path in tmp_path.iterdir()] == [content]


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "phantoms").write_text("")
    with pytest.raises(DatasetError, match="is a file"):
        write_phantom_dataset(tmp_path / "phantoms", TINY, labelled=2, validation=1)


@pytest.mark.parametrize(("labelled", "validation"), [(0, 1), (5, 1), (2, -1), (1, 6)])
def test_a_split_that_leaves_a_part_empty_is_refused_before_anything_is_written(tmp_path, labelled, validation):
    with pytest.raises(DatasetError, match="cannot be split"):
        write_phantom_dataset(tmp_path / "phantoms", TINY, labelled=labelled, validation=validation)
    assert not (tmp_path / "phantoms").exists()


def test_a_failure_half_way_leaves_the_earlier_dataset_whole(a_written_dataset, monkeypatch):
    before = {path: path.read_bytes() for path in a_written_dataset.folder.rglob("*") if path.is_file()}

    def fails_at_the_third(settings, index):
        if index == 2:
            raise DatasetError("made to fail")
        return generate_case(settings, index)

    monkeypatch.setattr(dataset_module, "generate_case", fails_at_the_third)
    with pytest.raises(DatasetError, match="made to fail"):
        write_phantom_dataset(a_written_dataset.folder, replace(TINY, seed=9), labelled=2, validation=1)
    assert {path: path.read_bytes() for path in a_written_dataset.folder.rglob("*") if path.is_file()} == before


def test_what_a_killed_run_left_does_not_block_the_next(tmp_path):
    (tmp_path / ".phantom-partial-killed").mkdir()
    (tmp_path / "images").mkdir()
    written = write_phantom_dataset(tmp_path, TINY, labelled=2, validation=1)
    assert not list(tmp_path.glob(".phantom-partial-*"))
    assert len(list((written.folder / "images").iterdir())) == 6


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="phantoms cannot be written"):
        write_phantom_dataset(tmp_path / "file" / "phantoms", TINY, labelled=2, validation=1)


def test_a_full_disk_leaves_no_half_dataset(tmp_path, monkeypatch):
    def disk_is_full(volume, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dataset_module, "write_volume", disk_is_full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_phantom_dataset(tmp_path / "phantoms", TINY, labelled=2, validation=1)
    assert list((tmp_path / "phantoms").iterdir()) == []
