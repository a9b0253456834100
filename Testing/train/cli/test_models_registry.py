"""`dualssl models` with a registry: from the first model to a compared, activated and rolled-back version."""

import json
from dataclasses import replace

import pytest
import torch

from dualssl.model.folder import load_model, save_model
from dualssl.registry import ModelRegistry
from dualssl.registry.compare import read_scores
from dualssl.registry.verdict import read_verdict


@pytest.fixture(scope="module")
def parent_id(model):
    return load_model(model)[1].id


@pytest.fixture(scope="module")
def child(model, tmp_path_factory):
    """A child of the trained model that segments nothing."""
    networks, manifest = load_model(model)
    with torch.no_grad():
        for network in (networks.a, networks.b):
            network.head.bias[0] += 100.0
    folder = tmp_path_factory.mktemp("child") / "model"
    save_model(folder, replace(manifest, id="child", parent=manifest.id), networks)
    return folder


@pytest.fixture(scope="module")
def compared(dualssl, model, child, intact_dataset, tmp_path_factory):
    """The output of `compare` on the two cases that were not trained on, with two more as the reference set."""
    output = tmp_path_factory.mktemp("verdict") / "new folder" / "verdict.json"
    outcome = dualssl(
        *("models", "compare", model, child, intact_dataset, "--cases", "case_4,case_5", "--device", "cpu"),
        *("--reference", intact_dataset, "--output", output),
    )
    assert outcome.status == 0, outcome.err
    return outcome, output


def test_the_comparison_shows_structures_rules_and_the_verdict(compared, parent_id):
    outcome, output = compared
    for text in ("left half", "right half", "mean", "too few", "gain: ", "HD95: ", "reference: ", str(output)):
        assert text in outcome.out
    assert f"A is {parent_id}, B is child." in outcome.out
    verdict = read_verdict(output)
    assert verdict.reason in outcome.out
    assert verdict.held_out.cases == ("case_4", "case_5")
    assert len(verdict.reference.cases) == 6
    # The child has nothing that could be calibrated.
    assert verdict.decision == "worse"
    assert verdict.held_out.ece_child is None


def test_the_comparison_has_the_figures_of_evaluate(compared, dualssl, model, intact_dataset, tmp_path):
    figures = tmp_path / "figures.json"
    assert dualssl("evaluate", model, intact_dataset, "--cases", "case_4,case_5", "--output", figures).status == 0
    data = json.loads(figures.read_text(encoding="utf-8"))
    compared_set = read_verdict(compared[1]).held_out
    assert compared_set.mean.dice.parent == pytest.approx(data["mean"]["dice"])
    assert compared_set.mean.hd95.parent == pytest.approx(data["mean"]["hd95"])
    assert compared_set.ece_parent == pytest.approx(data["uncertainty"]["calibration"]["ece"])
    assert read_scores(figures).calibration.ece == pytest.approx(data["uncertainty"]["calibration"]["ece"])


def test_without_a_list_the_cases_that_were_not_trained_on_are_compared(dualssl, model, child, intact_dataset):
    outcome = dualssl("models", "compare", model, child, intact_dataset, "--device", "cpu")
    assert outcome.status == 0, outcome.err
    assert "Balls, 4 held-out cases: Dice" in outcome.out


def test_a_registry_is_made_filled_and_listed(dualssl, registry, child, compared, parent_id):
    outcome = dualssl("models", "add", registry, child, "--verdict", compared[1])
    assert outcome.status == 0, outcome.err
    assert "child: marked worse, version 2" in outcome.out
    assert dualssl("models", "activate", registry, parent_id).status == 0
    lines = dualssl("models", "list", registry).out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("*")
    assert parent_id in lines[0]
    assert "active" in lines[0]
    assert "marked worse" in lines[1]


def test_an_empty_registry_says_so(dualssl, tmp_path):
    ModelRegistry.create(tmp_path / "registry")
    for command in ("list", "verify"):
        assert "is empty" in dualssl("models", command, tmp_path / "registry").out


def test_a_version_is_shown_with_lineage_cases_verdict_and_sums(dualssl, registry, child, compared, parent_id):
    dualssl("models", "add", registry, child, "--verdict", compared[1])
    outcome = dualssl("models", "show", registry, "child")
    record = ModelRegistry.open(registry).get("child")
    for text in (
        "child: marked worse, version 2",
        f"lineage: child < {parent_id}",
        "trained on: case_0, case_1",
        record.manifest_sha256,
        record.checksums_sha256,
        "left half",
        record.verdict["reason"],
    ):
        assert text in outcome.out
    assert "not compared" in dualssl("models", "show", registry, parent_id).out


def test_force_rollback_and_removal(dualssl, registry, child, compared, parent_id):
    dualssl("models", "add", registry, child, "--verdict", compared[1])
    assert dualssl("models", "activate", registry, parent_id).status == 0
    refused = dualssl("models", "activate", registry, "child")
    assert refused.status == 2
    assert "is not proposed (Worse in" in refused.complaint
    assert "--force" in refused.hint
    assert dualssl("models", "activate", registry, "child", "--force").out == "child: active\n"
    assert "is active" in dualssl("models", "remove", registry, "child").complaint
    assert f"{parent_id}: active" in dualssl("models", "rollback", registry).out
    assert "child: removed, kept in" in dualssl("models", "remove", registry, "child").out
    assert "nothing" not in dualssl("models", "list", registry).out
    assert len(ModelRegistry.open(registry).list()) == 1


def test_a_version_that_was_not_compared_with_the_active_one_is_noted(dualssl, registry, child, model, parent_id, tmp_path):
    dualssl("models", "add", registry, child)
    networks, manifest = load_model(model)
    save_model(tmp_path / "sibling", replace(manifest, id="sibling", parent=manifest.id), networks)
    dualssl("models", "add", registry, tmp_path / "sibling")
    dualssl("models", "activate", registry, "child", "--force")
    outcome = dualssl("models", "activate", registry, "sibling", "--force")
    assert "was not compared with child" in outcome.out


def test_versions_are_verified_one_or_all(dualssl, registry, child, parent_id):
    dualssl("models", "add", registry, child)
    one, all_of_them = dualssl("models", "verify", registry, "child"), dualssl("models", "verify", registry)
    assert one.out.splitlines()[0].startswith("child: intact")
    assert all_of_them.out.count(": intact") == 2
    weights = registry / "models" / "child" / "models" / "network_a.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    for arguments in ((registry, "child"), (registry,)):
        outcome = dualssl("models", "verify", *arguments)
        assert outcome.status == 2
        assert "network_a.safetensors is truncated" in outcome.complaint
    assert dualssl("models", "verify", registry, parent_id).status == 0


def test_a_version_in_a_folder_that_is_no_registry_is_refused(dualssl, model):
    outcome = dualssl("models", "verify", model, "child")
    assert outcome.status == 2
    assert "is no registry" in outcome.complaint


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("list", "nowhere"), "There is no registry nowhere"),
        (("show", "REGISTRY", "chidl"), "no version 'chidl'"),
        (("activate", "REGISTRY", "chidl"), "no version 'chidl'"),
        (("remove", "REGISTRY", "chidl"), "no version 'chidl'"),
        (("rollback", "REGISTRY"), "was active before"),
        (("add", "nowhere", "MODEL"), "There is no registry nowhere"),
        (("add", "REGISTRY", "MODEL"), "in the registry already"),
        (("add", "REGISTRY", "nowhere"), "There is no model folder nowhere"),
        (("add", "REGISTRY", "CHILD", "--verdict", "nowhere"), "nowhere cannot be read"),
        (("add", "REGISTRY", "CHILD", "--parent", "x", "--without-parent"), "contradict"),
        (("add", "MODEL", "CHILD", "--create"), "exists already"),
        (("compare", "MODEL", "MODEL", "DATASET"), "Both folders hold model"),
        (("compare", "MODEL", "CHILD", "nowhere"), "There is no dataset folder nowhere"),
        (("compare", "MODEL", "CHILD", "DATASET", "--cases", "case_0"), "was trained on case 'case_0'"),
        (("compare", "MODEL", "CHILD", "DATASET", "--cases", "nobody"), "'nobody'"),
        (("compare", "MODEL", "CHILD", "DATASET", "--reference", "nowhere"), "no dataset folder nowhere"),
        (("compare", "MODEL", "CHILD", "DATASET", "--output", "DATASET"), "is a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_one_sentence_before_the_work(
    dualssl, registry, model, child, intact_dataset, monkeypatch, tmp_path, arguments, named
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dualssl.prediction.predictor.Predictor.predict", lambda *_, **__: pytest.fail("worked in vain"))
    meant = {"REGISTRY": registry, "MODEL": model, "CHILD": child, "DATASET": intact_dataset}
    outcome = dualssl("models", *(meant.get(argument, argument) for argument in arguments))
    assert outcome.status == 2
    assert named in outcome.complaint
    assert [path.name for path in tmp_path.iterdir()] == [registry.name]
    assert len(ModelRegistry.open(registry).list()) == 1


def test_a_model_whose_parent_is_missing_is_refused_unless_asked(dualssl, child, tmp_path, parent_id):
    refused = dualssl("models", "add", tmp_path / "registry", child, "--create")
    assert refused.status == 2
    assert f"comes from '{parent_id}', which is not in the registry" in refused.complaint
    assert dualssl("models", "add", tmp_path / "registry", child, "--without-parent").status == 0


def test_a_verdict_cannot_be_written_over_a_full_disk(dualssl, model, child, intact_dataset, tmp_path, limited_files):
    output = tmp_path / "verdict.json"
    output.write_text("{}")
    with limited_files(500):
        outcome = dualssl("models", "compare", model, child, intact_dataset, "--cases", "case_4", "--output", output)
    assert outcome.status == 2
    assert "verdict.json could not be written" in outcome.complaint
    assert output.read_text() == "{}"
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]


def test_every_command_has_help(dualssl):
    for command in ("list", "show", "add", "activate", "rollback", "remove", "compare", "verify"):
        outcome = dualssl("models", command, "--help")
        assert outcome.status == 0
        assert f"Usage: dualssl models {command}" in outcome.out
