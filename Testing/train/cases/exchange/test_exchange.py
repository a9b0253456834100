"""A library goes out and comes back: the same voxels, geometry and labels, in folders that others can read."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualssl.case_files import read_case
from dualssl.cases import CaseLibrary, CaseState
from dualssl.cases.exchange import FORMATS, export_cases, import_cases
from dualssl.dataset import read_case_list, read_dataset
from dualssl.errors import DatasetError, DualSSLError, LibraryError, OutputError, VolumeError
from dualssl.geometry import Geometry
from dualssl.labels import Label, LabelTable
from dualssl.volumes.read import read_volume
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

EACH_FORMAT = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)


@pytest.fixture
def two_channel_library(tmp_path, labels, image, label_map):
    """A case with labels and one without, of two channels; the names look like those of files with channels."""
    with CaseLibrary.create(tmp_path / "two", labels, ("T1", "T2")) as library:
        library.add_case("a_0000", [image(1), image(2)])
        library.add_case("b 7", [image(3), image(4)])
        library.save_correction("a_0000", label_map(1), reviewer="Ada")
        yield library


@pytest.fixture
def other_library(tmp_path, labels):
    with CaseLibrary.create(tmp_path / "other", labels, ("MRI",)) as library:
        yield library


@EACH_FORMAT
def test_out_and_back_is_the_same_library(filled_library, other_library, form, tmp_path, grid):
    report = export_cases(filled_library, form, tmp_path / "out")
    assert (report.labelled, report.unlabelled) == (("corrected",), ("predicted", "waiting"))
    imported = import_cases(other_library, form, tmp_path / "out", "Cy")
    assert (sorted(imported.added), imported.labelled, imported.skipped) == (
        ["corrected", "predicted", "waiting"],
        ("corrected",),
        (),
    )
    for case in filled_library.cases():
        (before,), (after,) = filled_library.read_images(case.name), other_library.read_images(case.name)
        np.testing.assert_array_equal(after.array, before.array)
        assert after.array.dtype == before.array.dtype
        assert after.geometry.matches(grid, 1e-6)
    np.testing.assert_array_equal(other_library.read_labels("corrected").array, filled_library.read_labels("corrected").array)
    assert other_library.label_versions("corrected")[0].reviewer == "Cy"
    assert [case.state.value for case in other_library.cases()] == ["corrected", "waiting", "waiting"]


@EACH_FORMAT
def test_all_channels_go_out_and_come_back(two_channel_library, labels, form, tmp_path, image, label_map):
    export_cases(two_channel_library, form, tmp_path / "out")
    with CaseLibrary.create(tmp_path / "back", labels, ("T1", "T2")) as back:
        import_cases(back, form, tmp_path / "out", "Cy")
        assert [case.name for case in back.cases()] == [case.name for case in two_channel_library.cases()]
        for name, numbers in (("a_0000", (1, 2)), ("b 7", (3, 4))):
            for volume, number in zip(back.read_images(name), numbers, strict=True):
                np.testing.assert_array_equal(volume.array, image(number).array)
        np.testing.assert_array_equal(back.read_labels("a_0000").array, label_map(1).array)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(list(FORMATS)),
    shape=st.tuples(st.integers(2, 5), st.integers(1, 5), st.integers(2, 5)),
    spacing=st.tuples(*[st.floats(0.3, 6.0)] * 3),
    origin=st.tuples(*[st.floats(-300.0, 300.0)] * 3),
    flips=st.tuples(*[st.sampled_from((-1.0, 1.0))] * 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_grid_comes_back_as_it_was(tmp_path_factory, labels, form, shape, spacing, origin, flips, seed):
    folder = tmp_path_factory.mktemp("exchange")
    grid = Geometry(shape, spacing, origin, tuple(tuple(row) for row in (np.eye(3)[[1, 2, 0]] * flips).tolist()))
    random = np.random.default_rng(seed)
    image = Volume(random.permutation(np.prod(shape)).astype(np.int16).reshape(shape), grid)
    label_map = Volume(random.integers(0, 3, shape).astype(np.uint8), grid)
    with CaseLibrary.create(folder / "a", labels, ("CT",)) as one, CaseLibrary.create(folder / "b", labels, ("CT",)) as two:
        one.add_case("x", [image])
        one.save_correction("x", label_map, reviewer="Ada")
        export_cases(one, FORMATS[form], folder / "out")
        import_cases(two, FORMATS[form], folder / "out", "Ada")
        for volume, expected in ((two.read_images("x")[0], image), (two.read_labels("x"), label_map)):
            np.testing.assert_array_equal(volume.array, expected.array)
            assert volume.geometry.matches(grid, 1e-4)


def test_a_raw_dataset_is_laid_out_as_nnunet_wants_it(two_channel_library, tmp_path):
    export_cases(two_channel_library, FORMATS["nnunet"], tmp_path / "out")
    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == {
        "dataset.json",
        "imagesTr/a_0000_0000.nrrd",
        "imagesTr/a_0000_0001.nrrd",
        "labelsTr/a_0000.nrrd",
        "imagesTs/b 7_0000.nrrd",
        "imagesTs/b 7_0001.nrrd",
    }
    assert json.loads((tmp_path / "out" / "dataset.json").read_text(encoding="utf-8")) == {
        "name": "two",
        "channel_names": {"0": "T1", "1": "T2"},
        "labels": {"background": 0, "left ventricle": 1, "myocardium": 2},
        "numTraining": 1,
        "file_ending": ".nrrd",
    }


def test_monai_itself_reads_the_datalist(two_channel_library, tmp_path):
    data = pytest.importorskip("monai.data")
    export_cases(two_channel_library, FORMATS["monai"], tmp_path / "out")
    path = tmp_path / "out" / "dataset.json"
    (entry,) = data.load_decathlon_datalist(str(path), is_segmentation=True, data_list_key="training")
    assert [read_volume(tmp_path / file).array.shape for file in entry["image"]] == [(4, 6, 7)] * 2
    assert entry["label"] == str(tmp_path / "out" / "labels" / "a_0000.nrrd")
    assert len(data.load_decathlon_datalist(str(path), data_list_key="test")) == 1


def test_plain_nrrd_is_a_dataset_that_training_takes(filled_library, tmp_path):
    export_cases(filled_library, FORMATS["nrrd"], tmp_path / "out")
    dataset = read_dataset(tmp_path / "out")
    labelled = read_case_list(str(tmp_path / "out" / "labelled.txt"), "--labelled")
    dataset.check_cases(labelled, labelled=True, where="--labelled")
    dataset.check_cases(read_case_list(str(tmp_path / "out" / "unlabelled.txt"), "--u"), labelled=False, where="--u")
    assert labelled == ("corrected",)
    assert (dataset.labels.names, dataset.channel_names) == (filled_library.labels.names, ("MRI",))
    np.testing.assert_array_equal(
        read_case(dataset, "corrected", labelled=True)[1].array, filled_library.read_labels("corrected").array
    )


@EACH_FORMAT
def test_only_the_state_that_is_asked_for_goes_out(filled_library, form, tmp_path):
    filled_library.set_state("waiting", CaseState.excluded)
    assert export_cases(filled_library, form, tmp_path / "all").unlabelled == ("predicted",)
    assert export_cases(filled_library, form, tmp_path / "some", CaseState.corrected).unlabelled == ()
    with pytest.raises(LibraryError, match="no case in state 'in review'"):
        export_cases(filled_library, form, tmp_path / "none", CaseState.in_review)
    assert not (tmp_path / "none").exists()


@EACH_FORMAT
def test_nothing_that_may_identify_a_patient_goes_out(library, image, label_map, form, tmp_path):
    secret = "Doe^Jane"
    library.add_case("a", [image(1)], group=secret, source=f"disk/{secret}", metadata={"PatientName": secret})
    library.save_correction("a", label_map(1), reviewer=secret, notes=secret)
    export_cases(library, form, tmp_path / "out")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []


@EACH_FORMAT
def test_a_damaged_file_stops_an_export_and_leaves_no_folder(filled_library, flip_byte, form, tmp_path):
    flip_byte(filled_library.folder / "cases" / "corrected" / "labels" / "0002.nrrd")
    with pytest.raises(LibraryError, match="another checksum"):
        export_cases(filled_library, form, tmp_path / "new" / "out")
    assert list((tmp_path / "new").iterdir()) == []


def test_an_export_overwrites_nothing(filled_library, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("five years", encoding="utf-8")
    with pytest.raises(OutputError, match="exists already"):
        export_cases(filled_library, FORMATS["nrrd"], tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


@EACH_FORMAT
def test_cases_that_are_there_are_refused_or_left_out(filled_library, other_library, image, form, tmp_path):
    export_cases(filled_library, form, tmp_path / "out")
    other_library.add_case("Waiting", [image(50)])
    other_library.add_case("corrected", [image(2)])
    with pytest.raises(LibraryError, match=r"has 2 of the 3 cases .* already.*leave these out"):
        import_cases(other_library, form, tmp_path / "out", "Cy")
    assert len(other_library.cases()) == 2
    report = import_cases(other_library, form, tmp_path / "out", "Cy", skip_existing=True)
    assert (report.added, sorted(report.skipped)) == (("predicted",), ["corrected", "waiting"])
    np.testing.assert_array_equal(other_library.read_images("Waiting")[0].array, image(50).array)
    # An import that was stopped between a case and its labels goes on with the labels.
    assert report.labelled == ("corrected",)
    assert import_cases(other_library, form, tmp_path / "out", "Cy", skip_existing=True).labelled == ()


def test_a_case_that_somebody_reviews_gets_no_labels_from_a_folder(filled_library, other_library, image, tmp_path):
    export_cases(filled_library, FORMATS["nrrd"], tmp_path / "out", CaseState.corrected)
    other_library.add_case("corrected", [image(2)])
    other_library.set_state("corrected", CaseState.in_review)
    assert import_cases(other_library, FORMATS["nrrd"], tmp_path / "out", "Cy", skip_existing=True).labelled == ()
    assert other_library.case("corrected").state is CaseState.in_review


def test_labels_that_nobody_answers_for_are_not_imported(filled_library, other_library, tmp_path):
    export_cases(filled_library, FORMATS["nrrd"], tmp_path / "out")
    with pytest.raises(LibraryError, match="name no reviewer"):
        import_cases(other_library, FORMATS["nrrd"], tmp_path / "out", " ")
    assert other_library.cases() == ()


@EACH_FORMAT
def test_other_structures_are_refused(filled_library, form, tmp_path):
    export_cases(filled_library, form, tmp_path / "out")
    other = LabelTable((Label.named("myocardium", 1), Label.named("left ventricle", 2)))
    with CaseLibrary.create(tmp_path / "swapped", other, ("MRI",)) as library:
        with pytest.raises(
            LibraryError, match="has the structures left ventricle, myocardium, the library has myocardium, left"
        ):
            import_cases(library, form, tmp_path / "out", "Cy")
        assert library.cases() == ()


@EACH_FORMAT
def test_other_channels_are_refused(filled_library, labels, form, tmp_path):
    export_cases(filled_library, form, tmp_path / "out")
    with CaseLibrary.create(tmp_path / "two", labels, ("T1", "T2")) as library:
        with pytest.raises(LibraryError, match=r"has 1 channel\(s\), the library's cases have 2 \(T1, T2\)"):
            import_cases(library, form, tmp_path / "out", "Cy")
        assert library.cases() == ()


@EACH_FORMAT
@pytest.mark.parametrize("harm", ["no description", "no JSON", "a list", "nothing in it"])
def test_a_folder_of_another_kind_is_refused(other_library, form, tmp_path, harm):
    folder = tmp_path / "in"
    folder.mkdir()
    texts = {"no JSON": "{", "a list": "[]", "nothing in it": "{}"}
    if harm in texts:
        (folder / "dataset.json").write_text(texts[harm], encoding="utf-8")
    with pytest.raises((LibraryError, DatasetError), match=r"dataset\.json"):
        import_cases(other_library, form, folder, "Cy")


@EACH_FORMAT
def test_a_bad_label_map_adds_no_case_without_labels(filled_library, other_library, form, tmp_path, grid):
    export_cases(filled_library, form, tmp_path / "out", CaseState.corrected)
    (path,) = (tmp_path / "out").glob("labels*/corrected.nrrd")
    write_volume(Volume(np.full(grid.shape, 9, np.uint8), grid), path)
    with pytest.raises(VolumeError, match=r"corrected\.nrrd has label value\(s\) 9"):
        import_cases(other_library, form, tmp_path / "out", "Cy")
    assert other_library.cases() == ()


def test_a_missing_file_is_named_before_anything_is_added(filled_library, other_library, tmp_path):
    export_cases(filled_library, FORMATS["monai"], tmp_path / "out")
    (tmp_path / "out" / "images" / "waiting_0000.nrrd").unlink()
    with pytest.raises(LibraryError, match=r"waiting_0000\.nrrd does not exist.*nothing has been imported"):
        import_cases(other_library, FORMATS["monai"], tmp_path / "out", "Cy")
    assert other_library.cases() == ()


def test_a_datalist_of_others_is_read(other_library, image, label_map, tmp_path):
    for name in ("x.nii.gz", "y.nii.gz"):
        write_volume(image(6), tmp_path / name)
    write_volume(label_map(6), tmp_path / "l.nii.gz")
    entries = {"training": [{"image": str(tmp_path / "x.nii.gz"), "label": "l.nii.gz"}], "test": ["./y.nii.gz"]}
    (tmp_path / "mine.json").write_text(json.dumps(entries), encoding="utf-8")
    assert import_cases(other_library, FORMATS["monai"], tmp_path / "mine.json", "Cy").added == ("x", "y")
    np.testing.assert_array_equal(other_library.read_labels("x").array, label_map(6).array)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"training": [{"label": "l.nrrd"}]}, "an entry that names no image"),
        ({"training": [{"image": 7}]}, "an entry that names no image"),
        ({"training": {"image": "a"}}, "none of the lists training"),
        ({"training": []}, "holds no case"),
        ({"training": [{"image": "a/x.nrrd"}, {"image": "b/x.nrrd"}]}, "two cases called 'x'"),
        ({"training": [{"image": "é.nrrd"}]}, "cannot name a case"),
        ({"training": [{"image": "x.nrrd"}], "labels": 3}, "no object 'labels'"),
    ],
)
def test_a_datalist_that_cannot_be_used_is_refused(other_library, tmp_path, entries, words):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.nrrd").touch()
    (tmp_path / "dataset.json").write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(DualSSLError, match=words):
        import_cases(other_library, FORMATS["monai"], tmp_path, "Cy")
    assert other_library.cases() == ()


def test_a_raw_dataset_of_others_is_read(other_library, image, label_map, tmp_path):
    """As nnU-Net's first version had it: `modality`, labels by value, NIfTI without a file_ending."""
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
    write_volume(image(6), tmp_path / "imagesTr" / "x_0000.nii.gz")
    write_volume(label_map(6), tmp_path / "labelsTr" / "x.nii.gz")
    (tmp_path / "imagesTr" / "._x_0000.nii.gz").write_bytes(b"a file manager's")
    labels = {"0": "background", "1": "left ventricle", "2": "myocardium"}
    text = json.dumps({"modality": {"0": "MRI"}, "labels": labels})
    (tmp_path / "dataset.json").write_text(text, encoding="utf-8")
    assert import_cases(other_library, FORMATS["nnunet"], tmp_path, "Cy").labelled == ("x",)
    np.testing.assert_array_equal(other_library.read_labels("x").array, label_map(6).array)


def test_a_library_that_is_removed_from_under_an_export_leaves_no_half_of_it(filled_library, tmp_path):
    def remove_the_second(done, _total):
        if done == 1:
            filled_library.remove_case("predicted")

    with pytest.raises(LibraryError, match="has no case 'predicted'"):
        export_cases(filled_library, FORMATS["nnunet"], tmp_path / "out", on_case=remove_the_second)
    assert not (tmp_path / "out").exists()
