"""A registry keeps every version whole, with where it comes from, and one of them active."""

import json
import shutil

import pytest

from dualssl.errors import ModelError, OutputError, RegistryError
from dualssl.files import sha256_of
from dualssl.model.folder import verify_model
from dualssl.model.integrity import write_checksums
from dualssl.registry import ModelRegistry


def ids(registry):
    return [record.id for record in registry.list()]


def test_a_model_is_copied_whole_and_recorded(registry, models, files_of):
    before = files_of(models / "first")
    record = registry.register(models / "first", cases={"a": 3, "b": None})
    assert files_of(registry.model_folder("first")) == files_of(models / "first") == before
    assert (record.id, record.number, record.model_id, record.name, record.parent) == ("first", 1, "first", "Heart", None)
    assert record.manifest_sha256 == sha256_of(models / "first" / "configs" / "dualssl.json")
    assert record.cases == {"a": 3, "b": None}
    assert ModelRegistry.open(registry.folder).get("first") == record
    assert registry.active() is None


def test_without_cases_those_that_the_manifest_names_are_recorded(registry, models):
    assert registry.register(models / "first").cases == {"a": None, "b": None}


def test_what_a_file_manager_left_is_not_copied(registry, models):
    (models / "first" / ".DS_Store").write_bytes(b"mac")
    registry.register(models / "first")
    assert not (registry.model_folder("first") / ".DS_Store").exists()


@pytest.mark.parametrize(
    ("decision", "state"), [("better", "proposed"), ("not proved", "kept"), ("worse", "marked worse"), (None, "kept")]
)
def test_the_verdict_decides_the_state_and_no_version_is_active_by_itself(registry, models, verdict_of, decision, state):
    registry.register(models / "first")
    verdict = verdict_of(decision) if decision else None
    record = registry.register(models / "second", verdict)
    assert record.state == registry.get("second").state == state
    assert record.parent == "first"
    assert record.verdict == (verdict.to_json() if verdict else None)
    assert registry.get("second") == record
    assert registry.active() is None


def test_lineage_goes_back_to_the_first(full_registry):
    assert [record.id for record in full_registry.lineage("third")] == ["third", "second", "first"]
    assert [record.id for record in full_registry.lineage("first")] == ["first"]


def test_activating_and_rolling_back_changes_one_version_at_a_time(full_registry):
    assert full_registry.active().id == "first"
    assert full_registry.activate("second").state == "active"
    assert [(r.id, r.state) for r in full_registry.list()] == [
        ("first", "kept"),
        ("second", "active"),
        ("third", "marked worse"),
    ]
    assert full_registry.get("second").standing == "proposed"
    assert full_registry.rollback().id == "first"
    assert full_registry.active().id == "first"
    assert full_registry.get("second").state == "proposed"


def test_rolling_back_twice_goes_back_two_versions(full_registry):
    full_registry.activate("second")
    full_registry.activate("third", force=True)
    assert [full_registry.rollback().id, full_registry.rollback().id] == ["second", "first"]
    with pytest.raises(RegistryError, match="was active before"):
        full_registry.rollback()
    assert full_registry.active().id == "first"


def test_nothing_to_roll_back_to_is_said(registry):
    with pytest.raises(RegistryError, match="was active before"):
        registry.rollback()


def test_activating_the_active_version_changes_nothing(full_registry):
    before = (full_registry.folder / "registry.json").read_bytes()
    assert full_registry.activate("first").active
    assert (full_registry.folder / "registry.json").read_bytes() == before


def test_a_version_that_is_not_proposed_needs_force(full_registry):
    with pytest.raises(RegistryError, match=r"third is not proposed \(Worse in .*\): only by force"):
        full_registry.activate("third")
    assert full_registry.active().id == "first"
    full_registry.activate("third", force=True)
    assert full_registry.active().id == "third"
    assert full_registry.state().events[-1].what == "activated by force"


def test_a_version_that_was_never_compared_needs_force(registry, models):
    registry.register(models / "first")
    registry.register(models / "second")
    with pytest.raises(RegistryError, match="not compared with its parent"):
        registry.activate("second")
    registry.activate("first")
    assert registry.state().events[-1].what == "activated"


def test_a_second_line_needs_force_once_a_version_is_active(full_registry, save_model_as, tmp_path):
    full_registry.register(save_model_as(tmp_path / "other", "other"))
    with pytest.raises(RegistryError, match="no parent that it could be better than"):
        full_registry.activate("other")


def test_a_damaged_version_does_not_become_active(full_registry):
    weights = full_registry.model_folder("second") / "models" / "network_a.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    for attempt in (lambda: full_registry.activate("second"), lambda: full_registry.verify("second")):
        with pytest.raises(ModelError, match=r"network_a\.safetensors has been altered"):
            attempt()
    assert full_registry.active().id == "first"


def test_rolling_back_to_a_damaged_version_keeps_the_active_one(full_registry):
    full_registry.activate("second")
    shutil.rmtree(full_registry.model_folder("first"))
    with pytest.raises(ModelError, match="first"):
        full_registry.rollback()
    assert full_registry.active().id == "second"


def test_another_intact_model_in_the_place_of_a_version_is_found(full_registry, models):
    folder = full_registry.model_folder("second")
    shutil.rmtree(folder)
    shutil.copytree(models / "third", folder)
    verify_model(folder)
    with pytest.raises(RegistryError, match="holds another model than was added as second"):
        full_registry.verify("second")


def test_weights_that_were_altered_with_their_checksums_are_found(full_registry):
    folder = full_registry.model_folder("second")
    (folder / "models" / "network_a.safetensors").write_bytes(b"other weights")
    write_checksums(folder)
    verify_model(folder)
    with pytest.raises(RegistryError, match="another model"):
        full_registry.verify("second")


def test_an_intact_version_is_verified(full_registry):
    assert full_registry.verify("second").manifest.id == "second"


def test_a_removed_version_goes_to_the_trash_whole(full_registry, files_of):
    content = files_of(full_registry.model_folder("third"))
    record = full_registry.get("third")
    place = full_registry.remove("third")
    assert ids(full_registry) == ["first", "second"]
    assert place == full_registry.folder / "trash" / "third"
    assert files_of(place / "model") == content
    assert json.loads((place / "record.json").read_text(encoding="utf-8")) == record.to_json()
    assert not (full_registry.folder / "models" / "third").exists()


def test_removed_twice_is_kept_twice(full_registry, models):
    first = full_registry.remove("third")
    record = full_registry.register(models / "third")
    second = full_registry.remove("third")
    assert record.number == 4
    assert first != second
    assert (first / "model").is_dir()
    assert (second / "model").is_dir()


def test_a_version_whose_folder_is_lost_can_be_removed(full_registry):
    shutil.rmtree(full_registry.model_folder("third"))
    full_registry.remove("third")
    assert ids(full_registry) == ["first", "second"]


def test_the_active_version_and_parents_are_not_removed(full_registry):
    full_registry.activate("third", force=True)
    for version, named in [("third", "is active"), ("first", "is the parent of second"), ("second", "is the parent of third")]:
        with pytest.raises(RegistryError, match=named):
            full_registry.remove(version)
    assert len(full_registry.list()) == 3
    assert not (full_registry.folder / "trash").exists()


def test_rolling_back_skips_a_removed_version(full_registry):
    full_registry.activate("third", force=True)
    full_registry.activate("second")
    full_registry.remove("third")
    assert full_registry.rollback().id == "first"


def test_the_same_model_is_not_added_twice(full_registry, models):
    with pytest.raises(RegistryError, match="already, as version second"):
        full_registry.register(models / "second")
    assert len(full_registry.list()) == 3


def test_models_that_share_an_id_are_both_kept(full_registry, save_model_as, tmp_path, files_of):
    other = save_model_as(tmp_path / "other", "second", "first", name="Another")
    record = full_registry.register(other)
    assert (record.id, record.model_id) == ("second-2", "second")
    assert files_of(full_registry.model_folder("second-2")) == files_of(other)
    assert full_registry.verify("second").manifest.name == "Heart"
    child = save_model_as(tmp_path / "child", "child", "second")
    with pytest.raises(RegistryError, match=r"second or second-2 .*say which of them is the parent"):
        full_registry.register(child)
    assert full_registry.register(child, parent="second-2").parent == "second-2"


def test_an_id_that_is_no_folder_name_gets_one(registry, save_model_as, tmp_path):
    record = registry.register(save_model_as(tmp_path / "odd", "../Vorhof links/é"))
    assert record.model_id == "../Vorhof links/é"
    assert record.id == "Vorhof-links"
    assert registry.verify(record.id).manifest.id == record.model_id
    assert registry.model_folder(record.id).parent == registry.folder / "models"


def test_a_model_whose_parent_is_missing_is_refused(registry, models):
    with pytest.raises(RegistryError, match="'second' comes from 'first', which is not in the registry: add that model first"):
        registry.register(models / "second")
    assert registry.list() == ()
    assert list((registry.folder / "models").iterdir()) == []
    record = registry.register(models / "second", without_parent=True)
    assert record.parent is None


def test_a_parent_that_is_not_the_manifests_is_refused(full_registry, save_model_as, tmp_path):
    child = save_model_as(tmp_path / "child", "child", "second")
    with pytest.raises(RegistryError, match="comes from 'second', not from version 'first'"):
        full_registry.register(child, parent="first")
    with pytest.raises(RegistryError, match=r"no version 'secnd' .* use second"):
        full_registry.register(child, parent="secnd")


def test_a_parent_can_be_said_where_the_manifest_names_none(full_registry, save_model_as, tmp_path):
    child = save_model_as(tmp_path / "child", "child")
    assert full_registry.register(child, parent="first").parent == "first"


def test_a_verdict_about_other_models_is_refused(registry, models, verdict_of):
    with pytest.raises(RegistryError, match="has a verdict but no parent"):
        registry.register(models / "first", verdict_of("better", child="first"))
    registry.register(models / "first")
    for verdict, named in [
        (verdict_of("better", child="third"), "about model 'third', not about 'second'"),
        (verdict_of("better", parent="third"), "compares 'second' with 'third', but its parent is 'first'"),
    ]:
        with pytest.raises(RegistryError, match=named):
            registry.register(models / "second", verdict)
    assert ids(registry) == ["first"]


def test_a_damaged_model_is_not_added(registry, models):
    (models / "first" / "models" / "network_b.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="truncated"):
        registry.register(models / "first")
    assert registry.list() == ()


def test_an_unknown_version_is_refused_with_the_nearest_name(full_registry):
    for call in (full_registry.get, full_registry.activate, full_registry.remove, full_registry.lineage, full_registry.verify):
        with pytest.raises(RegistryError, match=r"no version 'secnd' in .*: use second"):
            call("secnd")


def test_a_folder_is_not_made_a_registry_twice_or_over_other_files(registry, tmp_path):
    with pytest.raises(RegistryError, match="is a registry already"):
        ModelRegistry.create(registry.folder)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("five years")
    with pytest.raises(OutputError, match="exists already"):
        ModelRegistry.create(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "five years"


def test_what_lay_unlisted_in_the_place_of_a_version_is_kept(registry, models, files_of):
    place = registry.folder / "models" / "first"
    place.mkdir()
    (place / "notes.txt").write_text("five years")
    registry.register(models / "first")
    assert files_of(registry.folder / "trash") == {"first/model/notes.txt": b"five years"}
    registry.verify("first")


def test_cases_that_a_reader_would_refuse_are_not_written(registry, models):
    with pytest.raises(RegistryError, match="whole number"):
        registry.register(models / "first", cases={"a": "two"})
    assert ModelRegistry.open(registry.folder).list() == ()
    assert list((registry.folder / "models").iterdir()) == []
