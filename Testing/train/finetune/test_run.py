"""One fine-tuning: what it learns from, what it leaves, and that it can stop and go on anywhere."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dualssl.errors import TrainingCancelledError, TrainingError, VolumeError
from dualssl.model.folder import load_model, verify_model
from dualssl.volumes.volume import Volume


def weights(model):
    return {name: load_file(model / name) for name in ("models/network_a.safetensors", "models/network_b.safetensors")}


def same_weights(one, other):
    a, b = load_model(one)[0].state_dict(), load_model(other)[0].state_dict()
    return all(torch.equal(value, b[name]) for name, value in a.items())


def test_a_child_names_its_parent_its_cases_and_their_label_versions(run_of, model, old_spheres):
    child = verify_model(run_of(request={"replay": old_spheres}).execute()).manifest
    parent = verify_model(model).manifest
    assert child.parent == parent.id
    assert child.id != parent.id
    assert child.preprocessing == parent.preprocessing
    assert child.provenance["label_versions"] == {f"corrected_{n}": 1 for n in range(4)}
    assert child.provenance["replayed"] == ["old_0", "old_1"]
    assert child.provenance["unlabelled"] == 2
    assert child.provenance["parent_provenance"]["labelled"] == ["old_0", "old_1"]


def test_the_parent_stays_as_it_is_and_the_child_differs(run_of, model):
    before = load_model(model)[0].state_dict()
    child = load_model(run_of().execute())[0].state_dict()
    after = load_model(model)[0].state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    moved = [name for name, value in before.items() if not torch.equal(value, child[name])]
    assert moved
    assert not any("running" in name for name in moved)


def test_without_replay_the_parent_is_distilled_on_the_pool(run_of, old_spheres, tmp_path):
    run_of(folder=tmp_path / "without").execute()
    run_of(folder=tmp_path / "with", request={"replay": old_spheres}).execute()
    without, beside = (
        json.loads((tmp_path / name / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[0])
        for name in ("without", "with")
    )
    assert "distillation.a" in without
    assert "distillation.a" not in beside
    assert 0.0 <= without["agreement"] <= 1.0


def test_a_run_that_was_cancelled_goes_on_to_the_same_weights(run_of, tmp_path):
    whole = run_of(folder=tmp_path / "whole").execute()
    asked = []

    def after_two_steps():
        asked.append(True)
        return len(asked) == 2

    with pytest.raises(TrainingCancelledError, match="after 2 of 3"):
        run_of(folder=tmp_path / "stopped", cancelled=after_two_steps).execute()
    assert (tmp_path / "stopped" / "checkpoint.safetensors").is_file()
    assert not (tmp_path / "stopped" / "model").exists()
    assert same_weights(run_of(folder=tmp_path / "stopped").execute(resume=True), whole)


def test_resuming_with_other_settings_is_refused(run_of, tmp_path):
    run_of().execute()
    with pytest.raises(TrainingError, match="other settings"):
        run_of(learning_rate=0.1).execute(resume=True)


def test_voxels_that_a_person_changed_weigh_more(run_of, tmp_path):
    plain = run_of(folder=tmp_path / "plain", edit_weight=1.0).execute()
    heavy = run_of(folder=tmp_path / "heavy", edit_weight=20.0).execute()
    assert not same_weights(plain, heavy)


@pytest.mark.parametrize(("corrected", "factor"), [(True, 1.5), (False, 1.0)])
def test_a_child_has_seen_as_far_as_its_parent_and_its_own_corrected_cases(run_of, model, add_case, corrected, factor):
    add_case("tall", 30, corrected=corrected, spacing=(1.5, 1.0, 0.5))
    k, j, i = verify_model(model).manifest.field_of_view
    child = verify_model(run_of().execute()).manifest
    assert child.field_of_view == (factor * k, j, i)


def test_a_child_of_a_parent_that_does_not_tell_how_far_it_saw_does_not_tell_either(run_of):
    run = run_of()
    run._parent = replace(run._parent, manifest=replace(run._parent.manifest, field_of_view=None))
    assert verify_model(run.execute()).manifest.field_of_view is None


def test_validation_cases_are_scored_and_never_trained_on(run_of):
    run = run_of(request={"validation": ("corrected_3",)})
    child = verify_model(run.execute()).manifest
    assert child.provenance["labelled"] == ["corrected_0", "corrected_1", "corrected_2"]
    assert child.provenance["validation"] == ["corrected_3"]
    assert [record["iteration"] for record in child.provenance["validation_curve"]] == [1, 2, 3]


def test_training_ends_early_where_validation_does_not_get_better(run_of):
    run = run_of(request={"validation": ("corrected_3",)}, iterations=40, validate_every=1, patience=2, learning_rate=1e-9)
    child = verify_model(run.execute()).manifest
    assert child.provenance["iterations"] == 3


def test_a_library_without_waiting_cases_is_fine_tuned_supervised(library, add_case, model, settings, tmp_path):
    from dualssl.finetune.request import FineTuneRequest
    from dualssl.finetune.run import FineTuneRun, Parent

    add_case("only", 10)
    networks, manifest = load_model(model)
    asked = FineTuneRequest(model, library.as_dataset(), settings=settings)
    plan = asked.resolve(manifest)
    run = FineTuneRun(Parent(networks, manifest), plan, asked.files(plan, manifest), tmp_path / "run", "cpu")
    assert verify_model(run.execute()).manifest.provenance["unlabelled"] == 0


def test_a_training_works_on_the_label_versions_it_began_with(corrected_library, run_of, model, settings):
    run = run_of()
    labels = corrected_library.read_labels("corrected_0")
    corrected_library.save_correction(
        "corrected_0", Volume(np.roll(labels.array, 3, axis=2), labels.geometry), reviewer="B. Reader"
    )
    assert verify_model(run.execute()).manifest.provenance["label_versions"]["corrected_0"] == 1
    assert run._cases.label_path("corrected_0").name == "0001.nrrd"


def test_a_case_that_vanishes_is_named(corrected_library, run_of):
    run = run_of()
    corrected_library.remove_case("corrected_2")
    with pytest.raises(VolumeError, match="corrected_2"):
        run.execute()
