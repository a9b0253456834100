"""A library, the models' versions and a fine-tuning as a person meets them; the engine's answers are a test's."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dualssl.cases import CaseLibrary
from dualssl.errors import LibraryError
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.registry.versions import ModelRegistry
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.presentation.fineTuneDesk import FineTuneDesk
from DualSSLSegmentationLib.presentation.libraryDesk import LibraryDesk, imageOf, predictedText
from DualSSLSegmentationLib.presentation.modelDesk import ModelDesk

MODEL = Path("model")


def case(name, state, **other):
    return {"name": name, "state": state, "label_version": None, "reviewer": None, **other}


def library(*cases):
    counts = {state: sum(c["state"] == state for c in cases) for state in ("waiting", "predicted", "corrected")}
    return {"cases": list(cases), "counts": counts}


def ranked(*names):
    return {"cases": [{"name": name, "position": n + 1, "why": f"reason {n + 1}"} for n, name in enumerate(names)]}


# Library


@pytest.fixture
def desk(workspace, tmp_path):
    found = LibraryDesk(workspace)
    found.problems = []
    found.onProblem.add(found.problems.append)
    (tmp_path / "library").mkdir()
    return found


def answered(desk, client, folder, held, worklist):
    desk.look(folder, "combined")
    client.last("library").result(held)
    client.last("worklist").result(worklist)


def test_without_a_library_it_says_how_there_will_be_one(desk, client, tmp_path):
    desk.look(tmp_path / "nowhere", "combined")
    view = desk.view(MODEL)
    assert client.asked == []
    assert view.rows == ()
    assert "save a corrected case first" in view.summary
    assert not view.predict.enabled


def test_ranked_cases_come_first_then_what_waits_then_what_is_done(desk, client, tmp_path):
    done = case("d", "corrected", label_version=2, reviewer="Dr. M")
    held = library(case("a", "predicted"), case("b", "waiting"), case("c", "predicted"), done)
    answered(desk, client, tmp_path / "library", held, ranked("c", "a"))
    view = desk.view(MODEL)
    assert [(row.name, row.rank) for row in view.rows] == [("c", "1"), ("a", "2"), ("b", ""), ("d", "")]
    assert view.rows[0].why == "reason 1"
    assert view.rows[3].why == "version 2 by Dr. M"
    assert view.summary == "4 cases: 1 waiting, 2 predicted, 1 corrected."
    assert view.predict.enabled
    assert client.last("worklist").params["strategy"] == "combined"


def test_only_waiting_cases_can_be_predicted_and_only_with_a_model(desk, client, tmp_path):
    answered(desk, client, tmp_path / "library", library(case("a", "predicted")), ranked("a"))
    assert desk.view(MODEL).predict.unless == "No case waits for a prediction"
    answered(desk, client, tmp_path / "library", library(case("a", "waiting")), ranked())
    assert desk.view(MODEL).summary == "One case: 1 waiting."
    assert desk.view(None).predict.unless == "Choose a model in Segment first"


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(desk, client, tmp_path):
    desk.look(tmp_path / "library", "combined")
    old = client.last("library")
    answered(desk, client, tmp_path / "library", library(case("new", "waiting")), ranked())
    old.result(library(case("old", "waiting")))
    assert [row.name for row in desk.view(MODEL).rows] == ["new"]


def test_what_went_wrong_is_told_once(desk, client, tmp_path):
    desk.look(tmp_path / "library", "combined")
    for method in ("library", "worklist"):
        client.last(method).error(SimpleNamespace(message="The index is damaged."))
    assert desk.problems == ["The index is damaged."]
    assert desk.view(MODEL).rows == ()


def test_predicting_is_started_and_stopped_by_one_button(desk, client, workspace, tmp_path):
    answered(desk, client, tmp_path / "library", library(case("a", "waiting")), ranked())
    desk.predict(MODEL, "cpu")
    workspace.turn()
    call = client.last("predict_library")
    assert call.params == {"library": str(tmp_path / "library"), "model": "model", "device": "cpu"}
    assert desk.view(MODEL).button == "Cancel"
    told = []
    workspace.onPredicted.add(told.append)
    call.result({"predicted": ["a"], "failed": []})
    assert told == [{"predicted": ["a"], "failed": []}]
    assert desk.view(MODEL).button == "Predict waiting cases"


def test_what_could_not_be_predicted_is_named():
    assert predictedText({"predicted": ["a", "b"], "failed": []}) == "2 cases predicted."
    failed = [{"case": "c", "error": "It is empty."}]
    assert predictedText({"predicted": [], "failed": failed}) == "0 cases predicted. 1 could not be: c: It is empty."


def test_the_image_of_a_case_is_found_and_verified(tmp_path):
    folder = tmp_path / "cases"
    image = Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), Geometry((2, 3, 4)))
    with CaseLibrary.create(folder, LabelTable.from_dataset_json({"background": 0, "ball": 1}), ("MR",)) as made:
        made.add_case("one", [image])
    path = imageOf(folder, "one")
    assert path.is_file()
    assert folder in path.parents
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LibraryError):
        imageOf(folder, "one")


# Models


def version(number, state="kept", parent=None, verdict=None, active=False):
    return {
        "id": f"v{number}",
        "number": number,
        "name": "Atria",
        "parent": parent,
        "created": "2026-11-21T10:00:00+00:00",
        "cases": {"a": 1, "b": 1},
        "verdict": verdict,
        "state": "active" if active else state,
        "active": active,
    }


@pytest.fixture
def models(workspace):
    ModelRegistry.create(workspace.places.registry)
    found = ModelDesk(workspace)
    found.said = []
    found.onSaid.add(lambda kind, text: found.said.append((kind, text)))
    yield found
    found.close()


def with_versions(models, client, *versions, before=None):
    models.look()
    client.last("registry").result({"versions": list(versions), "before": before})


def test_before_any_fine_tuning_there_are_no_versions(workspace, client):
    desk = ModelDesk(workspace)
    desk.look()
    assert client.asked == []
    view = desk.view(None)
    assert view.rows == ()
    assert not any(offer.enabled for offer in (view.activate, view.discard, view.rollBack))


def test_the_newest_version_is_looked_at_unless_another_is_chosen(models, client, a_verdict):
    tuned = version(2, "proposed", "v1", a_verdict("better"))
    with_versions(models, client, version(1, active=True), tuned)
    view = models.view(None)
    assert [row.number for row in view.rows] == ["2", "1"]
    assert view.chosen == "v2"
    assert view.reason == "Dice rose on the held-out cases."
    assert view.comparison.rows[0].change == "+5.00 %"
    assert (view.rows[0].state, view.rows[0].cases, view.rows[0].created) == ("proved better", "2", "2026-11-21")
    assert view.activate.enabled
    assert view.discard.enabled
    first = models.view("v1")
    assert first.comparison is None
    assert first.activate.unless == first.discard.unless == "This model is in use"


@pytest.mark.parametrize("decision", ["worse", "not proved"])
def test_what_has_not_proved_better_cannot_be_activated(models, client, a_verdict, decision):
    with_versions(models, client, version(1, active=True), version(2, "kept", "v1", a_verdict(decision, 0.0)))
    view = models.view("v2")
    assert view.activate.unless.startswith("Only a model that has proved better")
    assert view.discard.enabled


def test_a_version_that_others_come_from_stays(models, client):
    with_versions(models, client, version(1), version(2, parent="v1", active=True))
    assert models.view("v1").discard.unless == "Another version comes from this one"


@pytest.mark.parametrize("before", [None, "v1"])
def test_one_can_go_back_only_where_another_was_in_use(models, client, before):
    with_versions(models, client, version(1), version(2, parent="v1", active=True), before=before)
    assert models.view(None).rollBack.enabled is (before is not None)


def test_the_engine_changes_the_models_and_what_came_of_it_is_said(models, client, workspace):
    with_versions(models, client, version(1, active=True), version(2, "proposed", "v1"))
    models.discard("v2")
    assert models.view("v2").discard.unless == "Wait until the models have been changed"
    workspace.turn()
    call = client.last("discard")
    assert call.params == {"registry": str(workspace.places.registry), "version": "v2"}
    asked = len(client.asked)
    call.result({"version": "v2"})
    assert models.said == [("info", "The model was put away.")]
    # Anew, for they are others now.
    assert [each.method for each in client.asked[asked:]] == ["registry"]
    models.rollBack()
    workspace.turn()
    assert client.last("rollback").params == {"registry": str(workspace.places.registry)}


def test_what_keeps_the_versions_from_being_read_is_said(models, client):
    models.look()
    client.last("registry").error(SimpleNamespace(message="The registry is damaged."))
    assert models.said == [("error", "The registry is damaged.")]


# Fine-tuning


@pytest.fixture
def tuning(workspace):
    workspace.places.library.mkdir()
    found = FineTuneDesk(workspace)
    yield found
    found.close()


def started(tuning, workspace):
    tuning.start(MODEL, workspace.places.library, "cpu", 50, True)
    workspace.turn()
    return workspace.client.last("finetune")


def test_fine_tuning_needs_a_library_and_a_model(tuning, tmp_path):
    assert tuning.view(tmp_path / "nowhere", MODEL).press.unless == "Save a corrected case first"
    assert tuning.view(tmp_path, None).press.unless == "Choose a model in Segment first"
    assert tuning.view(tmp_path, MODEL).press.enabled


def test_one_that_was_cancelled_can_be_gone_on_with(tuning, workspace):
    call = started(tuning, workspace)
    view = tuning.view(workspace.places.library, MODEL)
    assert (view.running, view.button) == (True, "Cancel")
    assert not view.resume.enabled
    Path(call.params["output"]).mkdir(parents=True)
    tuning.cancel()
    call.error(SimpleNamespace(kind="Cancelled", message="", detail=""))
    assert tuning.view(workspace.places.library, MODEL).resume.enabled
    tuning.resume()
    workspace.turn()
    again = workspace.client.last("finetune")
    assert again.params == {**call.params, "resume": True}


def test_one_that_left_nothing_behind_cannot_be_gone_on_with(tuning, workspace):
    started(tuning, workspace).error(SimpleNamespace(kind="TrainingError", message="No case.", detail=""))
    assert not tuning.view(workspace.places.library, MODEL).resume.enabled
    assert workspace.messages == [("error", "No case.")]


@pytest.mark.parametrize(("decision", "can"), [("better", True), ("not proved", False), ("worse", False)])
def test_only_what_proved_better_can_be_activated(tuning, workspace, a_verdict, decision, can):
    started(tuning, workspace).result({"version": {"id": "v2"}, "verdict": a_verdict(decision), "notes": []})
    view = tuning.view(workspace.places.library, MODEL)
    assert view.comparison.decision == decision
    assert view.activate.enabled is can
    assert view.discard.enabled
    assert view.reason == view.comparison.reason
    assert not view.resume.enabled


def test_without_a_comparison_the_notes_say_why(tuning, workspace):
    started(tuning, workspace).result({"version": {"id": "v2"}, "verdict": None, "notes": ["Too few cases."]})
    view = tuning.view(workspace.places.library, MODEL)
    assert view.reason == "The new model was not compared with the present one. Too few cases."
    assert not view.activate.enabled


def test_after_the_decision_there_is_nothing_to_decide(tuning, workspace, a_verdict):
    assert not tuning.activate()
    started(tuning, workspace).result({"version": {"id": "v2"}, "verdict": a_verdict("better"), "notes": []})
    assert tuning.activate()
    workspace.turn()
    call = workspace.client.last("activate")
    assert call.params["version"] == "v2"
    call.result({})
    view = tuning.view(workspace.places.library, MODEL)
    assert tuning.version is None
    assert view.reason == "The new model is in use now."
    assert not view.discard.enabled
