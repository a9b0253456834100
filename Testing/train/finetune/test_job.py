"""The whole of a fine-tuning: proof, verdict, registry, one at a time, resumed where it was stopped."""

import json
from dataclasses import replace

import pytest

from dualssl.errors import LibraryError, RegistryError, TrainingCancelledError, TrainingError
from dualssl.labels import LabelTable
from dualssl.locks import exclusive
from dualssl.model.folder import verify_model
from dualssl.registry.compare import CaseSet
from dualssl.registry.versions import ModelRegistry


@pytest.fixture
def registry_with_the_parent(model, tmp_path):
    registry = ModelRegistry.create(tmp_path / "registry")
    registry.register(model)
    return registry


def test_few_cases_are_held_out_in_turn_and_the_model_learns_from_all(job_of, tmp_path):
    outcome = job_of().run()
    assert verify_model(outcome.model).manifest.provenance["labelled"] == [f"corrected_{n}" for n in range(4)]
    assert outcome.model == tmp_path / "job" / "model"
    assert sorted(outcome.verdict.held_out.cases) == [f"corrected_{n}" for n in range(4)]
    for number, fold in enumerate(outcome.proof.folds, start=1):
        trained = verify_model(tmp_path / "job" / "folds" / str(number) / "model").manifest.provenance["labelled"]
        assert not set(trained) & set(fold)
        assert sorted((*trained, *fold)) == [f"corrected_{n}" for n in range(4)]
    stored = json.loads((tmp_path / "job" / "verdict.json").read_text(encoding="utf-8"))
    assert stored["decision"] == outcome.verdict.decision


def test_a_child_is_registered_with_its_verdict_and_is_not_active(job_of, registry_with_the_parent):
    outcome = job_of(registry=registry_with_the_parent).run()
    version = registry_with_the_parent.get(outcome.version.id)
    assert version.cases == {f"corrected_{n}": 1 for n in range(4)}
    assert version.parent == registry_with_the_parent.list()[0].id
    assert version.state != "active"


def test_a_registry_without_the_parent_is_said_before_anything_is_trained(job_of, tmp_path):
    registry = ModelRegistry.create(tmp_path / "empty registry")
    with pytest.raises(RegistryError, match=r"is not in registry .*: add it there first"):
        job_of(registry=registry).run()
    assert not (tmp_path / "job").exists()


def test_one_case_is_trained_on_but_proves_nothing(job_of):
    outcome = job_of(request={"cases": ("corrected_1",)}).run()
    assert outcome.verdict is None
    assert "two patients" in outcome.proof.reason
    assert any("One corrected case" in note for note in outcome.notes)


def test_the_reference_set_is_scored_for_both(job_of, old_spheres):
    outcome = job_of(reference=CaseSet(old_spheres, ("old_2", "old_3"))).run()
    assert outcome.verdict.reference.cases == ("old_2", "old_3")


def test_a_second_fine_tuning_of_a_library_is_refused_while_one_goes_on(job_of, corrected_library, tmp_path):
    with (
        exclusive(corrected_library.folder / "finetune.lock", RuntimeError("taken")),
        pytest.raises(TrainingError, match="going on with library"),
    ):
        job_of().run()
    assert not (tmp_path / "job").exists()


def stages_of(job_of, stop_before=None, **options):
    """Runs a job and returns its stages, or stops it where a stage begins."""
    seen = []

    def tell(stage, progress):
        if stop_before is not None and stage.startswith(stop_before):
            raise KeyboardInterrupt
        if progress is not None and progress.iteration > 0 and stage not in seen:
            seen.append(stage)

    try:
        return seen, job_of(on_stage=tell, **options).run()
    except KeyboardInterrupt:
        return seen, None


def test_a_job_that_was_stopped_goes_on_where_it_was(job_of, tmp_path):
    before, nothing = stages_of(job_of, stop_before="Extra training 3")
    assert nothing is None
    assert len(before) == 2
    after, outcome = stages_of(job_of, resume=True)
    assert len(after) == 2
    assert after[-1] == "Training the model"
    assert outcome.verdict is not None


def test_cases_corrected_meanwhile_do_not_change_a_job_that_is_resumed(job_of, corrected_library, add_case):
    stages_of(job_of, stop_before="Training the model")
    add_case("late", 40)
    outcome = job_of(resume=True).run()
    assert "late" not in verify_model(outcome.model).manifest.provenance["labelled"]


def test_a_case_removed_meanwhile_is_named_when_a_job_is_resumed(job_of, corrected_library):
    stages_of(job_of, stop_before="Training the model")
    corrected_library.remove_case("corrected_2")
    with pytest.raises(LibraryError, match="corrected_2"):
        job_of(resume=True)


def test_cancelling_leaves_a_job_that_can_be_resumed(job_of):
    asked = []

    def soon():
        asked.append(True)
        return len(asked) > 4

    with pytest.raises(TrainingCancelledError):
        job_of(cancelled=soon).run()
    assert job_of(resume=True).run().verdict is not None


def test_resuming_nothing_and_starting_twice_are_refused(job_of):
    with pytest.raises(TrainingError, match="no fine-tuning to resume"):
        job_of(resume=True)
    job_of(prove=False).run()
    with pytest.raises(TrainingError, match="not empty"):
        job_of(prove=False).run()


def test_resuming_with_another_model_or_other_settings_is_refused(job_of):
    stages_of(job_of, stop_before="Training the model")
    with pytest.raises(TrainingError, match="another settings"):
        job_of(resume=True, changes={"edit_weight": 5.0})


def test_a_damaged_plan_is_said(job_of, tmp_path):
    stages_of(job_of, stop_before="Training the model")
    (tmp_path / "job" / "plan.json").write_text('{"model": 1}', encoding="utf-8")
    with pytest.raises(TrainingError, match="damaged"):
        job_of(resume=True)


def test_a_second_generation_is_judged_on_new_cases_only(job_of, add_case, corrected_library, tmp_path):
    first = job_of(prove=False).run()
    for n in range(2):
        add_case(f"new_{n}", 50 + n)
    outcome = job_of(parent=first.model, output=tmp_path / "second").run()
    assert outcome.verdict.held_out.cases == ("new_0", "new_1")
    manifest = verify_model(outcome.model).manifest
    assert manifest.parent == verify_model(first.model).manifest.id
    assert len(manifest.provenance["labelled"]) == 6
    assert manifest.provenance["parent_provenance"]["labelled"] == ["old_0", "old_1"]


def test_altered_labels_are_found_before_training(job_of, corrected_library, tmp_path):
    path = corrected_library.as_dataset().label_path("corrected_1")
    path.write_bytes(path.read_bytes()[:-7] + b"changed")
    with pytest.raises(LibraryError, match="corrected_1"):
        job_of().run()
    assert not (tmp_path / "job").exists()


def test_a_replay_dataset_of_other_structures_is_refused(job_of, old_spheres):
    other = replace(old_spheres, labels=LabelTable.from_dataset_json({"background": 0, "aorta": 1}))
    with pytest.raises(TrainingError, match="aorta"):
        job_of(request={"replay": other})
