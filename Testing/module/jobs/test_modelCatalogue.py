"""Which models a person is offered, in which order, and that a broken one keeps no other from being used."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from dualssl.model.integrity import write_checksums
from dualssl.model.layout import MANIFEST
from dualssl.registry.gate import judge
from dualssl.registry.scores import Calibration, ScoredCase, ScoredSet, ScoredStructure
from dualssl.registry.versions import ModelRegistry
from DualSSLSegmentationLib.jobs.modelCatalogue import ModelCatalogue
from trainedModels import LABELLED, STRUCTURE


def scored(model, gain):
    cases = (ScoredCase(f"case_{n}", (ScoredStructure(STRUCTURE, 0.8 + 0.02 * n + gain, 5.0),)) for n in range(6))
    return ScoredSet(tuple(cases), Calibration((100,), (0.5,), (0.55,)), model, "Spheres")


def verdict(parent, child, gain):
    return judge(scored(parent, 0.0), scored(child, gain))


@pytest.fixture
def model_as(a_model_that_segments, tmp_path):
    """Gives a copy of the trained model under another id; further names are fields of its manifest."""

    def make(folder, id_, **fields):
        place = Path(shutil.copytree(a_model_that_segments, tmp_path / folder))
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        manifest |= {"id": id_, **fields}
        (place / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        write_checksums(place)
        return place

    return make


@pytest.fixture
def catalogue(tmp_path):
    return ModelCatalogue(tmp_path / "shipped", tmp_path / "registry")


@pytest.fixture
def a_full_registry(model_as, tmp_path):
    """`base` was the first; `better` is proposed, `worse` is marked, `unproved` is kept; nothing is active."""
    registry = ModelRegistry.create(tmp_path / "registry")
    registry.register(model_as("m/base", "base"))
    for id_, gain in (("better", 0.02), ("worse", -0.05), ("unproved", 0.0)):
        registry.register(model_as(f"m/{id_}", id_, parent="base"), verdict("base", id_, gain))
    return registry


def ids(catalogue):
    return [choice.id for choice in catalogue.choices()]


def test_where_nothing_is_there_is_no_choice(catalogue):
    assert catalogue.choices() == ()
    assert catalogue.default() is None


def test_models_that_the_person_named_come_before_the_shipped_ones(model_as, tmp_path):
    model_as("shipped/a", "shipped")
    named = model_as("elsewhere/own", "own")
    catalogue = ModelCatalogue(tmp_path / "shipped", tmp_path / "registry", (named, tmp_path / "nowhere"))
    assert ids(catalogue) == ["own", "shipped"]
    assert catalogue.default().id == "own"
    assert ids(ModelCatalogue(tmp_path / "nowhere", tmp_path / "registry", (named,))) == ["own"]


def test_shipped_models_are_offered_by_the_name_of_their_folder(catalogue, model_as):
    model_as("shipped/b", "second")
    model_as("shipped/a é", "first")
    assert ids(catalogue) == ["first", "second"]
    assert catalogue.default().id == "first"
    assert {choice.standing for choice in catalogue.choices()} == {"shipped"}


def test_a_choice_says_what_it_is_and_saw(catalogue, model_as):
    model_as("shipped/a", "first")
    [choice] = catalogue.choices()
    assert choice.title == "Spheres"
    assert (choice.structures, choice.channels) == ((STRUCTURE,), ("MRI",))
    assert choice.description == (f"Segments {STRUCTURE} on MRI. Trained on {len(LABELLED)} labelled cases of Spheres.")


@pytest.mark.parametrize(
    ("limits", "ending"), [(["Only on crops.", "Slow."], "Only on crops."), ([], ""), ("Only on crops.", "")]
)
def test_the_first_limit_is_what_a_person_is_warned_of(catalogue, model_as, limits, ending):
    model_as("shipped/a", "first", provenance={"limits": limits})
    assert catalogue.choices()[0].description.endswith(f"What it was trained on is not recorded.{ending and ' '}{ending}")


def test_what_is_not_recorded_is_not_made_up(catalogue, model_as):
    model_as("shipped/a", "first", provenance={})
    assert catalogue.choices()[0].trainedOn == "What it was trained on is not recorded."


@pytest.mark.parametrize("labelled", [3, ["a", "b", "c"]])
def test_numbers_of_cases_are_read_from_lists_and_counts(catalogue, model_as, labelled):
    model_as("shipped/a", "first", provenance={"labelled": labelled, "unlabelled": 7})
    assert catalogue.choices()[0].trainedOn == "Trained on 3 labelled and 7 unlabelled cases."


def test_the_version_in_use_comes_first_and_the_worse_last(catalogue, a_full_registry):
    assert ids(catalogue) == ["base", "better", "unproved", "worse"]
    a_full_registry.activate("better")
    assert ids(catalogue) == ["better", "base", "unproved", "worse"]
    assert catalogue.default().id == "better"
    assert catalogue.choices()[0].title == "Spheres: better (active)"


def test_a_better_model_is_not_the_default_before_it_is_activated(catalogue, a_full_registry):
    assert catalogue.default().id == "base"


def test_where_nothing_is_proved_there_is_no_default(catalogue, model_as, tmp_path):
    registry = ModelRegistry.create(tmp_path / "registry")
    registry.register(model_as("m/base", "base"))
    registry.register(model_as("m/child", "child", parent="base"), verdict("base", "child", 0.0))
    shutil.rmtree(registry.model_folder("base"))
    assert ids(catalogue) == ["child"]
    assert catalogue.default() is None


def test_a_shipped_model_that_is_also_in_the_registry_is_offered_once(catalogue, model_as, a_full_registry):
    model_as("shipped/base", "base")
    model_as("shipped/other", "other")
    assert sorted(ids(catalogue)) == ["base", "better", "other", "unproved", "worse"]
    assert [choice.version for choice in catalogue.choices() if choice.id == "base"] == ["base"]


def test_newer_versions_come_before_older_ones(catalogue, model_as, tmp_path):
    registry = ModelRegistry.create(tmp_path / "registry")
    registry.register(model_as("m/base", "base"))
    for id_ in ("old", "new"):
        registry.register(model_as(f"m/{id_}", id_, parent="base"), verdict("base", id_, 0.0))
    assert ids(catalogue) == ["base", "new", "old"]


@pytest.mark.parametrize("harm", ["empty", "no json", "not a model", "newer format"])
def test_a_broken_folder_is_left_out_and_logged(catalogue, model_as, tmp_path, caplog, harm):
    model_as("shipped/b", "sound")
    if harm == "empty":
        (tmp_path / "shipped" / "a").mkdir()
    else:
        broken = model_as("shipped/a", "broken") / MANIFEST
        text = {"no json": "{", "not a model": "[]", "newer format": '{"format_version": 999}'}[harm]
        broken.write_text(text, encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        assert ids(catalogue) == ["sound"]
    assert str(tmp_path / "shipped" / "a") in caplog.text


def test_files_and_hidden_folders_among_the_models_are_passed_over(catalogue, model_as, tmp_path, caplog):
    model_as("shipped/a", "first")
    model_as("shipped/.trash", "hidden")
    (tmp_path / "shipped" / "README.md").write_text("models", encoding="utf-8")
    assert ids(catalogue) == ["first"]
    assert caplog.text == ""


def test_a_registry_that_cannot_be_read_leaves_the_shipped_models(catalogue, model_as, a_full_registry, caplog):
    model_as("shipped/a", "first")
    (a_full_registry.folder / "registry.json").write_text("{", encoding="utf-8")
    assert ids(catalogue) == ["first"]
    assert "registry" in caplog.text


def test_a_version_whose_files_are_gone_is_left_out(catalogue, a_full_registry):
    shutil.rmtree(a_full_registry.model_folder("better"))
    assert ids(catalogue) == ["base", "unproved", "worse"]


def test_what_changes_on_the_disk_is_seen_at_once(catalogue, model_as):
    folder = model_as("shipped/a", "first")
    assert ids(catalogue) == ["first"]
    shutil.rmtree(folder)
    assert ids(catalogue) == []
