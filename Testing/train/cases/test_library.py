"""A library keeps what it is given: cases, predictions and every version of every correction."""

import json
import sys
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from dualssl.case_files import EDITED, UNSEEN
from dualssl.cases import CaseLibrary, CaseState
from dualssl.errors import LibraryError
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume


@pytest.fixture
def reopened(filled_library):
    """The filled library as another process finds it."""
    filled_library.close()
    with CaseLibrary.open(filled_library.folder) as library:
        yield library


def test_labels_and_channels_are_those_it_was_made_with(reopened, labels):
    assert reopened.labels == labels
    assert reopened.channel_names == ("MRI",)


def test_images_come_back_voxel_for_voxel_on_their_grid(library, image, grid):
    for dtype in (np.uint8, np.int16, np.uint16, np.int32, np.float32):
        library.add_case(dtype.__name__, [image(5, dtype)])
        read = library.read_images(dtype.__name__)
        assert [volume.array.dtype for volume in read] == [dtype]
        np.testing.assert_array_equal(read[0].array, image(5, dtype).array)
        assert read[0].geometry.matches(grid, 1e-9)


def test_all_channels_are_kept_in_their_order(tmp_path, labels, image):
    with CaseLibrary.create(tmp_path / "two", labels, ("T1", "T2")) as library:
        library.add_case("a", [image(1), image(2)])
        first, second = library.read_images("a")
        np.testing.assert_array_equal(first.array, image(1).array)
        np.testing.assert_array_equal(second.array, image(2).array)


def test_a_new_case_waits_and_nothing_is_known_of_its_origin(library, image):
    record = library.add_case("a", [image(0)])
    assert record == library.case("a")
    assert (record.state, record.group, record.source, record.metadata) == (CaseState.waiting, "a", None, {})
    assert record.prediction is None
    assert record.labels is None
    assert abs(datetime.now(timezone.utc) - record.added) < timedelta(minutes=5)


def test_origin_is_kept_when_it_is_given(library, image):
    library.add_case("a", [image(0)], group="p1", source="disk/é.nrrd", metadata={"PatientID": "7"})
    record = library.case("a")
    assert (record.group, record.source, record.metadata) == ("p1", "disk/é.nrrd", {"PatientID": "7"})


def test_states_follow_the_data(reopened):
    assert {case.name: case.state.value for case in reopened.cases()} == {
        "waiting": "waiting",
        "predicted": "predicted",
        "corrected": "corrected",
    }


def test_cases_come_in_order_of_name_and_by_state(reopened):
    assert [case.name for case in reopened.cases()] == ["corrected", "predicted", "waiting"]
    assert [case.name for case in reopened.cases(CaseState.predicted)] == ["predicted"]
    assert reopened.cases(CaseState.excluded) == ()


def test_a_prediction_comes_back_whole(reopened, prediction):
    stored, given = reopened.read_prediction("predicted"), prediction(1)
    for kind in ("labels", "entropy", "kl"):
        np.testing.assert_array_equal(getattr(stored, kind).array, getattr(given, kind).array)
    assert (stored.model_id, stored.model_sha256, stored.features) == (given.model_id, given.model_sha256, given.features)
    assert stored.scores == given.scores
    assert reopened.case("predicted").prediction.scores == given.scores


def test_a_second_prediction_leaves_the_first(filled_library, prediction):
    record = filled_library.add_prediction("predicted", prediction(9, model_id="heart-2", entropy=None, kl=None))
    assert record.number == 2
    assert [p.provenance.model_id for p in filled_library.predictions("predicted")] == ["heart-1", "heart-2"]
    assert filled_library.read_prediction("predicted").entropy is None
    np.testing.assert_array_equal(filled_library.read_prediction("predicted", 1).labels.array, prediction(1).labels.array)


def test_a_second_correction_is_a_new_version(reopened, label_map):
    versions = reopened.label_versions("corrected")
    assert [(v.number, v.reviewer, v.notes) for v in versions] == [(1, "Ada", "first"), (2, "Bo", "")]
    np.testing.assert_array_equal(reopened.read_labels("corrected", 1).array, label_map(3).array)
    np.testing.assert_array_equal(reopened.read_labels("corrected").array, label_map(4).array)
    assert reopened.case("corrected").labels == versions[1]


def test_a_case_that_nobody_saw_as_a_whole_is_known_by_its_mask(filled_library, label_map):
    def corrected(part):
        marks = np.zeros(label_map(1).array.shape, np.uint8)
        marks[0] = UNSEEN if part else EDITED
        mask = Volume(marks, label_map(1).geometry)
        filled_library.save_correction("predicted", label_map(1), reviewer="Ada", edit_mask=mask)
        return filled_library.as_dataset().partly_seen(("predicted", "waiting"))

    assert corrected(part=True) == {"predicted"}
    assert corrected(part=False) == frozenset()


def test_an_edit_mask_belongs_to_its_version(reopened, label_map):
    np.testing.assert_array_equal(reopened.read_edit_mask("corrected", 1).array, label_map(3).array == 1)
    assert reopened.read_edit_mask("corrected", 2) is None


def test_a_correction_says_what_it_changed_in_the_prediction(filled_library, prediction, grid):
    before = prediction(1).labels.array.copy()
    before_values = before[0, 0, :3].copy()
    after = before.copy()
    after[0, 0, :3] = (before_values + 1) % 3
    version = filled_library.save_correction("predicted", Volume(after, grid), reviewer="Ada")
    expected = {
        name: sum((old == value) != (new == value) for old, new in zip(before_values, after[0, 0, :3], strict=True))
        for name, value in (("left ventricle", 1), ("myocardium", 2))
    }
    assert version.voxels_changed == expected
    assert version.voxels_changed_total == 3
    assert (version.based_on, version.provenance.model_id) == (1, "heart-1")


def test_a_correction_can_name_the_prediction_it_began_with(filled_library, prediction):
    filled_library.add_prediction("predicted", prediction(9, model_id="heart-2"))
    version = filled_library.save_correction("predicted", prediction(1).labels, reviewer="Ada", based_on=1)
    assert (version.based_on, version.provenance.model_id, version.voxels_changed_total) == (1, "heart-1", 0)


def test_labels_without_a_prediction_come_from_no_model(library, image, label_map):
    library.add_case("a", [image(0)])
    version = library.save_correction("a", label_map(0), reviewer="Ada")
    assert (version.based_on, version.provenance.model_id, version.voxels_changed) == (None, None, None)


def test_the_story_of_a_review_is_kept(library, image, label_map):
    library.add_case("a", [image(0)])
    regions = [{"rank": 1, "seconds": 12.5, "verdict": "agreed"}]
    started = datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    saved = library.save_correction("a", label_map(0), reviewer="Ada", started=started, regions_reviewed=regions, notes="naïve")
    assert library.label_versions("a") == (saved,)
    assert saved.started == started
    assert saved.started.utcoffset() == timedelta(0)
    assert (saved.regions_reviewed, saved.notes) == (tuple(regions), "naïve")


def test_labels_on_nearly_the_images_grid_are_stored_on_exactly_that(library, image, label_map, grid):
    library.add_case("a", [image(0)])
    shifted = Geometry(grid.shape, grid.spacing, tuple(x + 0.004 for x in grid.origin), grid.direction)
    library.save_correction("a", Volume(label_map(0).array.astype(np.float64), shifted), reviewer="Ada")
    stored = library.read_labels("a")
    assert stored.geometry.matches(grid, 1e-9)
    assert stored.array.dtype == np.uint8


def test_a_review_ends_with_its_correction_but_an_exclusion_stays(filled_library, label_map):
    filled_library.set_state("predicted", CaseState.in_review)
    filled_library.save_correction("predicted", label_map(1), reviewer="Ada")
    assert filled_library.case("predicted").state is CaseState.corrected
    filled_library.set_state("corrected", CaseState.excluded)
    filled_library.save_correction("corrected", label_map(5), reviewer="Ada")
    assert filled_library.case("corrected").state is CaseState.excluded
    assert len(filled_library.label_versions("corrected")) == 3


def test_a_case_in_review_can_be_given_back(filled_library):
    filled_library.set_state("predicted", CaseState.in_review)
    assert filled_library.case("predicted").state is CaseState.in_review
    assert filled_library.set_state("predicted", CaseState.predicted).state is CaseState.predicted


def test_a_prediction_during_a_review_does_not_end_it(filled_library, prediction):
    filled_library.set_state("waiting", CaseState.in_review)
    filled_library.add_prediction("waiting", prediction(0))
    assert filled_library.case("waiting").state is CaseState.in_review


def test_a_removed_case_lies_in_the_trash_with_its_labels(filled_library, label_map):
    files = sorted(path.name for path in (filled_library.folder / "cases" / "corrected").rglob("*"))
    trash = filled_library.remove_case("corrected")
    assert trash.is_relative_to(filled_library.folder / "trash")
    assert sorted(path.name for path in trash.rglob("*")) == files
    assert [case.name for case in filled_library.cases()] == ["predicted", "waiting"]


def test_a_removed_case_does_not_come_back_with_its_name(filled_library, image):
    old = filled_library.case("corrected")
    filled_library.remove_case("corrected")
    new = filled_library.add_case("corrected", [image(8)])
    assert new.uid != old.uid
    assert filled_library.label_versions("corrected") == ()


def test_nothing_but_the_named_files_is_left_on_the_disk(filled_library):
    assert list((filled_library.folder / "incoming").iterdir()) == []
    folder = filled_library.folder / "cases" / "corrected"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "case.json",
        "image_0000.nrrd",
        "labels/0001.edits.nrrd",
        "labels/0001.json",
        "labels/0001.nrrd",
        "labels/0002.json",
        "labels/0002.nrrd",
        "predictions/0001/entropy.nrrd",
        "predictions/0001/kl.nrrd",
        "predictions/0001/labels.nrrd",
        "predictions/0001/prediction.json",
        "state.json",
    ]


def test_every_file_has_its_checksum_in_index_and_note(filled_library):
    folder = filled_library.folder / "cases" / "corrected"
    listed = {file.path: file.to_json() for file in filled_library.files("corrected")}
    assert set(listed) == {path.relative_to(folder).as_posix() for path in folder.rglob("*.nrrd")}
    noted = [file for path in folder.rglob("*.json") for file in json.loads(path.read_text(encoding="utf-8")).get("files", [])]
    assert {file["path"]: file for file in noted} == listed


def test_a_case_says_all_in_plain_data(reopened):
    data = json.loads(json.dumps(reopened.case("corrected").to_json()))
    assert data["state"] == "corrected"
    assert data["labels"]["reviewer"] == "Bo"
    assert data["prediction"]["provenance"]["model_id"] == "heart-1"
    assert data["added"].endswith("+00:00")


def test_two_threads_can_share_a_library(filled_library, label_map):
    from concurrent.futures import ThreadPoolExecutor

    def correct(number):
        filled_library.save_correction("predicted", label_map(number), reviewer=f"thread {number}")
        return len(filled_library.cases())

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(correct, range(8))) == [3] * 8
    assert [version.number for version in filled_library.label_versions("predicted")] == list(range(1, 9))


def test_a_closed_library_says_so(library):
    library.close()
    library.close()
    with pytest.raises(LibraryError, match="the library was closed"):
        library.cases()


def test_the_library_needs_no_torch():
    import subprocess

    script = "import sys, dualssl.cases, dualssl.cases.check; sys.exit('torch' in sys.modules or 'SimpleITK' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
