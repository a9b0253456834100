"""`dualssl predict`: any kind of volume in, four files on its exact grid out."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from dualssl.volumes.names import volume_name
from dualssl.volumes.read import read_segmentation, read_volume
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

ENDINGS = (".seg.nrrd", ".entropy.nrrd", ".kl.nrrd", ".json")


@pytest.fixture(scope="module")
def predicted_formats(dualssl_process, model, image, write_dicom_series, tmp_path_factory):
    """One command, in a process of its own, for one image in four formats and another that is smaller than a patch."""
    folder = tmp_path_factory.mktemp("inputs")
    inputs = [folder / name for name in ("a.nrrd", "b.nii.gz", "c.mha")]
    for path in inputs:
        write_volume(image, path)
    inputs.append(write_dicom_series(folder / "d", image)[0].parent)
    small = Volume(image.array[8:13, 9:17, 10:20], image.geometry.cropped((8, 9, 10), (5, 8, 10)))
    inputs.append(folder / "small.nrrd")
    write_volume(small, inputs[-1])
    outcome = dualssl_process("predict", model, *inputs, "--output", folder / "new" / "results", "--device", "cpu")
    assert outcome.status == 0, outcome.err
    return folder / "new" / "results", outcome, {"small": small} | dict.fromkeys("abcd", image)


def test_every_input_leaves_its_four_files_and_nothing_else(predicted_formats):
    folder, outcome, volumes = predicted_formats
    assert {path.name for path in folder.iterdir()} == {name + ending for name in volumes for ending in ENDINGS}
    assert str(folder) in outcome.out


def test_results_lie_on_the_exact_grid_of_their_input(predicted_formats):
    folder, _, volumes = predicted_formats
    for name, volume in volumes.items():
        for ending in ENDINGS[:3]:
            assert read_volume(folder / f"{name}{ending}").geometry.matches(volume.geometry), name


def test_one_image_gives_one_result_whatever_its_format(predicted_formats):
    folder, _, _ = predicted_formats
    for ending in ENDINGS[:3]:
        first = read_volume(folder / f"a{ending}").array
        for name in "bcd":
            np.testing.assert_array_equal(read_volume(folder / f"{name}{ending}").array, first)


def test_the_segmentation_has_the_models_structures(predicted_formats):
    folder, _, _ = predicted_formats
    label_map, segments = read_segmentation(folder / "a.seg.nrrd")
    assert [(segment.name, segment.value) for segment in segments] == [("left half", 1), ("right half", 2)]
    assert set(np.unique(label_map.array)) <= {0, 1, 2}


def test_the_maps_are_in_their_range_and_the_summary_fits_them(predicted_formats):
    folder, _, _ = predicted_formats
    entropy, kl = (read_volume(folder / f"a.{name}.nrrd").array for name in ("entropy", "kl"))
    assert 0 <= entropy.min() < entropy.max() <= 1
    assert 0 <= kl.min() < kl.max()
    data = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    label = read_volume(folder / "a.seg.nrrd")
    for value, structure in enumerate(("left half", "right half"), start=1):
        ml = np.count_nonzero(label.array == value) * label.geometry.voxel_ml
        assert data["volumes_ml"][structure]["mean"] == pytest.approx(ml)
    assert data["files"]["segmentation"] == "a.seg.nrrd"


def test_a_box_in_patient_space_confines_the_prediction(dualssl, model, image, tmp_path):
    write_volume(image, tmp_path / "a.nrrd")
    # The grid's axes run left, posterior, superior; R is minus L and A is minus P.
    first, last = (image.geometry.kji_to_ras(kji) for kji in ((4, 5, 6), (15, 18, 25)))
    bounds = [f"{low:.3f},{high:.3f}" for low, high in (sorted(pair) for pair in zip(first, last, strict=True))]
    # A text that begins with a minus would be taken for an option if it did not follow `=`.
    outcome = dualssl("predict", model, tmp_path / "a.nrrd", "--output", tmp_path / "r", f"--roi={','.join(bounds)}")
    assert outcome.status == 0, outcome.err
    entropy = read_volume(tmp_path / "r" / "a.entropy.nrrd").array
    inside = np.zeros(entropy.shape, bool)
    inside[4:16, 5:19, 6:26] = True
    assert entropy[inside].min() > 0
    assert not entropy[~inside].any()
    region = json.loads((tmp_path / "r" / "a.json").read_text())["region_of_interest"]
    assert region == {"start_kji": [4, 5, 6], "shape_kji": [12, 14, 20]}


def test_intensity_statistics_come_from_the_whole_image_unless_the_box_is_asked_for(dualssl, model, image, tmp_path):
    bright = image.array.copy()
    bright[16:] += 3000
    for name, array in (("a.nrrd", image.array), ("b.nrrd", bright)):
        write_volume(Volume(array, image.geometry), tmp_path / name)
    first, last = (image.geometry.kji_to_ras(kji) for kji in ((0, 0, 0), (15, 23, 33)))
    roi = ",".join(f"{low:.3f},{high:.3f}" for low, high in (sorted(pair) for pair in zip(first, last, strict=True)))
    same = {}
    for statistics in ("image", "roi"):
        output = tmp_path / statistics
        outcome = dualssl(
            *("predict", model, tmp_path / "a.nrrd", tmp_path / "b.nrrd", "--output", output),
            *(f"--roi={roi}", "--roi-statistics", statistics),
        )
        assert outcome.status == 0, outcome.err
        a, b = (read_volume(output / f"{name}.entropy.nrrd").array for name in "ab")
        same[statistics] = np.array_equal(a, b)
    assert same == {"image": False, "roi": True}


@pytest.fixture
def model_of_crops(model, tmp_path):
    """The model, as if it had learned from images of 20 mm alone."""
    from dualssl.model.folder import load_model, save_model

    networks, manifest = load_model(model)
    save_model(tmp_path / "crops", replace(manifest, field_of_view=(20.0, 20.0, 20.0)), networks)
    return tmp_path / "crops"


def test_an_image_larger_than_all_that_the_model_learned_from_is_told(dualssl, model_of_crops, image, tmp_path):
    write_volume(image, tmp_path / "a.nrrd")
    outcome = dualssl("predict", model_of_crops, tmp_path / "a.nrrd", "--output", tmp_path / "r")
    assert outcome.status == 0
    assert "a: This image measures" in outcome.err
    assert "at most 20 x 20 x 20 mm" in outcome.err
    first, last = (image.geometry.kji_to_ras(kji) for kji in ((0, 0, 0), (9, 9, 9)))
    roi = ",".join(f"{low:.3f},{high:.3f}" for low, high in (sorted(pair) for pair in zip(first, last, strict=True)))
    outcome = dualssl("predict", model_of_crops, tmp_path / "a.nrrd", "--output", tmp_path / "box", f"--roi={roi}")
    assert outcome.status == 0
    assert "measures" not in outcome.err
    assert json.loads((tmp_path / "box" / "a.json").read_text())["normalised_over"] == "roi"


def test_one_of_several_dicom_series_is_chosen_by_its_uid(dualssl, model, image, write_dicom_series, tmp_path):
    write_dicom_series(tmp_path / "study", Volume(image.array[::-1].copy(), image.geometry), "1.2.826.20")
    write_dicom_series(tmp_path / "study", image, "1.2.826.21")
    write_volume(image, tmp_path / "alone.nrrd")
    outcome = dualssl("predict", model, tmp_path / "study", "--output", tmp_path / "r")
    assert outcome.status == 2
    assert "1.2.826.20" in outcome.complaint
    assert "--series UID" in outcome.hint
    inputs = (tmp_path / "study", tmp_path / "alone.nrrd")
    outcome = dualssl("predict", model, *inputs, "--output", tmp_path / "r", "--series", "1.2.826.21")
    assert outcome.status == 0, outcome.err
    chosen, expected = (read_volume(tmp_path / "r" / f"{name}.entropy.nrrd").array for name in ("study", "alone"))
    np.testing.assert_array_equal(chosen, expected)


def test_results_are_replaced_only_when_asked_for(dualssl, model, image, tmp_path):
    write_volume(image, tmp_path / "a.nrrd")
    edited = tmp_path / "a.seg.nrrd"
    edited.write_bytes(b"hours of somebody's work")
    arguments = ("predict", model, tmp_path / "a.nrrd", "--output", tmp_path)
    outcome = dualssl(*arguments)
    assert outcome.status == 2
    assert str(edited) in outcome.complaint
    assert "--overwrite" in outcome.complaint
    assert edited.read_bytes() == b"hours of somebody's work"
    assert {path.name for path in tmp_path.iterdir()} == {"a.nrrd", "a.seg.nrrd"}
    outcome = dualssl(*arguments, "--overwrite")
    assert outcome.status == 0, outcome.err
    read_segmentation(edited)


def test_a_json_file_of_the_same_name_is_not_lost(dualssl, model, image, tmp_path):
    write_volume(image, tmp_path / "dataset.nrrd")
    (tmp_path / "dataset.json").write_text("not a prediction's")
    outcome = dualssl("predict", model, tmp_path / "dataset.nrrd", "--output", tmp_path)
    assert outcome.status == 2
    assert "dataset.json" in outcome.complaint
    assert (tmp_path / "dataset.json").read_text() == "not a prediction's"


def test_a_linked_image_gives_results_under_the_links_name(image, tmp_path):
    write_volume(image, tmp_path / "0815.nrrd")
    link = tmp_path / "patient.nii.gz"
    link.symlink_to(tmp_path / "0815.nrrd")
    assert volume_name(link) == "patient"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/Case 1.NII.GZ", "Case 1"),
        ("case.v2.nrrd", "case.v2"),
        ("case_0000.nii.gz", "case"),
        ("edited.seg.nrrd", "edited"),
        ("dicom/12.5/", "12.5"),
    ],
)
def test_results_are_named_after_the_input(path, name, tmp_path):
    assert volume_name(tmp_path / path) == name


def test_the_working_folder_has_its_own_name(tmp_path, monkeypatch):
    (tmp_path / "scan").mkdir()
    monkeypatch.chdir(tmp_path / "scan")
    from pathlib import Path

    assert volume_name(Path()) == "scan"
    assert volume_name(Path("..")) == tmp_path.name


def test_two_inputs_of_one_name_are_refused(dualssl, model, image, tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_volume(image, tmp_path / folder / "a.nrrd")
    outcome = dualssl("predict", model, tmp_path / "x/a.nrrd", tmp_path / "y/a.nrrd", "--output", tmp_path / "r")
    assert outcome.status == 2
    assert "'a'" in outcome.complaint
    assert not (tmp_path / "r").exists()


@pytest.fixture(scope="module")
def two_channel_model(tmp_path_factory):
    """An untrained pair for two channels."""
    import torch

    from dualssl.labels import LabelTable
    from dualssl.model.folder import save_model
    from dualssl.model.manifest import Manifest, NetworkSpec, Normalisation, Postprocessing, Preprocessing
    from dualssl.networks.pair import DualNetwork

    spec = NetworkSpec(in_channels=2, classes=2, width=2)
    torch.manual_seed(1)
    manifest = Manifest(
        id="two-channels",
        name="Two channels",
        labels=LabelTable.from_dataset_json({"ball": 1}),
        channel_names=("T1", "T2"),
        networks=spec,
        preprocessing=Preprocessing(normalisation=(Normalisation(), Normalisation())),
        postprocessing=Postprocessing(),
        patch=(16, 16, 32),
    )
    folder = tmp_path_factory.mktemp("models") / "two channels"
    save_model(folder, manifest, DualNetwork(spec))
    return folder


def test_channels_beside_each_other_are_found_by_their_numbers(dualssl, two_channel_model, image, tmp_path):
    write_volume(image, tmp_path / "a_0000.nrrd")
    write_volume(Volume(-image.array, image.geometry), tmp_path / "a_0001.nrrd")
    outcome = dualssl("predict", two_channel_model, tmp_path / "a_0000.nrrd", "--output", tmp_path / "r")
    assert outcome.status == 0, outcome.err
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"a" + ending for ending in ENDINGS}


@pytest.mark.parametrize(("given", "named"), [("a.nrrd", "NAME_0000.nrrd"), ("a_0000.nrrd", "a_0001.nrrd does not exist")])
def test_a_missing_channel_is_told(dualssl, two_channel_model, image, tmp_path, given, named):
    write_volume(image, tmp_path / given)
    outcome = dualssl("predict", two_channel_model, tmp_path / given, "--output", tmp_path / "r")
    assert outcome.status == 2
    assert named in outcome.complaint
    assert not (tmp_path / "r").exists()


def test_channels_on_different_grids_are_told_with_the_file(dualssl, two_channel_model, image, tmp_path):
    write_volume(image, tmp_path / "a_0000.nrrd")
    part = Volume(image.array[1:], image.geometry.cropped((1, 0, 0), (19, 24, 34)))
    write_volume(part, tmp_path / "a_0001.nrrd")
    outcome = dualssl("predict", two_channel_model, tmp_path / "a_0000.nrrd", "--output", tmp_path / "r")
    assert outcome.status == 2
    assert "a_0000.nrrd: Channel 2 differs from channel 1 in size" in outcome.complaint
    assert list((tmp_path / "r").iterdir()) == []


def test_a_finished_model_can_be_moved_and_renamed(dualssl, model, image, tmp_path):
    moved = shutil.copytree(model, tmp_path / "Linkes Herz ü [1]")
    write_volume(image, tmp_path / "Bild [red] ä.nrrd")
    outcome = dualssl("predict", moved, tmp_path / "Bild [red] ä.nrrd", "--output", tmp_path / "Ergebnis :heart:")
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "Ergebnis :heart:" / "Bild [red] ä.seg.nrrd").is_file()
    assert "Bild [red] ä" in outcome.out
