"""`dualssl cases`: a library from the command line, from an empty folder to an export."""

import json

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, CaseState
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume


@pytest.fixture
def empty(dualssl, intact_dataset, tmp_path):
    """The folder of a library with the labels and channels of a dataset."""
    folder = tmp_path / "library"
    outcome = dualssl("cases", "create", folder, "--like", intact_dataset)
    assert outcome.status == 0, outcome.err
    return folder


@pytest.fixture
def filled(dualssl, empty, intact_dataset):
    """Three cases, the first with labels."""
    labels = intact_dataset / "labels" / "case_0.nrrd"
    images = [intact_dataset / "images" / f"case_{number}.nrrd" for number in range(3)]
    assert dualssl("cases", "add", empty, images[0], "--labels", labels, "--reviewer", "Ada", "--group", "p1").status == 0
    assert dualssl("cases", "add", empty, *images[1:]).status == 0
    return empty


@pytest.fixture
def dicom_series(write_dicom_series, image, tmp_path):
    """A folder of slices whose headers say who the patient is."""
    folder = tmp_path / "scan 7"
    write_dicom_series(folder, image, more={"0010|0010": "Doe^Jane", "0010|0020": "4711"})
    return folder


def names(folder):
    with CaseLibrary.open(folder) as library:
        return [case.name for case in library.cases()]


def test_a_new_library_has_the_datasets_labels_and_channels(dualssl, intact_dataset, tmp_path):
    outcome = dualssl("cases", "create", tmp_path / "library", "--like", intact_dataset)
    assert outcome.status == 0, outcome.err
    assert "left half, right half on MRI" in outcome.out
    with CaseLibrary.open(tmp_path / "library") as library:
        assert (library.labels.names, library.channel_names) == (("left half", "right half"), ("MRI",))


def test_a_new_library_has_the_models_labels_and_channels(dualssl, model, tmp_path):
    outcome = dualssl("cases", "create", tmp_path / "library", "--like", model)
    assert outcome.status == 0, outcome.err
    with CaseLibrary.open(tmp_path / "library") as library:
        assert (library.labels.names, library.channel_names) == (("left half", "right half"), ("MRI",))


@pytest.mark.parametrize("like", ["nothing", "empty folder"])
def test_a_library_like_nothing_is_refused(dualssl, tmp_path, like):
    (tmp_path / "empty folder").mkdir()
    outcome = dualssl("cases", "create", tmp_path / "library", "--like", tmp_path / like)
    assert outcome.status == 2
    assert str(tmp_path / like) in outcome.complaint
    assert not (tmp_path / "library").exists()


def test_volumes_become_cases_under_their_files_names(dualssl, filled, intact_dataset):
    with CaseLibrary.open(filled) as library:
        cases = {case.name: case for case in library.cases()}
        assert sorted(cases) == ["case_0", "case_1", "case_2"]
        assert (cases["case_0"].state, cases["case_0"].group) == (CaseState.corrected, "p1")
        assert cases["case_0"].labels.reviewer == "Ada"
        assert (cases["case_1"].state, cases["case_1"].group) == (CaseState.waiting, "case_1")


def test_a_dicom_folder_leaves_nothing_of_its_header_or_place(dualssl, empty, dicom_series, image):
    outcome = dualssl("cases", "add", empty, dicom_series, "--name", "anon")
    assert outcome.status == 0, outcome.err
    with CaseLibrary.open(empty) as library:
        case = library.case("anon")
        assert (case.metadata, case.source, case.group) == ({}, None, "anon")
        np.testing.assert_array_equal(library.read_images("anon")[0].array, image.array)
    stored = b"".join(path.read_bytes() for path in empty.rglob("*") if path.is_file())
    for secret in (b"Doe", b"4711", b"1.2.826.4", b"scan 7"):
        assert secret not in stored


def test_identifiers_are_kept_when_that_is_asked_for(dualssl, empty, dicom_series):
    outcome = dualssl("cases", "add", empty, dicom_series, "--keep-identifiers")
    assert outcome.status == 0, outcome.err
    with CaseLibrary.open(empty) as library:
        case = library.case("scan 7")
    assert case.metadata == {
        "PatientID": "4711",
        "PatientName": "Doe^Jane",
        "StudyInstanceUID": "1.2.826.4",
        "SeriesInstanceUID": "1.2.826.5",
    }
    assert case.source == str(dicom_series)
    shown = dualssl("cases", "show", empty, "scan 7")
    assert "PatientName: Doe^Jane" in shown.out


def test_a_name_in_an_old_encoding_is_kept(dualssl, empty, dicom_series):
    for file in dicom_series.iterdir():
        content = file.read_bytes()
        assert content.count(b"Doe^Jane") == 1
        file.write_bytes(content.replace(b"Doe^Jane", b"D\xf6e^Jane"))
    outcome = dualssl("cases", "add", empty, dicom_series, "--keep-identifiers")
    assert outcome.status == 0, outcome.err
    with CaseLibrary.open(empty) as library:
        assert library.case("scan 7").metadata["PatientName"] == "Döe^Jane"


def test_list_shows_every_case_and_one_state(dualssl, filled):
    outcome = dualssl("cases", "list", filled)
    assert outcome.status == 0
    assert "case_0  corrected  p1" in outcome.out
    assert "3 case(s)" in outcome.out
    waiting = dualssl("cases", "list", filled, "--state", "waiting").out
    assert "case_0" not in waiting
    assert "2 case(s)" in waiting


def test_list_and_show_speak_json(dualssl, filled):
    cases = json.loads(dualssl("cases", "list", filled, "--json").out)
    assert [case["name"] for case in cases] == ["case_0", "case_1", "case_2"]
    assert cases[0]["state"] == "corrected"
    case = json.loads(dualssl("cases", "show", filled, "case_0", "--json").out)
    assert case["label_versions"][0]["reviewer"] == "Ada"
    assert [file["path"] for file in case["files"]] == ["image_0000.nrrd", "labels/0001.nrrd"]


def test_show_tells_the_story_of_a_case(dualssl, filled):
    outcome = dualssl("cases", "show", filled, "case_0")
    assert "case_0: corrected, group p1" in outcome.out
    assert "labels 1:" in outcome.out
    assert "Ada" in outcome.out
    wrong = dualssl("cases", "show", filled, "case_9")
    assert wrong.status == 2
    assert "did you mean" in wrong.err


def test_remove_moves_a_case_to_the_trash(dualssl, filled):
    outcome = dualssl("cases", "remove", filled, "case_1")
    assert outcome.status == 0
    assert str(filled / "trash") in outcome.out
    assert names(filled) == ["case_0", "case_2"]


@pytest.mark.parametrize("form", ["nnunet", "monai", "nrrd"])
def test_an_export_can_be_imported(dualssl, filled, intact_dataset, form, tmp_path):
    outcome = dualssl("cases", "export", filled, "--format", form, "--output", tmp_path / "out")
    assert outcome.status == 0, outcome.err
    assert "1 case(s) with labels and 2 without" in outcome.out
    assert dualssl("cases", "create", tmp_path / "back", "--like", tmp_path / "out").status == 0
    outcome = dualssl("cases", "import", tmp_path / "back", tmp_path / "out", "--format", form)
    assert outcome.status == 0, outcome.err
    assert "3 case(s) added, 1 got labels, 0 were there already" in outcome.out
    assert names(tmp_path / "back") == names(filled)
    again = dualssl("cases", "import", tmp_path / "back", tmp_path / "out", "--format", form)
    assert again.status == 2
    assert "--skip-existing" in again.hint
    assert dualssl("cases", "import", tmp_path / "back", tmp_path / "out", "--format", form, "--skip-existing").status == 0


def test_check_ends_with_status_1_while_something_is_wrong(dualssl, filled):
    assert dualssl("cases", "check", filled).status == 0
    (filled / "cases" / "case_1" / "case.json").unlink()
    found = dualssl("cases", "check", filled)
    assert found.status == 1
    assert "case.json is missing" in found.out
    assert "1 problem(s), 1 left" in found.out
    repaired = dualssl("cases", "check", filled, "--repair")
    assert repaired.status == 0
    assert "repaired: " in repaired.out
    assert dualssl("cases", "check", filled).status == 0


def test_check_keeps_status_1_where_nothing_can_be_repaired(dualssl, filled):
    (filled / "cases" / "case_1" / "image_0000.nrrd").unlink()
    outcome = dualssl("cases", "check", filled, "--repair", "--json")
    assert outcome.status == 1
    (problem,) = json.loads(outcome.out)["problems"]
    assert (problem["kind"], problem["case"], problem["repaired"]) == ("missing", "case_1", False)


def test_a_lost_index_is_made_anew_from_the_command_line(dualssl, filled):
    (filled / "library.sqlite").unlink()
    outcome = dualssl("cases", "list", filled)
    assert outcome.status == 2
    assert "dualssl cases check --repair" in outcome.hint
    assert dualssl("cases", "check", filled, "--repair").status == 0
    assert names(filled) == ["case_0", "case_1", "case_2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("{images}/case_3.nrrd", "{images}/case_4.nrrd", "--name", "x"), "for one volume"),
        (("{images}/case_3.nrrd", "--labels", "{images}/case_3.nrrd"), "needs --reviewer"),
        (("{images}/case_3.nrrd", "{images}/case_0.nrrd"), "a case 'case_0' already"),
        (("{images}/case_3.nrrd", "{images}/case_3.nrrd"), "a case 'case_3' already"),
        (("{images}/case_3.nrrd", "{images}/case_9.nrrd"), "case_9.nrrd does not exist"),
        (("{images}/case_3.nrrd", "--name", "con"), "Windows"),
        (("{images}/case_3.nrrd", "--labels", "{images}/case_3.nrrd", "--reviewer", "A"), "label value(s)"),
    ],
)
def test_what_cannot_be_added_is_told_before_anything_is(dualssl, filled, intact_dataset, arguments, words):
    images = str(intact_dataset / "images")
    outcome = dualssl("cases", "add", filled, *(argument.replace("{images}", images) for argument in arguments))
    assert outcome.status == 2
    assert words in outcome.complaint
    assert names(filled) == ["case_0", "case_1", "case_2"]


def test_a_volume_with_a_name_that_is_none_can_be_given_another(dualssl, empty, image, tmp_path):
    write_volume(Volume(image.array, image.geometry), tmp_path / "Größe.nrrd")
    outcome = dualssl("cases", "add", empty, tmp_path / "Größe.nrrd")
    assert outcome.status == 2
    assert "--name" in outcome.hint
    assert dualssl("cases", "add", empty, tmp_path / "Größe.nrrd", "--name", "size").status == 0
    assert names(empty) == ["size"]


@pytest.mark.parametrize("command", [("list",), ("show", "a"), ("check",), ("check", "--repair"), ("remove", "a")])
def test_a_folder_that_is_no_library_is_a_clear_error(dualssl, tmp_path, command):
    outcome = dualssl("cases", command[0], tmp_path, *command[1:])
    assert outcome.status == 2
    assert "is no case library" in outcome.complaint
    assert list(tmp_path.iterdir()) == []


def test_a_correction_is_a_new_version_and_what_differs_from_the_prediction_counts_as_edited(
    dualssl, filled, model, intact_dataset
):
    assert dualssl("predict", model, "--library", filled).status == 0
    outcome = dualssl(
        *("cases", "correct", filled, "case_1", intact_dataset / "labels" / "case_1.nrrd", "--reviewer", "Ada"),
        *("--notes", "done quickly"),
    )
    assert outcome.status == 0, outcome.err
    with CaseLibrary.open(filled) as library:
        version = library.case("case_1").labels
        assert (version.reviewer, version.notes, version.based_on) == ("Ada", "done quickly", 1)
        differs = library.read_labels("case_1").array != library.read_prediction("case_1").labels.array
        np.testing.assert_array_equal(library.read_edit_mask("case_1").array, differs)
        assert version.voxels_changed_total == differs.sum() > 0
    again = dualssl("cases", "correct", filled, "case_0", intact_dataset / "labels" / "case_0.nrrd", "--reviewer", "Bob")
    assert again.status == 0, again.err
    with CaseLibrary.open(filled) as library:
        assert [v.reviewer for v in library.label_versions("case_0")] == ["Ada", "Bob"]


def test_labels_of_another_case_are_refused_where_they_do_not_fit(dualssl, filled, tmp_path, image):
    path = tmp_path / "other.nrrd"
    write_volume(Volume(np.full(image.array.shape, 7, np.uint8), image.geometry), path)
    outcome = dualssl("cases", "correct", filled, "case_1", path, "--reviewer", "Ada")
    assert outcome.status == 2
    assert "other.nrrd" in outcome.complaint
    with CaseLibrary.open(filled) as library:
        assert library.case("case_1").labels is None


def test_a_case_is_taken_out_of_use_and_back(dualssl, filled):
    assert dualssl("cases", "state", filled, "case_1", "excluded").out.strip() == "case_1: excluded"
    assert dualssl("cases", "state", filled, "case_1", "waiting").out.strip() == "case_1: waiting"
    refused = dualssl("cases", "state", filled, "case_1", "corrected")
    assert refused.status == 2
    assert "case_1" in refused.complaint
