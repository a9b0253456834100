"""From a trained model to one that can be passed on: evaluate, calibrate, release; and what it does on larger volumes."""

import json

import numpy as np
import pytest

from dualssl.model.folder import read_manifest, verify_model
from dualssl.volumes.read import read_volume
from dualssl.volumes.write import write_volume

HELD_OUT = ("--cases", "case_4,case_5", "--device", "cpu")


@pytest.fixture(scope="module")
def evaluation(dualssl, model, intact_dataset, tmp_path_factory):
    file = tmp_path_factory.mktemp("figures") / "evaluation.json"
    assert dualssl("evaluate", model, intact_dataset, *HELD_OUT, "--output", file).status == 0
    return file


@pytest.fixture(scope="module")
def calibrated(dualssl, model, intact_dataset, tmp_path_factory):
    """The outcome of the command and its file."""
    file = tmp_path_factory.mktemp("temperature") / "new folder" / "calibration.json"
    outcome = dualssl("models", "calibrate", model, intact_dataset, *HELD_OUT, "--output", file)
    assert outcome.status == 0, outcome.err
    return outcome, file


@pytest.fixture
def release(dualssl, model, evaluation, calibrated, tmp_path):
    outcome = dualssl(
        *("models", "release", model, "--output", tmp_path / "shipped" / "balls"),
        *("--evaluation", evaluation, "--calibration", calibrated[1], "--licence", "Apache-2.0"),
        *("--limit", "Only balls.", "--limit", "Only two.", "--citation", "Nobody 2026"),
    )
    assert outcome.status == 0, outcome.err
    return tmp_path / "shipped" / "balls"


def test_calibration_says_what_it_decided_and_writes_it(calibrated, model):
    outcome, file = calibrated
    data = json.loads(file.read_text(encoding="utf-8"))
    assert data["model"] == read_manifest(model).id
    assert data["verdict"] in outcome.out
    assert [row["case"] for row in data["held_out"]] == ["case_4", "case_5"]
    assert f"{data['ece_before']:.4f} before, {data['ece_after']:.4f} after" in outcome.out


def test_a_released_model_has_its_temperature_figures_and_notes(release, evaluation, calibrated):
    manifest = verify_model(release).manifest
    assert manifest.temperature == json.loads(calibrated[1].read_text())["temperature"]
    assert manifest.provenance["evaluation"]["mean"]["dice"] == json.loads(evaluation.read_text())["mean"]["dice"]
    assert manifest.provenance["limits"] == ["Only balls.", "Only two."]
    card = (release / "docs" / "README.md").read_text(encoding="utf-8")
    assert all(words in card for words in ("2 cases of Balls", "Only two.", "Nobody 2026", "Apache-2.0"))


def test_a_released_model_segments_as_the_original(dualssl, model, image, tmp_path):
    """What differs is the rounding of the weights alone."""
    write_volume(image, tmp_path / "image.nrrd")
    assert dualssl("models", "release", model, "--output", tmp_path / "half").status == 0
    labels, entropies = [], []
    for name, folder in (("one", model), ("other", tmp_path / "half")):
        outcome = dualssl("predict", folder, tmp_path / "image.nrrd", "--output", tmp_path / name, "--device", "cpu")
        assert outcome.status == 0, outcome.err
        labels.append(read_volume(tmp_path / name / "image.seg.nrrd").array)
        entropies.append(read_volume(tmp_path / name / "image.entropy.nrrd").array)
    assert np.mean(labels[0] != labels[1]) < 0.001
    assert 0 < np.abs(entropies[0] - entropies[1]).max() < 0.05


def test_a_release_without_notes_says_what_is_not_known(dualssl, model, tmp_path):
    assert dualssl("models", "release", model, "--output", tmp_path / "plain").status == 0
    assert "No licence was stated" in (tmp_path / "plain" / "docs" / "README.md").read_text(encoding="utf-8")


def test_an_evaluation_of_another_model_is_refused(dualssl, model, evaluation, tmp_path):
    data = json.loads(evaluation.read_text())
    (tmp_path / "other.json").write_text(json.dumps(data | {"model": "another"}))
    outcome = dualssl("models", "release", model, "--output", tmp_path / "out", "--evaluation", tmp_path / "other.json")
    assert outcome.status == 2
    assert "'another'" in outcome.complaint
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_there_is_not_overwritten(dualssl, model, release):
    before = verify_model(release)
    outcome = dualssl("models", "release", model, "--output", release)
    assert outcome.status == 2
    assert "exists already" in outcome.complaint
    assert verify_model(release) == before


def test_a_file_that_is_not_there_is_named(dualssl, model, tmp_path):
    outcome = dualssl("models", "release", model, "--output", tmp_path / "out", "--calibration", tmp_path / "none.json")
    assert outcome.status == 2
    assert "none.json" in outcome.complaint


@pytest.mark.parametrize(
    ("cases", "named"), [("case_4", "at least two"), ("case_0,case_4", "'case_0'"), ("nobody", "'nobody'")]
)
def test_cases_that_cannot_calibrate_are_refused(dualssl, model, intact_dataset, tmp_path, cases, named):
    outcome = dualssl("models", "calibrate", model, intact_dataset, "--cases", cases, "--output", tmp_path / "t.json")
    assert outcome.status == 2
    assert named in outcome.complaint
    assert not (tmp_path / "t.json").exists()


def test_placement_compares_whole_volumes_and_regions_with_the_crop(dualssl, model, intact_dataset, tmp_path):
    file = tmp_path / "placement.json"
    outcome = dualssl(
        *("models", "placement", model, intact_dataset, "--cases", "case_4", "--pads", "3,6", "--fills", "edge"),
        *("--device", "cpu", "--output", file),
    )
    assert outcome.status == 0, outcome.err
    data = json.loads(file.read_text(encoding="utf-8"))
    assert data["complete"]
    assert data["model"] == read_manifest(model).id
    assert [row["pad_mm"] for row in data["rows"]] == [0.0, *[3.0] * 5, *[6.0] * 5]
    assert len(data["scores"]) == 11
    alone = data["rows"][0]["dice"]
    assert {row["dice"] for row in data["rows"] if row["view"] == "crop, its own statistics"} == {alone}
    assert "+6 edge" in outcome.out


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--pads", "far", "--pads far"),
        ("--pads", "0", "above 0"),
        ("--fills", "water", "water"),
        ("--cases", "nobody", "nobody"),
    ],
)
def test_a_placement_that_cannot_be_is_refused_before_the_work(
    dualssl, model, intact_dataset, tmp_path, monkeypatch, option, value, named
):
    monkeypatch.setattr("dualssl.prediction.predictor.Predictor.predict", lambda *_, **__: pytest.fail("worked in vain"))
    outcome = dualssl("models", "placement", model, intact_dataset, option, value, "--output", tmp_path / "p.json")
    assert outcome.status == 2
    assert named in outcome.complaint
    assert not (tmp_path / "p.json").exists()


def test_other_data_than_the_models_is_refused(dualssl, model, own_dataset, tmp_path):
    description = json.loads((own_dataset / "dataset.json").read_text())
    description["labels"] = {"background": 0, "left half, right half": 1}
    (own_dataset / "dataset.json").write_text(json.dumps(description))
    for command in ("calibrate", "placement"):
        outcome = dualssl("models", command, model, own_dataset, *HELD_OUT, "--output", tmp_path / "out.json")
        assert outcome.status == 2
        assert "structures" in outcome.complaint
