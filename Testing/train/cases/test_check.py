"""A check finds what is wrong with a library and repairs what can be, and never deletes what may be somebody's work."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, CaseState
from dualssl.cases.check import check_library
from dualssl.errors import LibraryError
from dualssl.volumes.volume import Volume


@pytest.fixture
def folder(filled_library):
    return filled_library.folder


@pytest.fixture
def case(folder):
    """The folder of the case that has everything."""
    return folder / "cases" / "corrected"


def test_a_sound_library_has_no_problems(folder):
    report = check_library(folder)
    assert (report.cases, report.files, report.problems) == (3, 12, ())


def test_a_check_changes_nothing_unless_asked(folder, case, flip_byte, kinds):
    flip_byte(case / "predictions" / "0001" / "kl.nrrd")
    (case / "case.json").unlink()
    (case / "labels" / "0007.nrrd").write_bytes(b"something")
    before = sorted(folder.rglob("*"))
    report = check_library(folder)
    assert sorted(kinds(report)) == ["damaged", "note", "orphan"]
    assert report.remaining == report.problems
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("file", ["image_0000.nrrd", "labels/0001.nrrd", "labels/0002.nrrd", "labels/0001.edits.nrrd"])
@pytest.mark.parametrize("harm", ["changed", "cut", "deleted"])
def test_an_image_or_label_map_that_was_harmed_is_found_and_stays_found(folder, case, flip_byte, file, harm):
    path = case / file
    if harm == "changed":
        flip_byte(path)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        path.unlink()
    for repair in (False, True, False):
        (problem,) = check_library(folder, repair=repair).problems
        assert (problem.path, problem.case, problem.repaired) == (path, "corrected", False)
        assert problem.kind.value == ("missing" if harm == "deleted" else "damaged")
        assert "put back a good copy" in problem.message


@pytest.mark.parametrize("harm", ["changed", "deleted", "whole folder deleted"])
def test_a_damaged_prediction_is_set_aside_and_its_case_waits_again(filled_library, flip_byte, prediction, harm, repaired):
    path = filled_library.folder / "cases" / "predicted" / "predictions" / "0001" / "entropy.nrrd"
    if harm == "changed":
        flip_byte(path)
    elif harm == "deleted":
        path.unlink()
    else:
        shutil.rmtree(path.parent)
    repaired(filled_library.folder)
    assert filled_library.case("predicted").state is CaseState.waiting
    assert filled_library.predictions("predicted") == ()
    filled_library.add_prediction("predicted", prediction(1))
    assert filled_library.case("predicted").state is CaseState.predicted


def test_the_number_of_a_prediction_that_a_correction_names_is_not_given_again(
    filled_library, case, flip_byte, prediction, repaired
):
    flip_byte(case / "predictions" / "0001" / "labels.nrrd")
    repaired(filled_library.folder)
    assert filled_library.label_versions("corrected")[0].based_on == 1
    assert filled_library.add_prediction("corrected", prediction(3)).number == 2


@pytest.mark.parametrize(
    "note", ["case.json", "state.json", "labels/0001.json", "labels/0002.json", "predictions/0001/prediction.json"]
)
@pytest.mark.parametrize("harm", ["deleted", "cut", "changed"])
def test_notes_are_written_anew_from_the_index(folder, case, note, harm, kinds, repaired):
    before = json.loads((case / note).read_text(encoding="utf-8"))
    if harm == "deleted":
        (case / note).unlink()
    elif harm == "cut":
        (case / note).write_text('{"format_version": 1, "na', encoding="utf-8")
    else:
        (case / note).write_text(json.dumps(before | {"format_version": 0}), encoding="utf-8")
    assert kinds(repaired(folder)) == ["note"]
    assert json.loads((case / note).read_text(encoding="utf-8")) == before


def test_the_librarys_own_note_is_written_anew(folder, kinds, repaired):
    before = (folder / "library.json").read_bytes()
    (folder / "library.json").unlink()
    assert kinds(repaired(folder)) == ["note"]
    assert (folder / "library.json").read_bytes() == before


def test_labels_that_the_index_does_not_know_become_a_version(filled_library, forget, label_map, kinds, repaired):
    before = filled_library.label_versions("corrected")
    forget(filled_library, "DELETE FROM label_versions WHERE number = 2")
    forget(filled_library, "DELETE FROM files WHERE path LIKE 'labels/0002%'")
    assert kinds(repaired(filled_library.folder)) == ["orphan"]
    assert filled_library.label_versions("corrected") == before
    np.testing.assert_array_equal(filled_library.read_labels("corrected").array, label_map(4).array)


def test_taking_labels_in_gives_the_case_its_state_in_index_and_note(filled_library, forget, label_map, kinds, repaired):
    filled_library.save_correction("predicted", label_map(1), reviewer="Ada")
    of_case = "case_id = (SELECT id FROM cases WHERE name = 'predicted')"
    forget(filled_library, f"DELETE FROM label_versions WHERE {of_case}")
    forget(filled_library, f"DELETE FROM files WHERE path LIKE 'labels/%' AND {of_case}")
    forget(filled_library, "UPDATE cases SET state = 'predicted' WHERE name = 'predicted'")
    assert kinds(repaired(filled_library.folder)) == ["orphan", "note"]
    assert filled_library.case("predicted").state is CaseState.corrected


def test_a_correction_that_was_killed_does_not_take_the_next_ones_number(filled_library, forget, label_map, repaired):
    forget(filled_library, "DELETE FROM label_versions WHERE number = 2")
    forget(filled_library, "DELETE FROM files WHERE path LIKE 'labels/0002%'")
    assert filled_library.save_correction("corrected", label_map(7), reviewer="Cy").number == 3
    repaired(filled_library.folder)
    assert [version.number for version in filled_library.label_versions("corrected")] == [1, 2, 3]
    np.testing.assert_array_equal(filled_library.read_labels("corrected").array, label_map(7).array)


@pytest.mark.parametrize("masked", [False, True])
def test_a_correction_that_was_saved_again_after_a_full_disk_is_one_version(
    filled_library, full_for_the_index, label_map, masked, repaired
):
    mask = replace(label_map(7), array=label_map(7).array == 1) if masked else None
    with full_for_the_index(), pytest.raises(LibraryError, match="free some space"):
        filled_library.save_correction("predicted", label_map(7), reviewer="Ada", edit_mask=mask)
    again = filled_library.save_correction("predicted", label_map(7), reviewer="Ada", edit_mask=mask)
    report = repaired(filled_library.folder)
    assert filled_library.label_versions("predicted") == (again,)
    assert any("version 2" in problem.message for problem in report.problems)
    (kept,) = (filled_library.folder / "recovered").glob("*/0001.nrrd")
    assert (kept.parent / "0001.json").is_file()
    assert (kept.parent / "0001.edits.nrrd").is_file() is masked


@pytest.mark.parametrize("changed", ["labels", "edit mask"])
def test_other_labels_saved_after_a_full_disk_are_another_version(
    filled_library, full_for_the_index, label_map, grid, changed, repaired
):
    def mask(value):
        return Volume(np.full(grid.shape, value, np.uint8), grid)

    with full_for_the_index(), pytest.raises(LibraryError, match="free some space"):
        filled_library.save_correction("predicted", label_map(7), reviewer="Ada", edit_mask=mask(0))
    other = (label_map(8), mask(0)) if changed == "labels" else (label_map(7), mask(1))
    filled_library.save_correction("predicted", other[0], reviewer="Ada", edit_mask=other[1])
    repaired(filled_library.folder)
    assert [version.number for version in filled_library.label_versions("predicted")] == [1, 2]
    np.testing.assert_array_equal(filled_library.read_labels("predicted", 1).array, label_map(7).array)


def test_labels_whose_second_copy_was_harmed_are_a_version(filled_library, full_for_the_index, label_map, flip_byte):
    with full_for_the_index(), pytest.raises(LibraryError, match="free some space"):
        filled_library.save_correction("predicted", label_map(7), reviewer="Ada")
    filled_library.save_correction("predicted", label_map(7), reviewer="Ada")
    flip_byte(filled_library.folder / "cases" / "predicted" / "labels" / "0002.nrrd")
    check_library(filled_library.folder, repair=True)
    np.testing.assert_array_equal(filled_library.read_labels("predicted", 1).array, label_map(7).array)


def test_labels_that_were_saved_twice_are_two_versions_also_in_a_new_index(filled_library, label_map, repaired):
    for reviewer in ("Ada", "Bo"):
        filled_library.save_correction("predicted", label_map(7), reviewer=reviewer)
    before = filled_library.label_versions("predicted")
    filled_library.close()
    (filled_library.folder / "library.sqlite").unlink()
    repaired(filled_library.folder)
    with CaseLibrary.open(filled_library.folder) as library:
        assert library.label_versions("predicted") == before


@pytest.mark.parametrize("harm", ["no note", "half a note", "another checksum"])
def test_labels_of_which_too_little_is_known_are_moved_and_kept(filled_library, forget, flip_byte, harm, repaired):
    forget(filled_library, "DELETE FROM label_versions WHERE number = 2")
    forget(filled_library, "DELETE FROM files WHERE path LIKE 'labels/0002%'")
    labels = filled_library.folder / "cases" / "corrected" / "labels"
    if harm == "no note":
        (labels / "0002.json").unlink()
    elif harm == "half a note":
        (labels / "0002.json").write_text('{"number": 2', encoding="utf-8")
    else:
        flip_byte(labels / "0002.nrrd")
    content = (labels / "0002.nrrd").read_bytes()
    repaired(filled_library.folder)
    assert [version.number for version in filled_library.label_versions("corrected")] == [1]
    (kept,) = (filled_library.folder / "recovered").glob("*/0002.nrrd")
    assert kept.read_bytes() == content


def test_a_note_cannot_name_files_of_others(filled_library, forget, repaired):
    forget(filled_library, "DELETE FROM label_versions WHERE number = 2")
    forget(filled_library, "DELETE FROM files WHERE path LIKE 'labels/0002%'")
    note = filled_library.folder / "cases" / "corrected" / "labels" / "0002.json"
    data = json.loads(note.read_text(encoding="utf-8"))
    waiting = next(file.to_json() for file in filled_library.files("waiting"))
    data["files"].append(waiting | {"path": "../waiting/image_0000.nrrd"})
    note.write_text(json.dumps(data), encoding="utf-8")
    repaired(filled_library.folder)
    assert "../waiting/image_0000.nrrd" not in {file.path for file in filled_library.files("corrected")}
    assert (filled_library.folder / "cases" / "waiting" / "image_0000.nrrd").exists()


def test_a_prediction_that_the_index_does_not_know_is_taken_in(filled_library, forget, prediction, kinds, repaired):
    before = filled_library.predictions("predicted")
    of_case = "case_id = (SELECT id FROM cases WHERE name = 'predicted')"
    forget(filled_library, f"DELETE FROM predictions WHERE {of_case}")
    forget(filled_library, f"DELETE FROM files WHERE path LIKE 'predictions/%' AND {of_case}")
    assert filled_library.add_prediction("predicted", prediction(5)).number == 2
    assert kinds(repaired(filled_library.folder)) == ["orphan"]
    assert filled_library.predictions("predicted")[:1] == before
    assert filled_library.case("predicted").prediction.number == 2


def test_a_case_that_the_index_does_not_know_is_taken_in_with_all_it_has(filled_library, forget, kinds, repaired):
    filled_library.set_state("corrected", CaseState.in_review)
    before = filled_library.case("corrected"), filled_library.label_versions("corrected"), filled_library.files("corrected")
    forget(filled_library, "DELETE FROM cases WHERE name = 'corrected'")
    assert kinds(repaired(filled_library.folder)) == ["orphan"]
    after = filled_library.case("corrected"), filled_library.label_versions("corrected"), filled_library.files("corrected")
    assert after == before


@pytest.mark.parametrize("name", ["waiting", "predicted"])
@pytest.mark.parametrize("note", [None, "{", '{"state": "corrected", "changed": "2026-01-01T00:00:00+00:00"}'])
def test_a_case_whose_state_is_not_known_has_the_one_of_its_data(filled_library, forget, name, note, repaired):
    path = filled_library.folder / "cases" / name / "state.json"
    path.unlink()
    if note is not None:
        path.write_text(note, encoding="utf-8")
    forget(filled_library, f"DELETE FROM cases WHERE name = '{name}'")
    repaired(filled_library.folder)
    assert filled_library.case(name).state is CaseState[name]


def test_a_case_can_be_added_again_after_its_first_try_was_killed(filled_library, forget, image):
    forget(filled_library, "DELETE FROM cases WHERE name = 'waiting'")
    filled_library.add_case("waiting", [image(77)])
    np.testing.assert_array_equal(filled_library.read_images("waiting")[0].array, image(77).array)
    assert len(list((filled_library.folder / "recovered").glob("waiting-*/waiting/image_0000.nrrd"))) == 1
    assert check_library(filled_library.folder).problems == ()


def test_a_folder_that_is_no_case_is_moved_not_deleted(folder, repaired):
    (folder / "cases" / "notes é").mkdir()
    (folder / "cases" / "notes é" / "labels.nrrd").write_bytes(b"somebody's")
    repaired(folder)
    assert [path.read_bytes() for path in (folder / "recovered").rglob("labels.nrrd")] == [b"somebody's"]


def test_removing_can_be_undone(filled_library, repaired):
    before = filled_library.case("corrected"), filled_library.label_versions("corrected")
    trash = filled_library.remove_case("corrected")
    trash.rename(filled_library.folder / "cases" / "corrected")
    repaired(filled_library.folder)
    assert (filled_library.case("corrected"), filled_library.label_versions("corrected")) == before


def test_a_removal_that_was_killed_is_undone(filled_library, image, kinds, repaired):
    folder = filled_library.folder / "cases" / "waiting"
    (filled_library.folder / "trash" / "waiting-1").mkdir(parents=True)
    # An earlier case of that name must not come back in its place.
    shutil.copytree(folder.with_name("predicted"), filled_library.folder / "trash" / "waiting-0" / "waiting")
    folder.rename(filled_library.folder / "trash" / "waiting-1" / "waiting")
    assert kinds(repaired(filled_library.folder)) == ["missing"]
    np.testing.assert_array_equal(filled_library.read_images("waiting")[0].array, image(0).array)


def test_a_folder_that_somebody_deleted_is_reported_until_the_case_is_given_up(filled_library):
    shutil.rmtree(filled_library.folder / "cases" / "waiting")
    (problem,) = check_library(filled_library.folder, repair=True).problems
    assert (problem.kind.value, problem.repaired) == ("missing", False)
    assert "or remove the case" in problem.message
    assert filled_library.remove_case("waiting") is None
    assert check_library(filled_library.folder).problems == ()


def test_progress_counts_the_cases(folder):
    steps = []
    check_library(folder, on_case=lambda done, total: steps.append((done, total)))
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_folder_that_is_no_library_is_not_checked(tmp_path):
    with pytest.raises(LibraryError, match="is no case library"):
        check_library(tmp_path, repair=True)
    assert list(tmp_path.iterdir()) == []
