"""`dualssl finetune`: from a library of corrected cases to a registered version, as a person does it."""

import json

import pytest

from dualssl.model.folder import verify_model

TINY = ("--iterations", 2, "--patch", "16,16,32", "--device", "cpu")


@pytest.fixture
def library(dualssl, intact_dataset, tmp_path):
    """Cases 2 and 3 are corrected, 4 and 5 wait; a group for each."""
    folder = tmp_path / "library"
    assert dualssl("cases", "create", folder, "--like", intact_dataset).status == 0
    for number in (2, 3):
        outcome = dualssl(
            *("cases", "add", folder, intact_dataset / "images" / f"case_{number}.nrrd"),
            *("--labels", intact_dataset / "labels" / f"case_{number}.nrrd", "--reviewer", "A. Reader"),
        )
        assert outcome.status == 0, outcome.err
    for number in (4, 5):
        assert dualssl("cases", "add", folder, intact_dataset / "images" / f"case_{number}.nrrd").status == 0
    return folder


def test_corrected_cases_become_a_version_with_a_verdict(dualssl, model, library, registry, intact_dataset, tmp_path):
    outcome = dualssl(
        *("finetune", model, "--library", library, "--output", tmp_path / "RUN", *TINY),
        *("--replay", intact_dataset, "--registry", registry),
    )
    assert outcome.status == 0, outcome.err
    child = verify_model(tmp_path / "RUN" / "model").manifest
    assert child.parent == verify_model(model).manifest.id
    assert child.provenance["labelled"] == ["case_2", "case_3"]
    assert child.provenance["replayed"] == ["case_0", "case_1"]
    verdict = json.loads((tmp_path / "RUN" / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["decision"] in outcome.out
    listed = dualssl("models", "list", registry)
    assert child.id in listed.out


def test_a_finished_fine_tuning_is_not_started_again(dualssl, model, library, tmp_path):
    arguments = ("finetune", model, "--library", library, "--output", tmp_path / "RUN", *TINY, "--no-proof")
    assert dualssl(*arguments).status == 0
    again = dualssl(*arguments)
    assert again.status == 2
    assert "--resume" in again.hint
    assert dualssl(*arguments, "--resume").status == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--library", "nowhere"), "nowhere"),
        (("--cases", "case_4"), "no labels"),
        (("--learning-rate", "0"), "learning rate"),
        (("--reference-cases", "case_0"), "--reference"),
        (("--replay-cases", "case_0"), "no dataset that holds them"),
        (("--without", "nonsense"), "nonsense"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(dualssl, model, library, tmp_path, options, says):
    given = options if "--library" in options else ("--library", library, *options)
    outcome = dualssl("finetune", model, *given, "--output", tmp_path / "RUN", *TINY)
    assert outcome.status == 2
    assert says in outcome.complaint
    assert not (tmp_path / "RUN" / "model").exists()


def test_without_a_corrected_case_there_is_nothing_to_learn_from(dualssl, model, intact_dataset, tmp_path):
    folder = tmp_path / "empty"
    assert dualssl("cases", "create", folder, "--like", intact_dataset).status == 0
    outcome = dualssl("finetune", model, "--library", folder, "--output", tmp_path / "RUN", *TINY)
    assert outcome.status == 2
    assert "correct at least one case" in outcome.complaint
