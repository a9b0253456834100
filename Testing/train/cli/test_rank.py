"""`dualssl cases rank`: which case of a library to look at next."""

import json

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, CaseState, PredictionFiles
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume

GRID = Geometry((4, 5, 6))


def prediction(entropy, kl=0.1, network_dice=0.9, features=(), voxels=10):
    scores = {"entropy": entropy, "kl": kl, "uncertain": 0.0, "network_dice": network_dice, "foreground_voxels": voxels}
    return PredictionFiles(Volume(np.ones(GRID.shape, np.uint8), GRID), scores=scores, features=features)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Three predicted cases of one patient, one of another, and cases that are not to be ranked."""
    folder = tmp_path_factory.mktemp("cases") / "library"
    predictions = {
        "ill 1": prediction(0.9, features=(0.0, 1.0)),
        "ill 2": prediction(0.8, features=(0.0, 1.0)),
        "ill 3": prediction(0.7, network_dice=0.1, features=(0.1, 1.0)),
        "well": prediction(0.1, features=(4.0, 4.0)),
        "corrected": prediction(9.0),
        "in review": prediction(9.0),
        "excluded": prediction(9.0),
        "without scores": PredictionFiles(Volume(np.ones(GRID.shape, np.uint8), GRID)),
    }
    with CaseLibrary.create(folder, LabelTable.from_dataset_json({"ball": 1}), ("MRI",)) as library:
        image = Volume(np.arange(120, dtype=np.int16).reshape(GRID.shape), GRID)
        for name, files in predictions.items():
            library.add_case(name, [image], group="ill" if name.startswith("ill") else None)
            library.add_prediction(name, files)
        library.add_case("waiting", [image])
        library.save_correction("corrected", Volume(np.ones(GRID.shape, np.uint8), GRID), reviewer="R")
        library.set_state("in review", CaseState.in_review)
        library.set_state("excluded", CaseState.excluded)
    return folder


@pytest.fixture
def ranked(dualssl, library):
    """What the command says as JSON."""

    def run(*options):
        outcome = dualssl("cases", "rank", library, "--json", *options)
        assert outcome.status == 0, outcome.err
        return json.loads(outcome.out)

    return run


def test_predicted_cases_are_listed_the_patients_taking_turns(ranked):
    cases = ranked("--strategy", "entropy")["cases"]
    assert [(case["name"], case["group"], case["position"]) for case in cases] == [
        ("ill 1", "ill", 1),
        ("well", "well", 2),
        ("ill 3", "ill", 3),
        ("ill 2", "ill", 4),
    ]
    assert cases[0]["value"] == pytest.approx(0.9)
    assert cases[0]["why"] == "the segmentation is least certain here"


def test_without_diversity_the_value_decides(ranked):
    data = ranked("--strategy", "entropy", "--no-diversity")
    assert [case["name"] for case in data["cases"]] == ["ill 1", "ill 2", "ill 3", "well"]
    assert data["diverse"] is False


def test_the_strategy_decides(ranked):
    assert ranked("--strategy", "disagreement", "--no-diversity")["cases"][0]["name"] == "ill 3"
    orders = [
        tuple(case["name"] for case in ranked("--strategy", "random", "--no-diversity", "--seed", seed)["cases"])
        for seed in range(6)
    ]
    assert len(set(orders)) > 1
    assert ranked("--strategy", "random", "--no-diversity", "--seed", 0)["cases"][0]["name"] == orders[0][0]


def test_as_many_cases_as_asked_for_are_shown(ranked):
    data = ranked("--count", 2)
    assert len(data["cases"]) == 2
    assert data["candidates"] == 4


def test_cases_that_cannot_be_ranked_are_told(ranked, dualssl, library):
    data = ranked()
    assert (data["without_scores"], data["without_prediction"]) == (["without scores"], 1)
    shown = dualssl("cases", "rank", library).out
    assert "without scores: without scores" in shown
    assert f"dualssl predict MODEL --library {library}" in shown


def test_people_see_a_table(dualssl, library, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    outcome = dualssl("cases", "rank", library)
    assert outcome.status == 0, outcome.err
    assert "4 of 4 predicted cases" in outcome.out
    assert "well" in outcome.out
    assert "the two networks disagree most here" in outcome.out


def test_a_library_without_predictions_is_no_error(dualssl, tmp_path):
    CaseLibrary.create(tmp_path / "library", LabelTable.from_dataset_json({"ball": 1}), ("MRI",)).close()
    outcome = dualssl("cases", "rank", tmp_path / "library")
    assert outcome.status == 0, outcome.err
    assert "No predicted case waits" in outcome.out
    assert json.loads(dualssl("cases", "rank", tmp_path / "library", "--json").out)["cases"] == []


def test_an_unknown_strategy_is_told_with_those_there_are(dualssl, library):
    outcome = dualssl("cases", "rank", library, "--strategy", "best")
    assert outcome.status == 2
    assert "--strategy best: choose one of combined, entropy, disagreement, random" in outcome.complaint


def test_a_folder_that_is_no_library_is_told(dualssl, tmp_path):
    outcome = dualssl("cases", "rank", tmp_path)
    assert outcome.status == 2
    assert str(tmp_path) in outcome.complaint


def test_ranking_changes_nothing_in_the_library(dualssl, library):
    with CaseLibrary.open(library) as opened:
        before = opened.cases()
        assert dualssl("cases", "rank", library).status == 0
        assert opened.cases() == before


@pytest.mark.parametrize("state", ["corrected", "in review"])
def test_a_twin_of_a_case_that_was_looked_at_already_can_wait(dualssl, tmp_path, state):
    features = {"looked at": (0.0, 1.0), "twin": (0.0, 1.0), "other": (3.0, 0.0), "third": (4.0, 2.0)}
    entropy = {"looked at": 0.5, "twin": 0.9, "other": 0.8, "third": 0.1}
    with CaseLibrary.create(tmp_path / "library", LabelTable.from_dataset_json({"ball": 1}), ("MRI",)) as library:
        for name, descriptor in features.items():
            library.add_case(name, [Volume(np.arange(120, dtype=np.int16).reshape(GRID.shape), GRID)])
            library.add_prediction(name, prediction(entropy[name], features=descriptor))
        if state == "corrected":
            library.save_correction("looked at", Volume(np.ones(GRID.shape, np.uint8), GRID), reviewer="R")
        else:
            library.set_state("looked at", CaseState.in_review)
    ranked = [
        json.loads(dualssl("cases", "rank", tmp_path / "library", *more).out)["cases"]
        for more in (("--json", "--strategy", "entropy"), ("--json", "--strategy", "entropy", "--no-diversity"))
    ]
    assert [case["name"] for case in ranked[0]] == ["other", "third", "twin"]
    assert ranked[0][0]["why"] == "unlike the cases already chosen"
    assert [case["name"] for case in ranked[1]] == ["twin", "other", "third"]
