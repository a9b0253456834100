"""Scores of a model: kept case by case, and never those of another model."""

import pytest

from dualssl.errors import TrainingError
from dualssl.files import write_json
from dualssl.learning_loop.scores import score_model
from dualssl.model.folder import load_model, read_manifest
from dualssl.prediction.predictor import PredictionSettings, Predictor

CASES = ("seen_0", "seen_1")


def predictor_of(model):
    return Predictor(*load_model(model), PredictionSettings(device="cpu"))


def not_needed(model):
    raise AssertionError(f"{model} was loaded")


@pytest.fixture
def scored(model, spheres, tmp_path):
    """Scores both cases in `tmp_path / "scores.json"`."""

    def make(predictor=predictor_of, on_case=lambda done, total: None):
        return score_model(model, predictor, spheres, CASES, tmp_path / "scores.json", on_case)

    return make


def test_a_case_that_was_scored_is_not_segmented_again(scored):
    def stop(done, total):
        told.append((done, total))
        if done == 1 and told[0] == (0, 2):
            raise KeyboardInterrupt

    told = []
    with pytest.raises(KeyboardInterrupt):
        scored(on_case=stop)
    told = []
    whole = scored(on_case=stop)
    assert told == [(1, 2)]
    assert scored(predictor=not_needed) == whole
    assert whole.mean_dice == pytest.approx(sum(whole.dice.values()) / 2)
    assert list(whole.dice) == list(whole.hd95) == list(CASES)


def test_scores_of_another_model_do_not_count(scored, tmp_path):
    false = {"model": "another", "cases": {name: {"dice": 2.0, "hd95": 0.0} for name in CASES}}
    write_json(tmp_path / "scores.json", false)
    assert scored().mean_dice <= 1.0


@pytest.mark.parametrize("cases", [{"seen_0": {}}, [1], {"seen_0": {"dice": "good", "hd95": 1.0}}])
def test_damaged_scores_are_named(scored, model, tmp_path, cases):
    write_json(tmp_path / "scores.json", {"model": read_manifest(model).id, "cases": cases})
    with pytest.raises(TrainingError, match=r"scores\.json is damaged"):
        scored()
