"""What does not fit is refused with a sentence that says what to do, and leaves the library as it was."""

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, CaseState, PredictionFiles
from dualssl.cases.check import check_library
from dualssl.cases.store import place
from dualssl.errors import DualSSLError, LibraryError, OutputError, VolumeError
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume


def content(library):
    """Every file but the index, and what the index says."""
    files = {path: path.read_bytes() for path in library.folder.rglob("*") if path.is_file() and "sqlite" not in path.name}
    return files, library.cases()


@pytest.fixture
def untouched(filled_library):
    """The filled library, which must be the same at the end of the test."""
    before = content(filled_library)
    yield filled_library
    assert content(filled_library) == before
    assert check_library(filled_library.folder).problems == ()


@pytest.mark.parametrize("name", ["corrected", "Corrected", "CORRECTED"])
def test_a_name_that_is_taken_is_refused_whatever_its_capitals(untouched, image, name):
    with pytest.raises(LibraryError, match="has a case 'corrected' already: give the new one another name"):
        untouched.add_case(name, [image(9)])


def test_a_name_that_no_file_can_have_is_refused(untouched, image):
    with pytest.raises(LibraryError, match="cannot name a case"):
        untouched.add_case("../escape", [image(9)])


def test_channels_that_are_missing_are_named(tmp_path, labels, image):
    with CaseLibrary.create(tmp_path / "two", labels, ("T1", "T2")) as library:
        with pytest.raises(LibraryError, match=r"has 1 channel\(s\), the library's cases have 2 \(T1, T2\)"):
            library.add_case("a", [image(0)])
        assert library.cases() == ()


def test_channels_on_different_grids_are_refused(tmp_path, labels, image, grid):
    other = Volume(image(1).array, Geometry(grid.shape, (1.0, 1.0, 1.0)))
    with CaseLibrary.create(tmp_path / "two", labels, ("T1", "T2")) as library:
        with pytest.raises(LibraryError, match="channel T2 of case 'a' differs from the first channel in spacing"):
            library.add_case("a", [image(0), other])
        assert library.cases() == ()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((4, 6, 7), np.nan, np.float32), "NaN or infinity"),
        (np.full((4, 6, 7), 3, np.int16), "has the value 3 in every voxel"),
        (np.ones((4, 6, 7), np.complex64), "voxels of type complex64"),
        (np.arange(42, dtype=np.int16).reshape(1, 6, 7), "a single slice"),
    ],
)
def test_images_that_nothing_can_be_done_with_are_refused(untouched, array, words):
    with pytest.raises(DualSSLError, match=words):
        untouched.add_case("new", [Volume(array, Geometry(array.shape))])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a, g: Volume(a[:-1], g.cropped((0, 0, 0), (3, 6, 7))), "differs from its image in size"),
        (lambda a, g: Volume(a, Geometry(g.shape, g.spacing, (0, 0, 0), g.direction)), "differs from its image in origin"),
        (lambda a, g: Volume(a * 3, g), r"value\(s\) 3, 6, but the library's labels are 0 to 2 .*left ventricle, myocardium"),
        (lambda a, g: Volume(a.astype(np.int16) - 1, g), r"value\(s\) -1, but"),
        (lambda a, g: Volume(a + 0.5, g), "no whole numbers"),
        (lambda a, g: Volume(np.where(a == 1, np.nan, 0.0), g), "no whole numbers"),
        (lambda a, g: Volume(a.astype(np.complex64), g), "type complex64"),
    ],
    ids=["size", "place", "values", "negative", "fractions", "nan", "complex"],
)
def test_labels_that_do_not_fit_are_refused(untouched, label_map, grid, change, words):
    with pytest.raises(LibraryError, match=words):
        untouched.save_correction("predicted", change(label_map(1).array, grid), reviewer="Ada")


def test_an_edit_mask_that_is_none_is_refused(untouched, label_map):
    with pytest.raises(LibraryError, match="edit mask for case 'predicted' has values from 0 to 2"):
        untouched.save_correction("predicted", label_map(1), reviewer="Ada", edit_mask=label_map(1))


def test_a_correction_that_nobody_answers_for_is_refused(untouched, label_map):
    with pytest.raises(LibraryError, match="name no reviewer"):
        untouched.save_correction("predicted", label_map(1), reviewer=" ")


def test_a_correction_of_a_prediction_that_is_not_there_is_refused(untouched, label_map):
    with pytest.raises(LibraryError, match="no prediction 7: choose one of 1"):
        untouched.save_correction("predicted", label_map(1), reviewer="Ada", based_on=7)


@pytest.mark.parametrize("regions", [[{"a": float("nan")}], [{"a": object()}], [{"a": "\udc80"}], ["a"]])
def test_regions_that_no_file_can_hold_are_refused(untouched, label_map, regions):
    with pytest.raises(LibraryError, match="cannot be stored"):
        untouched.save_correction("predicted", label_map(1), reviewer="Ada", regions_reviewed=regions)


@pytest.mark.parametrize("other", [{"source": "\udc80"}, {"group": "\udc80"}, {"metadata": {"PatientName": "M\udcfcller"}}])
def test_texts_that_no_file_can_hold_are_refused(untouched, image, other):
    with pytest.raises(LibraryError, match="cannot be stored"):
        untouched.add_case("new", [image(9)], **other)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"scores": {"entropy": float("nan")}}, "Score 'entropy' .* is nan"),
        ({"scores": {"entropy": "high"}}, "Score 'entropy' .* is 'high'"),
        ({"features": (1.0, float("inf"))}, "features .* NaN or infinity"),
        ({"entropy": Volume(np.full((4, 6, 7), np.inf), Geometry((4, 6, 7)))}, "entropy of the prediction.*differs"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(untouched, prediction, other, words):
    with pytest.raises(LibraryError, match=words):
        untouched.add_prediction("waiting", prediction(0, **other))


def test_a_map_with_nan_is_refused(untouched, label_map, grid):
    nan = Volume(np.full(grid.shape, np.nan, np.float32), grid)
    with pytest.raises(LibraryError, match="kl of the prediction for case 'waiting' has NaN"):
        untouched.add_prediction("waiting", PredictionFiles(label_map(0), kl=nan))


def test_a_case_that_is_not_there_is_named_with_those_like_it(untouched, label_map):
    calls = (
        lambda: untouched.case("corected"),
        lambda: untouched.read_images("corected"),
        lambda: untouched.label_versions("corected"),
        lambda: untouched.save_correction("corected", label_map(0), reviewer="Ada"),
        lambda: untouched.set_state("corected", CaseState.excluded),
        lambda: untouched.remove_case("corected"),
    )
    for call in calls:
        with pytest.raises(LibraryError, match="has no case 'corected': did you mean 'corrected'"):
            call()


def test_a_version_that_is_not_there_is_named_with_those_there_are(untouched):
    with pytest.raises(LibraryError, match="no label version 3: choose one of 1, 2"):
        untouched.read_labels("corrected", 3)
    with pytest.raises(LibraryError, match="Case 'waiting' has no labels yet"):
        untouched.read_labels("waiting")
    with pytest.raises(LibraryError, match="Case 'waiting' has no prediction yet"):
        untouched.read_prediction("waiting")


@pytest.mark.parametrize("state", [CaseState.corrected, CaseState.waiting])
def test_a_state_that_the_data_contradict_is_refused(untouched, state):
    with pytest.raises(LibraryError, match="cannot be set to"):
        untouched.set_state("predicted", state)


@pytest.mark.parametrize(
    ("file", "read"),
    [
        ("image_0000.nrrd", lambda library: library.read_images("corrected")),
        ("labels/0002.nrrd", lambda library: library.read_labels("corrected")),
        ("labels/0001.edits.nrrd", lambda library: library.read_edit_mask("corrected", 1)),
        ("predictions/0001/kl.nrrd", lambda library: library.read_prediction("corrected")),
    ],
)
def test_a_file_that_was_harmed_is_not_read(filled_library, flip_byte, file, read):
    path = filled_library.folder / "cases" / "corrected" / file
    flip_byte(path)
    with pytest.raises(LibraryError, match=rf"{path.name} has another checksum.*have the library checked"):
        read(filled_library)
    path.unlink()
    with pytest.raises(LibraryError, match=rf"{path.name} is missing"):
        read(filled_library)


def test_a_damaged_prediction_does_not_keep_a_correction_out(filled_library, flip_byte, label_map, caplog):
    flip_byte(filled_library.folder / "cases" / "predicted" / "predictions" / "0001" / "labels.nrrd")
    version = filled_library.save_correction("predicted", label_map(1), reviewer="Ada")
    assert (version.based_on, version.voxels_changed) == (1, None)
    assert "What changed in case predicted is not known" in caplog.text
    np.testing.assert_array_equal(filled_library.read_labels("predicted").array, label_map(1).array)


@pytest.fixture
def meanwhile(filled_library, monkeypatch):
    """Gives a function that lets another program do something while a volume is being written."""
    import dualssl.cases.library as module

    write = module.write_volume

    def arrange(action):
        def write_and_act(volume, path):
            write(volume, path)
            monkeypatch.setattr(module, "write_volume", write)
            with CaseLibrary.open(filled_library.folder) as other:
                action(other)

        monkeypatch.setattr(module, "write_volume", write_and_act)

    return arrange


def remove(library):
    library.remove_case("predicted")


def exchange(library):
    """Another patient under the same name."""
    image = library.read_images("waiting")
    library.remove_case("predicted")
    library.add_case("predicted", image)


@pytest.mark.parametrize("action", [remove, exchange])
def test_labels_for_a_case_that_was_removed_meanwhile_are_kept(filled_library, label_map, meanwhile, action):
    meanwhile(action)
    with pytest.raises(LibraryError, match=r"was removed by another program.*The labels were not lost") as caught:
        filled_library.save_correction("predicted", label_map(1), reviewer="Ada")
    (kept,) = (filled_library.folder / "recovered").iterdir()
    assert str(kept) in str(caught.value)
    assert sorted(path.name for path in kept.iterdir()) == ["correction.json", "labels.nrrd"]
    assert all(case.labels is None for case in filled_library.cases() if case.name == "predicted")


@pytest.mark.parametrize("action", [remove, exchange])
def test_a_prediction_for_a_case_that_was_removed_meanwhile_goes_to_no_other(filled_library, prediction, meanwhile, action):
    meanwhile(action)
    with pytest.raises(LibraryError, match="was removed by another program"):
        filled_library.add_prediction("predicted", prediction(1))
    assert all(case.prediction is None for case in filled_library.cases() if case.name == "predicted")
    assert check_library(filled_library.folder).problems == ()


def test_a_folder_that_is_gone_costs_no_labels(filled_library, label_map):
    folder = filled_library.folder / "cases" / "predicted"
    folder.rename(filled_library.folder.parent / "elsewhere")
    with pytest.raises(LibraryError, match=r"is gone: put it back.*The labels were not lost"):
        filled_library.save_correction("predicted", label_map(1), reviewer="Ada", based_on=None)
    assert len(list((filled_library.folder / "recovered").glob("*/labels.nrrd"))) == 1


def test_a_full_disk_leaves_every_case_as_it_was(untouched, limited_files, image, label_map, prediction):
    calls = (
        lambda: untouched.add_case("new", [image(9)]),
        lambda: untouched.add_prediction("waiting", prediction(0)),
        lambda: untouched.save_correction("predicted", label_map(1), reviewer="Ada"),
        lambda: untouched.set_state("predicted", CaseState.excluded),
    )
    for call in calls:
        with limited_files(40), pytest.raises(OutputError, match="could not be written"):
            call()


def test_an_index_that_cannot_grow_leaves_every_case_as_it_was(untouched, image):
    untouched.database.rows("PRAGMA max_page_count = 1")
    metadata = {str(number): "x" * 1000 for number in range(200)}
    with pytest.raises(LibraryError, match="the disk is full: free some space"):
        untouched.add_case("new", [image(9)], metadata=metadata)


def test_a_disk_that_fills_up_while_the_index_is_told_leaves_every_case_as_it_was(untouched, full_for_the_index, image):
    metadata = {str(number): "x" * 1000 for number in range(20)}
    with full_for_the_index(), pytest.raises(LibraryError, match="free some space"):
        untouched.add_case("new", [image(9)], metadata=metadata)
    with full_for_the_index(), pytest.raises(LibraryError, match="free some space"):
        untouched.remove_case("corrected")


def test_a_read_only_library_can_be_read_and_checked(write_protected, image, label_map):
    with CaseLibrary.open(write_protected) as library:
        assert library.read_only
        assert [case.name for case in library.cases()] == ["corrected", "predicted", "waiting"]
        np.testing.assert_array_equal(library.read_labels("corrected").array, label_map(4).array)
        calls = (
            lambda: library.add_case("new", [image(9)]),
            lambda: library.save_correction("predicted", label_map(1), reviewer="Ada"),
            lambda: library.set_state("predicted", CaseState.excluded),
            lambda: library.remove_case("predicted"),
        )
        for call in calls:
            with pytest.raises(LibraryError, match="can only be read"):
                call()
    assert check_library(write_protected).problems == ()
    with pytest.raises(LibraryError, match="can only be read"):
        check_library(write_protected, repair=True)


def test_a_folder_that_holds_something_is_no_place_for_a_library(tmp_path, labels):
    (tmp_path / "thesis.txt").write_text("five years", encoding="utf-8")
    with pytest.raises(OutputError, match="exists already"):
        CaseLibrary.create(tmp_path, labels, ("MRI",))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_library_that_a_full_disk_cannot_hold_leaves_nothing(tmp_path, labels, limited_files):
    with limited_files(3000), pytest.raises(DualSSLError, match="free some space"):
        CaseLibrary.create(tmp_path / "library", labels, ("MRI",))
    assert list(tmp_path.iterdir()) == []


def test_a_library_needs_labels_and_channels(tmp_path, labels):
    for arguments in ((LabelTable(()), ("MRI",)), (labels, ())):
        with pytest.raises(LibraryError, match="at least one structure and one image channel"):
            CaseLibrary.create(tmp_path / "library", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_volume_errors_name_the_case(library, grid):
    with pytest.raises(VolumeError, match="channel MRI of case 'a' has the value 0"):
        library.add_case("a", [Volume(np.zeros(grid.shape), grid)])


def test_nothing_takes_the_name_of_a_file_that_is_there(tmp_path):
    for name in ("new", "labels/0001.nrrd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    with pytest.raises(LibraryError, match=r"0001\.nrrd exists already"):
        place(tmp_path / "new", tmp_path / "labels" / "0001.nrrd")
    assert (tmp_path / "labels" / "0001.nrrd").read_text(encoding="utf-8") == "labels/0001.nrrd"
    assert (tmp_path / "new").exists()
