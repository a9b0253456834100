"""Models and their versions through the worker."""

import shutil
from pathlib import Path

import pytest

from dualssl.model.layout import MANIFEST
from dualssl.registry.versions import ModelRegistry

OF_A_MODEL = ("id", "name", "structures", "channels", "trained_on", "created", "size")


@pytest.fixture
def two_versions(another_model, tmp_path):
    """A registry with two versions of no descent, the first of them active."""
    registry = ModelRegistry.create(tmp_path / "registry")
    for id_ in ("first", "second"):
        registry.register(another_model(id_))
    registry.activate("first")
    return registry


def test_a_model_is_told_as_a_person_wants_to_know_it(engine, model):
    (found,) = engine.ask("models", folders=[str(model)]).result
    assert found["error"] is None
    assert {key: found[key] for key in OF_A_MODEL if key != "size"} == {
        "id": "spheres-1",
        "name": "Spheres",
        "structures": ["left atrium"],
        "channels": ["MRI"],
        "trained_on": "Spheres: 2 labelled, 5 unlabelled",
        "created": "2026-01-31T10:00:00",
    }
    assert found["size"] == sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    assert (found["registry"], found["version"], found["state"]) == (None, None, None)


def test_models_are_found_in_folders_and_registries_each_once(engine, model, two_versions):
    folders = [str(model.parent), str(two_versions.folder), str(model)]
    found = engine.ask("models", folders=folders).result
    assert [(one["id"], one["version"], one["state"]) for one in found] == [
        ("spheres-1", None, None),
        ("first", 1, "active"),
        ("second", 2, "kept"),
    ]
    assert found[1]["registry"] == str(two_versions.folder)
    assert Path(found[1]["folder"]).is_dir()


def test_a_model_that_is_damaged_is_listed_with_the_reason_and_the_others_too(engine, another_model, tmp_path):
    broken, _ = another_model("broken"), another_model("sound")
    (broken / MANIFEST).write_text("{", encoding="utf-8")
    found = {one["id"]: one for one in engine.ask("models", folders=[str(tmp_path)]).result}
    assert found["sound"]["error"] is None
    assert "broken" in found[None]["error"]


def test_a_folder_without_models_is_empty_and_one_that_is_not_there_is_said(engine, tmp_path):
    assert engine.ask("models", folders=[str(tmp_path)]).result == []
    (missing,) = engine.ask("models", folders=[str(tmp_path / "gone")]).result
    assert "gone" in missing["error"]
    assert engine.ask("models").result == []
    (damaged,) = (tmp_path / "registry",)
    damaged.mkdir()
    (damaged / "registry.json").write_text("{}", encoding="utf-8")
    assert engine.ask("models", folders=[str(damaged)]).result[0]["error"]


def test_a_model_is_added_and_the_first_of_all_is_in_use(engine, another_model, tmp_path):
    folder = tmp_path / "of mine" / "registry"
    told = [
        engine.ask("add_model", registry=str(folder), model=str(another_model(name))).result["version"]
        for name in ("one", "two")
    ]
    assert [(version["id"], version["active"]) for version in told] == [("one", True), ("two", False)]
    assert all(Path(version["folder"]).parent.is_relative_to(folder) for version in told)


def test_what_is_no_model_or_is_there_already_is_not_added(engine, two_versions, tmp_path):
    folder = str(two_versions.folder)
    (tmp_path / "empty").mkdir()
    for model in (tmp_path / "empty", tmp_path / "gone", tmp_path / "model first"):
        assert engine.ask("add_model", registry=folder, model=str(model)).error is not None
    assert [version["id"] for version in engine.ask("registry", folder=folder).result["versions"]] == ["first", "second"]


def test_versions_are_told_activated_rolled_back_and_discarded(engine, two_versions):
    folder = str(two_versions.folder)
    told = engine.ask("registry", folder=folder).result
    assert (told["active"], told["before"]) == ("first", None)
    assert [(v["id"], v["state"], v["active"]) for v in told["versions"]] == [
        ("first", "active", True),
        ("second", "kept", False),
    ]
    refused = engine.ask("activate", registry=folder, version="second").error
    assert refused.kind == "RegistryError"
    activated = engine.ask("activate", registry=folder, version="second", force=True).result
    assert (activated["version"]["id"], activated["version"]["active"], activated["before"]) == ("second", True, "first")
    assert engine.ask("registry", folder=folder).result["before"] == "first"
    assert "active" in engine.ask("discard", registry=folder, version="second").error.message
    assert engine.ask("rollback", registry=folder).result["version"]["id"] == "first"
    discarded = engine.ask("discard", registry=folder, version="second").result
    assert discarded["version"] == "second"
    assert (Path(discarded["trash"]) / "model").is_dir()
    assert [v["id"] for v in engine.ask("registry", folder=folder).result["versions"]] == ["first"]


def test_what_is_no_registry_is_said(engine, tmp_path, two_versions):
    for method, params in (
        ("registry", {"folder": str(tmp_path / "nowhere")}),
        ("activate", {"registry": str(two_versions.folder), "version": "third"}),
        ("rollback", {"registry": str(two_versions.folder)}),
        ("discard", {"registry": str(tmp_path), "version": "x"}),
    ):
        assert engine.ask(method, **params).error.kind == "RegistryError", method


def test_a_version_whose_files_were_removed_is_not_activated(engine, two_versions):
    shutil.rmtree(two_versions.model_folder("second"))
    error = engine.ask("activate", registry=str(two_versions.folder), version="second", force=True).error
    assert error.kind in ("ModelError", "RegistryError")
    assert two_versions.active().id == "first"
