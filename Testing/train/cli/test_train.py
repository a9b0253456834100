"""`dualssl train`: what it leaves, how it goes on, and what it refuses, saying why and leaving nothing half-made."""

import json
import shutil

import numpy as np
import pytest

from dualssl.dataset import read_dataset
from dualssl.geometry import Geometry
from dualssl.model.folder import read_manifest, verify_model
from dualssl.volumes.read import read_label_map, read_volume
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume


def test_a_run_leaves_a_verified_model_and_its_records(trained_run):
    model = verify_model(trained_run / "model").manifest
    assert model.labels.names == ("left half", "right half")
    assert (model.networks.width, model.networks.classes, model.patch) == (2, 3, (16, 16, 32))
    provenance = model.provenance
    assert (provenance["preset"], provenance["iterations"], provenance["batch"], provenance["seed"]) == ("strong", 3, 2, 1)
    assert provenance["labelled"] == ["case_0", "case_1"]
    assert provenance["unlabelled"] == 2
    assert provenance["validation"] == ["case_4", "case_5"]
    records = [json.loads(line) for line in (trained_run / "metrics.jsonl").read_text().splitlines()]
    assert {record["kind"] for record in records} == {"train", "validation"}
    assert not [path for path in trained_run.rglob("*") if path.name.startswith(".")]


def test_without_a_list_all_other_cases_are_unlabelled_and_labels_of_those_are_never_read(
    dualssl, training, own_dataset, tmp_path
):
    for name in ("case_2", "case_3", "case_4", "case_5"):
        (own_dataset / "labels" / f"{name}.nrrd").unlink()
    outcome = dualssl(*training(own_dataset, tmp_path / "RUN"))
    assert outcome.status == 0, outcome.err
    assert str(tmp_path / "RUN" / "model") in outcome.out.replace("\n", "")
    assert read_manifest(tmp_path / "RUN" / "model").provenance["unlabelled"] == 4


def test_lists_may_be_names_and_a_part_of_the_preset_can_be_left_out(dualssl, training, intact_dataset, tmp_path):
    arguments = training(intact_dataset, tmp_path / "RUN", labelled="case_0,case_1")
    outcome = dualssl(*arguments, "--without", "copy_paste", "--without", "discrepancy", "--name", "Half a ball")
    assert outcome.status == 0, outcome.err
    manifest = read_manifest(tmp_path / "RUN" / "model")
    assert manifest.name == "Half a ball"
    assert manifest.provenance["without"] == ["copy_paste", "discrepancy"]


def test_a_finished_run_is_neither_repeated_nor_overwritten(dualssl, training, intact_dataset, trained_run):
    before = {path: path.stat().st_mtime_ns for path in trained_run.rglob("*")}
    outcome = dualssl(*training(intact_dataset, trained_run))
    assert outcome.status == 2
    assert str(trained_run) in outcome.complaint
    assert "--resume" in outcome.hint
    assert {path: path.stat().st_mtime_ns for path in trained_run.rglob("*")} == before


def test_resuming_a_run_with_its_settings_ends_in_the_same_model(dualssl, training, intact_dataset, tmp_path, trained_run):
    run = shutil.copytree(trained_run, tmp_path / "RUN")
    shutil.rmtree(run / "model")
    lists = ("--unlabelled", intact_dataset / "unlabelled.txt", "--validation", intact_dataset / "validation.txt")
    outcome = dualssl(*training(intact_dataset, run), *lists, "--resume")
    assert outcome.status == 0, outcome.err
    for name in ("network_a", "network_b"):
        weights = f"model/models/{name}.safetensors"
        assert (run / weights).read_bytes() == (trained_run / weights).read_bytes()


def test_resuming_with_other_settings_names_them(dualssl, training, intact_dataset, tmp_path, trained_run):
    run = shutil.copytree(trained_run, tmp_path / "RUN")
    outcome = dualssl(*training(intact_dataset, run), "--resume", "--seed", 2)
    assert outcome.status == 2
    assert "seed" in outcome.complaint


def test_there_must_be_a_run_to_resume(dualssl, training, intact_dataset, tmp_path):
    outcome = dualssl(*training(intact_dataset, tmp_path / "RUN"), "--resume")
    assert outcome.status == 2
    assert "no run to resume" in outcome.complaint


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--preset", "magic"), ["'magic'", "supervised", "strong"]),
        (("--without", "magic"), ["no part 'magic'", "discrepancy"]),
        (("--batch", 3), ["batch size 3", "even"]),
        (("--batch", 0), ["batch size 0"]),
        (("--width", 0), ["width of 0"]),
        (("--iterations", 0), ["0 iterations"]),
        (("--patch", "20,16,32"), ["20,16,32", "multiple of 16"]),
        (("--patch", "16,16,16"), ["16,16,16"]),
        (("--patch", "16,16"), ["--patch 16,16", "three whole numbers"]),
        (("--patch", "big"), ["--patch big"]),
        (("--spacing", "1,0,1"), ["--spacing 1,0,1"]),
        (("--labelled", "case_0,nobody"), ["list of labelled cases", "'nobody'"]),
        (("--unlabelled", "case_2,nobody"), ["list of unlabelled cases", "'nobody'"]),
        (("--validation", "nobody"), ["list of validation cases", "'nobody'"]),
        (("--labelled", "case_0,case_0"), ["--labelled", "'case_0'", "more than once"]),
        (("--validation", "case_0"), ["'case_0'", "validation"]),
        (("--unlabelled", "case_0,case_1"), ["list of unlabelled cases"]),
        (("--labelled", "nowhere.txt"), ["nowhere.txt", "no such file"]),
        (("--labelled", ""), ["--labelled", "no case"]),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(dualssl, training, intact_dataset, tmp_path, options, named):
    outcome = dualssl(*training(intact_dataset, tmp_path / "RUN"), *options)
    assert outcome.status == 2
    assert [word for word in named if word not in outcome.complaint] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--labelled", "--unlabelled", "--validation"])
def test_an_empty_list_is_refused(dualssl, training, intact_dataset, tmp_path, option):
    (tmp_path / "empty.txt").write_text("# nobody yet\n\n")
    outcome = dualssl(*training(intact_dataset, tmp_path / "RUN"), option, tmp_path / "empty.txt")
    assert outcome.status == 2
    assert option in outcome.complaint
    assert "empty.txt lists no case" in outcome.complaint
    assert not (tmp_path / "RUN").exists()


def test_a_preset_that_learns_from_unlabelled_cases_wants_some(dualssl, training, intact_dataset, tmp_path):
    everybody = ",".join(f"case_{n}" for n in range(6))
    outcome = dualssl(*training(intact_dataset, tmp_path / "RUN", labelled=everybody))
    assert outcome.status == 2
    assert "unlabelled" in outcome.complaint
    assert list(tmp_path.iterdir()) == []


def truncated(path, _):
    path.write_bytes(path.read_bytes()[:-60])


def text(path, _):
    path.write_text("This is no volume.\n" * 50)


def not_a_number(path, grid):
    array = read_volume(path).array.astype(np.float32)
    array[3, 4, 5] = np.nan
    write_volume(Volume(array, grid), path)


def constant(path, grid):
    write_volume(Volume(np.full(grid.shape, 3, np.int16), grid), path)


def missing(path, _):
    path.unlink()


@pytest.mark.parametrize("case", ["case_0", "case_3", "case_5"], ids=["labelled", "unlabelled", "validation"])
@pytest.mark.parametrize("harm", [truncated, text, not_a_number, constant, missing])
def test_a_bad_image_in_any_list_is_named_before_the_first_step(dualssl, training, own_dataset, tmp_path, grid, harm, case):
    path = own_dataset / "images" / f"{case}.nrrd"
    harm(path, grid)
    lists = ("--unlabelled", "case_2,case_3", "--validation", "case_4,case_5")
    outcome = dualssl(*training(own_dataset, tmp_path / "RUN"), *lists)
    assert outcome.status == 2
    assert str(path) in outcome.complaint
    assert {path.name for path in (tmp_path / "RUN").glob("**/*")} <= {"run.json"}


def unknown_value(path, grid):
    label = read_label_map(path, (1, 2)).array
    write_volume(Volume(np.where(label == 2, 7, label).astype(np.uint8), grid), path)
    return "label value(s) 7"


def other_spacing(path, grid):
    label = read_label_map(path, (1, 2)).array
    write_volume(Volume(label, Geometry(grid.shape, (2.0, 1.0, 1.2), grid.origin)), path)
    return "spacing"


def other_size(path, grid):
    label = read_label_map(path, (1, 2)).array[:-2]
    write_volume(Volume(label, Geometry(label.shape, grid.spacing, grid.origin)), path)
    return "size"


def fractions(path, grid):
    label = read_label_map(path, (1, 2)).array
    write_volume(Volume(label * np.float32(0.5), grid), path)
    return "whole numbers"


def nothing_labelled(path, grid):
    write_volume(Volume(np.zeros(grid.shape, np.uint8), grid), path)
    return "empty"


@pytest.mark.parametrize("case", ["case_1", "case_4"], ids=["labelled", "validation"])
@pytest.mark.parametrize("harm", [unknown_value, other_spacing, other_size, fractions, nothing_labelled])
def test_a_bad_label_map_is_named_with_what_is_wrong(dualssl, training, own_dataset, tmp_path, grid, harm, case):
    path = own_dataset / "labels" / f"{case}.nrrd"
    wrong = harm(path, grid)
    outcome = dualssl(*training(own_dataset, tmp_path / "RUN"), "--validation", "case_4,case_5")
    assert outcome.status == 2
    assert str(path) in outcome.complaint
    assert wrong in outcome.complaint
    assert not (tmp_path / "RUN" / "model").exists()


def described(**changes):
    whole = {"labels": {"background": 0, "left half": 1, "right half": 2}, "channel_names": {"0": "MRI"}}
    return json.dumps(whole | changes)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "has no dataset.json"),
        ("{", "dataset.json"),
        ("{}", "labels"),
        (described(labels={"background": 0}), "no label beside background"),
        (described(labels={"background": 0, "left half": 1, "right half": 3}), "1, 2, 3"),
        (described(labels={"background": 0, "left half": "one"}), "'left half'"),
        (described(channel_names={}), "channel_names"),
        (described(file_ending=".nii.gz"), ".nii.gz"),
    ],
)
def test_a_dataset_json_that_says_nothing_usable_is_refused(dualssl, training, own_dataset, tmp_path, content, named):
    (own_dataset / "dataset.json").unlink()
    if content is not None:
        (own_dataset / "dataset.json").write_text(content)
    outcome = dualssl(*training(own_dataset, tmp_path / "RUN"))
    assert outcome.status == 2
    assert named in outcome.complaint
    assert not (tmp_path / "RUN").exists()


def test_a_dataset_that_is_not_there_is_named(dualssl, training, intact_dataset, tmp_path):
    outcome = dualssl(*training(tmp_path / "nowhere", tmp_path / "RUN", labelled=intact_dataset / "labelled.txt"))
    assert outcome.status == 2
    assert str(tmp_path / "nowhere") in outcome.complaint


def test_a_device_that_is_not_there_is_refused(dualssl, training, intact_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    outcome = dualssl(*training(intact_dataset, tmp_path / "RUN"), "--device", "cuda")
    assert outcome.status == 2
    assert "cuda" in outcome.complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inside", [False, True])
def test_a_file_in_place_of_the_run_is_left_alone(dualssl, training, intact_dataset, tmp_path, inside):
    (tmp_path / "thesis").write_text("five years")
    outcome = dualssl(*training(intact_dataset, tmp_path / "thesis" / "RUN" if inside else tmp_path / "thesis"))
    assert outcome.status == 2
    assert "thesis" in outcome.complaint
    assert (tmp_path / "thesis").read_text() == "five years"


def test_a_full_disk_ends_the_run_with_a_sentence_and_no_half_model(dualssl, training, intact_dataset, tmp_path, limited_files):
    with limited_files(50_000):
        outcome = dualssl(*training(intact_dataset, tmp_path / "RUN"))
    assert outcome.status == 2
    assert "could not be written" in outcome.complaint
    assert {path.name for path in (tmp_path / "RUN").iterdir()} <= {"run.json", "metrics.jsonl", "tensorboard"}
    resumed = dualssl(*training(intact_dataset, tmp_path / "RUN"), "--resume")
    assert resumed.status == 0, resumed.err
    verify_model(tmp_path / "RUN" / "model")


def test_images_smaller_than_a_patch_are_trained_on(dualssl, training, own_dataset, tmp_path):
    dataset = read_dataset(own_dataset)
    for name in dataset.cases():
        image, label = read_volume(dataset.image_paths(name)[0]), read_volume(dataset.label_path(name))
        for volume, path in ((image, dataset.image_paths(name)[0]), (label, dataset.label_path(name))):
            part = volume.array[5:15, 6:18, 8:28]
            write_volume(Volume(part, Geometry(part.shape, volume.geometry.spacing)), path)
    outcome = dualssl(*training(own_dataset, tmp_path / "RUN", preset="supervised"))
    assert outcome.status == 0, outcome.err
