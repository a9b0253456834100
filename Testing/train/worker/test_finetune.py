"""`finetune` and `evaluate` on a real worker: a better model, or a checkpoint to go on from."""

import json
from pathlib import Path

import pytest

from dualssl.errors import LibraryError
from dualssl.labels import LabelTable
from dualssl.locks import exclusive
from dualssl.model.integrity import read_manifest, verify_model
from dualssl.registry.versions import ModelRegistry

ATRIUM = LabelTable.from_dataset_json({"background": 0, "left atrium": 1})
TINY = {"iterations": 1, "patch": [16, 16, 32]}


@pytest.fixture
def training(model, corrected_library, tmp_path):
    """Parameters of `finetune`; others can be given, and settings changed."""

    def make(settings=None, **others):
        given = {"model": str(model), "library": str(corrected_library), "output": str(tmp_path / "run é"), "device": "cpu"}
        return given | {"settings": TINY | (settings or {}), "prove": False} | others

    return make


@pytest.fixture
def long_training(training):
    return lambda **others: training({"iterations": 10_000}, **others)


def until_it_trains(engine, answer):
    engine.loop.run_until(lambda: answer.over or any(progress.loss is not None for progress in answer.progress))
    assert not answer.over, answer.errors


def test_corrections_become_a_version_that_was_compared_with_its_parent(engine, training, model, tmp_path):
    registry = tmp_path / "registry"
    answer = engine.ask("finetune", **training(registry=str(registry), prove=True))
    result = answer.result
    child = verify_model(Path(result["model"])).manifest
    assert child.parent == "spheres-1"
    assert result["verdict"]["decision"] in ("better", "not proved", "worse")
    assert (result["version"]["model_id"], result["version"]["parent"]) == (child.id, "spheres-1")
    assert Path(result["version"]["folder"]).is_dir()
    assert len(result["proof"]["folds"]) == 2
    assert all(isinstance(note, str) for note in result["notes"])
    json.dumps(result, allow_nan=False)
    stages = answer.stages()
    assert "Training the model" in stages
    assert any("Scoring" in stage for stage in stages)
    # What was in use can be gone back to once the child is activated.
    opened = ModelRegistry.open(registry)
    assert opened.active().model_id == "spheres-1"
    opened.activate(result["version"]["id"], force=True)
    assert opened.rollback().model_id == "spheres-1"


def test_loss_and_validation_are_told_while_it_trains(engine, training):
    answer = engine.ask("finetune", **training({"validate_every": 1, "iterations": 2}, cases=["case_0"], validation=["case_1"]))
    assert answer.results
    told = [progress for progress in answer.progress if progress.loss is not None]
    assert told[-1].done == told[-1].total == 2
    assert told[-1].dice is not None


def test_a_training_lets_a_correction_be_saved_and_keeps_a_checkpoint_when_it_is_cancelled(
    engine, long_training, training, handed_over, sphere, corrected_library, tmp_path
):
    answer = engine.start("finetune", **long_training())
    until_it_trains(engine, answer)
    pid = engine.client.pid
    image, label = sphere(2)
    saved = engine.ask(
        "save_case",
        library=str(corrected_library),
        case="case_2",
        images=[handed_over(image)],
        labels_table=ATRIUM.to_json(),
        labels=handed_over(label),
        reviewer="B. Reader",
    )
    assert saved.result["version"] == 1
    assert not answer.over
    answer.call.cancel()
    assert engine.wait(answer).error.kind == "Cancelled"
    assert engine.client.pid == pid
    assert list((tmp_path / "run é").rglob("checkpoint.safetensors"))
    resumed = engine.start("finetune", **long_training(resume=True))
    until_it_trains(engine, resumed)
    assert next(progress.done for progress in resumed.progress if progress.done) > 1
    resumed.call.cancel()
    engine.wait(resumed)
    assert "another settings" in engine.ask("finetune", **training(resume=True)).error.message
    assert "not empty" in engine.ask("finetune", **long_training()).error.message


def test_old_cases_are_trained_on_again_where_they_are_at_hand(engine, training, write_spheres, prediction, tmp_path):
    old = write_spheres(tmp_path / "old", ("old_0", "old_1"))
    engine.ask("predict", **prediction())
    assert engine.ask("predict", **prediction()).result["warm"] is True
    result = engine.ask("finetune", **training(replay=str(old.folder))).result
    assert read_manifest(Path(result["model"])).provenance["replayed"] == ["old_0", "old_1"]
    # Training had the memory of the networks; the worker predicts as before.
    assert engine.ask("predict", **prediction()).result["warm"] is False


def test_two_trainings_on_one_library_are_refused(engine, training, corrected_library):
    # As another worker, or the command line, holds it.
    with exclusive(corrected_library / "finetune.lock", LibraryError("taken")):
        assert "Another fine-tuning" in engine.ask("finetune", **training()).error.message


@pytest.mark.parametrize(
    ("others", "kind", "says"),
    [
        ({"library": "/nowhere"}, "LibraryError", "/nowhere"),
        ({"model": "/nowhere"}, "ModelError", "/nowhere"),
        ({"cases": ["case_2"]}, "LibraryError", "no labels"),
        ({"device": "cuda:3"}, "TrainingError", "cuda"),
        ({"settings": {"iterations": "many"}}, "RequestError", "iterations"),
        ({"settings": {"iterations": 0}}, "TrainingError", "iterations"),
        ({"settings": {"learning_rate": None}}, "RequestError", "learning_rate"),
        ({"settings": {"speed": 1}}, "RequestError", "speed"),
        ({"settings": {"patch": [16, 16]}}, "RequestError", "patch"),
        ({"settings": {"without": "x"}}, "RequestError", "without"),
        ({"reference_cases": ["x"]}, "RequestError", "reference"),
        ({"resume": True}, "TrainingError", "no fine-tuning to resume"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_begins(engine, training, tmp_path, others, kind, says):
    error = engine.ask("finetune", **training() | others | {"registry": str(tmp_path / "registry")}).error
    assert error.kind == kind
    assert says in error.message
    assert not (tmp_path / "run é").exists()
    assert not (tmp_path / "registry").exists()


def test_a_model_is_scored_on_a_dataset_or_a_library(engine, model, write_spheres, corrected_library, tmp_path):
    dataset = write_spheres(tmp_path / "dataset", ("a", "b"))
    of_dataset = engine.ask("evaluate", model=str(model), dataset=str(dataset.folder), device="cpu")
    assert [case["case"] for case in of_dataset.result["cases"]] == ["a", "b"]
    assert (of_dataset.result["model"], of_dataset.result["dataset"]) == ("spheres-1", "Spheres")
    assert 0 <= of_dataset.result["mean"]["dice"] <= 1
    assert "a: Dice" in "\n".join(progress.note for progress in of_dataset.progress)
    of_library = engine.ask("evaluate", model=str(model), library=str(corrected_library), cases=["case_1"], device="cpu")
    assert [case["case"] for case in of_library.result["cases"]] == ["case_1"]


def test_what_cannot_be_scored_is_said(engine, model, corrected_library):
    for others, says in (
        ({}, "'dataset' or 'library'"),
        ({"dataset": "/nowhere"}, "/nowhere"),
        ({"library": str(corrected_library), "cases": ["case_2"]}, "no labels"),
        ({"library": str(corrected_library), "cases": []}, "no case"),
    ):
        assert says in engine.ask("evaluate", model=str(model), **others).error.message
