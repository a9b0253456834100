"""Scores come from what `evaluate` writes; models are compared on cases that neither has seen."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from dualssl.errors import DatasetError, ModelError, RegistryError
from dualssl.geometry import Geometry
from dualssl.registry.compare import CaseSet, check_models, compare_models, held_out_cases, read_scores, scores_of
from dualssl.registry.verdict import Verdict
from dualssl.volumes.volume import Volume

GRID = Geometry((16, 16, 16))


@pytest.fixture
def hearts(write_dataset, tmp_path):
    """Labelled cases `a` to `d`, and `e` without a label map."""
    random = np.random.default_rng(0)
    label = np.zeros(GRID.shape, np.uint8)
    label[4:12, 4:12, 4:8], label[4:12, 4:12, 8:12] = 1, 2
    images = [Volume((label * 50 + random.normal(0, 5, GRID.shape)).astype(np.float32), GRID) for _ in "abcde"]
    cases = {name: ([image], None if name == "e" else Volume(label, GRID)) for name, image in zip("abcde", images, strict=True)}
    return write_dataset(tmp_path / "Hearts", cases, ("chamber", "wall"))


def evaluation():
    figures = {"dice": 0.9, "hd95": 3.0, "assd": 1.0}
    return {
        "model": "first",
        "dataset": "Hearts",
        "cases": [{"case": name, **figures, "structures": {"chamber": figures, "wall": figures}} for name in "ab"],
        "uncertainty": {"calibration": {"ece": 0.1, "voxels": [0, 10], "accuracy": [None, 0.5], "confidence": [None, 0.6]}},
    }


def manifest(model_id, labelled, dataset="Hearts"):
    return SimpleNamespace(id=model_id, provenance={"dataset": dataset, "labelled": labelled})


def test_the_form_of_evaluate_becomes_scores():
    found = scores_of(evaluation())
    assert (found.model, found.dataset, found.case_names) == ("first", "Hearts", ("a", "b"))
    assert found.structure_names == ("chamber", "wall")
    assert (found.cases[1].structures[1].dice, found.cases[1].structures[1].hd95) == (0.9, 3.0)
    assert found.calibration.ece == pytest.approx(0.1)


def test_scores_without_calibration_are_scores():
    data = evaluation()
    del data["uncertainty"]
    assert scores_of(data).calibration is None


def without(*path):
    def harm(data):
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return harm


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (without("cases"), "cases"),
        (without("cases", 0, "case"), "case"),
        (without("cases", 0, "structures"), "structures"),
        (without("cases", 1, "structures", "wall", "hd95"), "hd95"),
        (without("uncertainty", "calibration", "voxels"), "voxels"),
        (lambda data: data.update(cases=[]), "no case"),
        (lambda data: data["cases"][0]["structures"]["wall"].update(dice=None), "garble"),
        (lambda data: data["cases"][0]["structures"]["wall"].update(dice=float("nan")), "nan"),
        (lambda data: data["uncertainty"]["calibration"].update(accuracy="x"), "garble"),
        (lambda data: data["uncertainty"]["calibration"].update(voxels=[0, float("inf")]), "garble"),
    ],
)
def test_what_holds_no_scores_is_refused(harm, named):
    data = evaluation()
    harm(data)
    with pytest.raises(RegistryError, match=named):
        scores_of(data)


@pytest.mark.parametrize("text", ["{", "[]", "null", "3"])
def test_a_file_that_holds_no_scores_is_named(tmp_path, text):
    path = tmp_path / "figures.json"
    path.write_text(text)
    with pytest.raises(RegistryError, match=r"figures\.json"):
        read_scores(path)
    with pytest.raises(RegistryError, match="nowhere"):
        read_scores(tmp_path / "nowhere")


def test_a_file_of_scores_is_read(tmp_path):
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(evaluation()))
    assert read_scores(path) == scores_of(evaluation())


def test_without_a_list_the_unseen_labelled_cases_are_used(hearts):
    assert held_out_cases(hearts, [manifest("first", ["a"]), manifest("second", ["a", "c"])]) == ("b", "d")
    assert held_out_cases(hearts, [manifest("first", ["a"], "Livers")]) == ("a", "b", "c", "d")
    assert held_out_cases(hearts, [SimpleNamespace(id="unknown", provenance={})]) == ("a", "b", "c", "d")


def test_cases_that_were_trained_on_or_lack_a_label_are_refused(hearts):
    trained = [manifest("first", ["a"]), manifest("second", ["a", "c"])]
    assert held_out_cases(hearts, trained, ("d", "b")) == ("d", "b")
    with pytest.raises(RegistryError, match="'second' was trained on case 'c'"):
        held_out_cases(hearts, trained, ("b", "c"))
    with pytest.raises(DatasetError, match="case 'e', but its label map"):
        held_out_cases(hearts, trained, ("e",))
    with pytest.raises(RegistryError, match="no labelled case that neither"):
        held_out_cases(hearts, [manifest("first", list("abcd"))])


def test_models_that_cannot_be_compared_are_refused(models, save_model_as, tmp_path):
    assert [m.id for m in check_models(models / "first", models / "second")] == ["first", "second"]
    with pytest.raises(RegistryError, match="Both folders hold model 'first'"):
        check_models(models / "first", models / "first")
    with pytest.raises(ModelError, match="no model folder"):
        check_models(models / "first", models / "nowhere")


def test_two_models_are_scored_on_the_same_cases_and_judged(models, hearts):
    told = []
    verdict = compare_models(
        models / "first",
        models / "second",
        CaseSet(hearts, ("c", "d")),
        CaseSet(hearts, ("b",)),
        device="cpu",
        on_case=lambda done, total, text: told.append((done, total, text.split(":")[0])),
    )
    # Both folders hold the same networks.
    assert verdict.decision == "not proved"
    assert (verdict.parent, verdict.child) == ("first", "second")
    assert (verdict.held_out.cases, verdict.reference.cases) == (("c", "d"), ("b",))
    assert verdict.held_out.mean.dice.difference == verdict.reference.mean.hd95.difference == 0
    assert told == [
        (1, 6, "first, c"),
        (2, 6, "first, d"),
        (3, 6, "first, b"),
        (4, 6, "second, c"),
        (5, 6, "second, d"),
        (6, 6, "second, b"),
    ]
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_a_case_of_the_reference_set_that_cannot_be_read_is_found_before_the_work(models, hearts, monkeypatch):
    monkeypatch.setattr("dualssl.prediction.predictor.Predictor.predict", lambda *_, **__: pytest.fail("worked in vain"))
    path = hearts.folder / "images" / "b.nrrd"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(Exception, match=r"b\.nrrd"):
        compare_models(models / "first", models / "second", CaseSet(hearts, ("c",)), CaseSet(hearts, ("b",)), "cpu")
