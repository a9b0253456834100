"""A released model is the model it was made from, half as large, with what people must know of it."""

import copy
import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest
import torch

from dualssl.errors import ModelError, OutputError
from dualssl.model.folder import load_model, read_manifest, save_model, verify_model
from dualssl.model.release import FIGURES, SEGMENTATIONS, ReleaseNotes, read_object, release_model

NOW = datetime(2026, 2, 3, tzinfo=timezone.utc)
NOTES = ReleaseNotes(
    name="Left atrium, compact",
    data="80 public cases of é 2018",
    authors="The authors",
    copyright="2026 the authors",
    licence="CC-BY-4.0",
    citations=("Xiong et al. 2020, A global benchmark",),
    limits=("Finds nothing on whole volumes.", "Pulmonary veins end where the labels end | not where they do."),
)


@pytest.fixture
def evaluation(atrium_manifest):
    """What `evaluate` writes, as far as it is read."""
    figures = dict(zip(FIGURES, (0.8386, 0.7275, 8.923, 1.869), strict=True))
    return {
        "model": atrium_manifest.id,
        "dataset": "LA2018",
        "cases": [{"case": f"v{n}", **figures} for n in range(8)],
        **{key: dict(figures) for key in SEGMENTATIONS},
        "uncertainty": {"error_rate": 0.136, "calibration": {"ece": 0.031}, "maps": {"entropy": {"auroc": 0.834}}},
    }


@pytest.fixture
def calibration(atrium_manifest):
    return {
        "model": atrium_manifest.id,
        "temperature": 1.25,
        "kept": True,
        "verdict": "Temperature 1.250 is kept.",
        "ece_before": 0.0309,
        "ece_after": 0.0111,
    }


@pytest.fixture
def released(atrium_model, tmp_path, evaluation, calibration):
    return release_model(atrium_model, tmp_path / "out" / "left-atrium", NOTES, NOW, evaluation, calibration)


@pytest.fixture
def folder(released, tmp_path):
    return tmp_path / "out" / "left-atrium"


def card_of(folder):
    return (folder / "docs" / "README.md").read_text(encoding="utf-8")


def test_a_release_is_an_intact_model_of_half_the_size(released, folder, atrium_model):
    assert verify_model(folder).manifest == released
    sizes = [sum(p.stat().st_size for p in place.rglob("*.safetensors")) for place in (folder, atrium_model)]
    assert sizes[0] < 0.6 * sizes[1]


def test_it_computes_what_the_original_does(released, folder, atrium_model, image):
    ours, theirs = load_model(folder)[0], load_model(atrium_model)[0]
    with torch.no_grad():
        for (rounded, _), (exact, _) in zip(ours(image), theirs(image), strict=True):
            assert not torch.equal(rounded, exact)
            assert torch.allclose(rounded, exact, atol=0.02)
            agree = rounded.argmax(1) == exact.argmax(1)
            assert agree.float().mean() > 0.999


def test_it_has_an_id_of_its_own_and_names_the_original(released, atrium_manifest):
    assert released.id.startswith("left-atrium-compact-20260203-")
    assert released.id != atrium_manifest.id
    assert released.provenance["released_from"] == atrium_manifest.id
    assert released.parent == atrium_manifest.parent


def test_ids_differ_wherever_the_models_do(atrium_model, tmp_path, calibration):
    plain = [release_model(atrium_model, tmp_path / name, ReleaseNotes(), NOW) for name in ("one", "two")]
    warmer = release_model(atrium_model, tmp_path / "three", ReleaseNotes(), NOW, calibration=calibration)
    again = release_model(tmp_path / "one", tmp_path / "four", ReleaseNotes(), NOW)
    assert plain[0].id == plain[1].id
    assert len({plain[0].id, warmer.id, again.id}) == 3


def test_the_original_stays_as_it_is(released, atrium_model, atrium_manifest):
    assert verify_model(atrium_model).manifest == atrium_manifest


def test_what_is_not_said_stays_as_the_model_has_it(atrium_model, tmp_path, atrium_manifest):
    manifest = release_model(atrium_model, tmp_path / "plain", ReleaseNotes(), NOW)
    assert (manifest.name, manifest.temperature) == (atrium_manifest.name, atrium_manifest.temperature)
    assert manifest.provenance["licence"] == atrium_manifest.provenance["licence"]
    assert "limits" not in manifest.provenance
    assert "## Citation" not in card_of(tmp_path / "plain")


def test_the_temperature_is_that_of_the_calibration(released, folder):
    assert read_manifest(folder).temperature == 1.25
    assert "**Temperature**: 1.25" in card_of(folder)
    assert "Temperature 1.250 is kept. Expected calibration error 0.0309 before, 0.0111 after." in card_of(folder)


def test_a_calibration_that_does_not_help_says_so_on_the_card(atrium_model, tmp_path, calibration):
    calibration |= {"temperature": 1.0, "kept": False, "verdict": "Temperature 1 stays: it does not help."}
    release_model(atrium_model, tmp_path / "out", NOTES, NOW, calibration=calibration)
    assert "Temperature 1 stays: it does not help.\n" in card_of(tmp_path / "out")


def test_the_card_has_figures_of_every_network_and_how_they_were_measured(folder, atrium_manifest):
    card = card_of(folder)
    assert "8 cases of LA2018 that were not trained on" in card
    assert "Of left atrium only the largest piece was kept." in card
    assert f"Measured on model {atrium_manifest.id}" in card
    for name in ("mean of both networks", "network A", "network B"):
        assert f"| {name} | 83.86 | 72.75 | 8.92 | 1.87 |" in card
    assert "share of wrong voxels 0.136, AUROC of entropy for them 0.834, calibration error 0.031" in card


def test_the_card_has_data_labels_protocol_limits_licence_and_citation(folder):
    card = card_of(folder)
    for words in (*NOTES.limits, *NOTES.citations, NOTES.data, NOTES.licence, "**Stored as**: float16"):
        assert words in card
    for words in ("**Labelled cases**: 2", "**Unlabelled cases**: 72", "| 1 | left atrium |", "Not a medical device"):
        assert words in card
    assert "\n\n\n" not in card
    assert card.endswith("A global benchmark\n")


def test_the_checkpoint_is_named(atrium_manifest, atrium_networks, tmp_path):
    manifest = replace(atrium_manifest, provenance={**atrium_manifest.provenance, "checkpoint": "last"})
    save_model(tmp_path / "model", manifest, atrium_networks)
    release_model(tmp_path / "model", tmp_path / "out", NOTES, NOW)
    assert "**Checkpoint**: last" in card_of(tmp_path / "out")


def test_the_bundle_says_the_same(folder):
    data = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert (data["authors"], data["copyright"], data["data_source"]) == (NOTES.authors, NOTES.copyright, NOTES.data)
    assert data["references"] == list(NOTES.citations)
    assert data["eval_metrics"] == {"dice": 0.8386, "jaccard": 0.7275, "hd95": 8.923, "assd": 1.869}


def other_model(evaluation):
    evaluation["model"] = "another"


def no_figure(evaluation):
    del evaluation["network_b"]["assd"]


def endless_figure(evaluation):
    evaluation["mean"]["hd95"] = float("inf")


def trained_case(evaluation):
    evaluation["dataset"] = "Ärzte's atria"
    evaluation["cases"][3]["case"] = "b"


def no_cases(evaluation):
    evaluation["cases"] = 8


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (other_model, "is of model 'another', not of 'left-atrium"),
        (no_figure, "lacks or garbles a figure .*assd"),
        (endless_figure, "no finite number"),
        (trained_case, "case 'b', which the model was trained on"),
        (no_cases, "lacks or garbles"),
    ],
)
def test_figures_that_are_not_the_models_are_refused(atrium_model, tmp_path, evaluation, harm, told):
    harm(evaluation)
    with pytest.raises(ModelError, match=told):
        release_model(atrium_model, tmp_path / "out", NOTES, NOW, evaluation)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), None, "warm", True])
def test_a_temperature_that_is_none_is_refused(atrium_model, tmp_path, calibration, temperature):
    with pytest.raises(ModelError, match="calibration"):
        release_model(atrium_model, tmp_path / "out", NOTES, NOW, calibration=calibration | {"temperature": temperature})
    assert not (tmp_path / "out").exists()


def test_a_calibration_of_another_model_is_refused(atrium_model, tmp_path, calibration):
    with pytest.raises(ModelError, match="is of model 'another'"):
        release_model(atrium_model, tmp_path / "out", NOTES, NOW, calibration=calibration | {"model": "another"})


def test_nothing_that_is_there_is_overwritten(atrium_model, folder, released):
    with pytest.raises(OutputError, match="exists already"):
        release_model(atrium_model, folder, NOTES, NOW)
    assert verify_model(folder).manifest == released


def test_weights_beyond_float16_are_named(atrium_manifest, atrium_networks, tmp_path):
    networks = copy.deepcopy(atrium_networks)
    with torch.no_grad():
        networks.a.head.bias[0] = 1e6
    save_model(tmp_path / "model", atrium_manifest, networks)
    with pytest.raises(ModelError, match="exceeds the range of float16"):
        release_model(tmp_path / "model", tmp_path / "out", NOTES, NOW)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", "\u00e9".encode("latin-1")])
def test_a_file_that_holds_no_object_is_named(tmp_path, content):
    (tmp_path / "figures.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"figures\.json"):
        read_object(tmp_path / "figures.json")
