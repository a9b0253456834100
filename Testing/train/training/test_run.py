"""A run from dataset to model folder: what it leaves, what it refuses, and what it keeps when it is stopped."""

import errno
import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from dualssl.errors import OutputError, TrainingError
from dualssl.files import sha256_of
from dualssl.model.folder import load_model, verify_model
from dualssl.training import checkpoint
from dualssl.training import run as run_module
from dualssl.training.loss import PresetLoss


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def weights_of(model):
    return {path.name: sha256_of(path) for path in sorted(model.rglob("*.safetensors"))}


def records(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_model_that_says_where_it_is_from(run_of, folder):
    model = run_of("strong", validation=("sphere_4",)).execute()
    assert model == folder / "model"
    manifest = verify_model(model).manifest
    provenance = manifest.provenance
    assert manifest.name == "spheres"
    assert manifest.labels.names == ("left atrium",)
    assert manifest.patch == (16, 16, 32)
    assert manifest.field_of_view == (18.0, 20.0, 32.0)
    expected = {
        "dataset": "Spheres",
        "labelled": ["sphere_0", "sphere_1"],
        "unlabelled": 2,
        "validation": ["sphere_4"],
        "preset": "strong",
        "seed": 1,
        "iterations": 3,
        "batch": 4,
        "weights": "teacher",
    }
    assert {key: provenance[key] for key in expected} == expected
    assert [point["iteration"] for point in provenance["validation_curve"]] == [3]
    networks, _ = load_model(model)
    assert all(bool(torch.isfinite(p).all()) for p in networks.parameters())


def test_the_exported_weights_are_the_teachers_where_the_preset_says_so(run_of, folder):
    model = run_of("strong").execute()
    tensors = load_file(folder / "checkpoint.safetensors")
    networks, _ = load_model(model)
    exported = networks.state_dict()
    assert all(torch.equal(value, tensors[f"teacher.{name}"]) for name, value in exported.items() if value.is_floating_point())
    assert not all(torch.equal(value, tensors[f"student.{name}"]) for name, value in exported.items())


def test_every_validation_is_recorded_and_the_last_iteration_is_one(run_of, folder):
    run_of(iterations=3, validate_every=2, validation=("sphere_4",)).execute()
    scored = [record for record in records(folder) if record["kind"] == "validation"]
    assert [record["iteration"] for record in scored] == [2, 3]
    assert all(0 <= record["dice"] <= 1 and record["cases"].keys() == {"sphere_4"} for record in scored)


def test_validation_does_not_change_the_way_of_the_weights(run_of, tmp_path):
    plain = run_of("strong", folder=tmp_path / "plain").execute()
    watched = run_of("strong", folder=tmp_path / "watched", validation=("sphere_4",), validate_every=1).execute()
    assert weights_of(plain) == weights_of(watched)


def test_equal_runs_give_equal_weights_and_other_seeds_others(run_of, tmp_path):
    one, again, other = (
        run_of(folder=tmp_path / name, iterations=2, seed=seed).execute() for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert weights_of(one) == weights_of(again)
    assert weights_of(one) != weights_of(other)


@pytest.mark.parametrize("preset", ["strong", "paper"])
def test_label_files_of_unlabelled_cases_are_never_opened(run_of, own_spheres, preset):
    own_spheres.label_path("sphere_2").unlink()
    own_spheres.label_path("sphere_3").write_bytes(b"no volume")
    verify_model(run_of(preset, dataset=own_spheres, iterations=2).execute())


def test_a_supervised_run_never_opens_unlabelled_cases(run_of, own_spheres):
    own_spheres.image_paths("sphere_2")[0].write_bytes(b"no volume")
    model = run_of(dataset=own_spheres, iterations=1).execute()
    assert verify_model(model).manifest.provenance["unlabelled"] == 0


def test_a_bad_case_is_found_before_the_first_step(run_of, own_spheres):
    own_spheres.image_paths("sphere_3")[0].write_bytes(b"no volume")
    told = []
    with pytest.raises(Exception, match=r"sphere_3\.nrrd"):
        run_of("paper", dataset=own_spheres, on_progress=told.append).execute()
    assert told == []


def test_a_preset_that_needs_unlabelled_cases_refuses_to_go_without(run_of):
    with pytest.raises(TrainingError, match=r"'paper' learns from unlabelled cases.*name some, or use preset 'supervised'"):
        run_of("paper", unlabelled=())


def test_an_unknown_preset_or_part_is_named(run_of):
    with pytest.raises(TrainingError, match="no preset 'stronk'"):
        run_of("stronk")
    with pytest.raises(TrainingError, match="no part 'cosin' to leave out"):
        run_of("paper", without=("cosin",))


def test_a_folder_in_use_is_not_overwritten(run_of, folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(TrainingError, match=r"not empty: resume the run"):
        run_of().execute()
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_a_file_in_place_of_the_folder_is_an_error(run_of, folder):
    folder.write_text("mine")
    with pytest.raises(OutputError, match="run could not be written"):
        run_of().execute()


def test_nothing_to_resume_is_said(run_of):
    with pytest.raises(TrainingError, match="holds no run to resume: start one instead"):
        run_of().execute(resume=True)


def test_other_settings_on_resume_are_named(run_of):
    run_of(iterations=1).execute()
    with pytest.raises(TrainingError, match=r"other settings \(iterations, seed\)"):
        run_of(iterations=2, seed=7).execute(resume=True)


@pytest.mark.parametrize("content", ["", "[1]", "{", "null"])
def test_damaged_settings_on_resume_are_named(run_of, folder, content):
    folder.mkdir()
    (folder / "run.json").write_text(content)
    with pytest.raises(TrainingError, match=r"run\.json is damaged"):
        run_of().execute(resume=True)


def test_a_finished_run_may_be_resumed_and_stays_as_it_is(run_of, folder):
    before = weights_of(run_of().execute())
    lines = records(folder)
    assert weights_of(run_of().execute(resume=True)) == before
    assert records(folder) == lines


def test_a_run_killed_before_its_first_checkpoint_starts_over_on_resume(run_of, folder):
    run_of().execute()
    (folder / "checkpoint.safetensors").unlink()
    run_of().execute(resume=True)
    iterations = [record["iteration"] for record in records(folder)]
    assert iterations == [1, 2, 3]


def test_what_a_kill_left_of_an_unfinished_checkpoint_is_removed_on_resume(run_of, folder):
    run_of(iterations=1).execute()
    (folder / ".0a1b2c3d-checkpoint.safetensors").write_bytes(b"half")
    run_of(iterations=1).execute(resume=True)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("preset", ["strong", "paper"])
def test_a_stopped_run_keeps_what_it_learned_and_goes_on_to_the_same_end(run_of, folder, tmp_path, preset):
    def stop(progress):
        if progress.iteration == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_of(preset, iterations=4, on_progress=stop).execute()
    with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
        assert file.metadata()["iteration"] == "2"
    resumed = run_of(preset, iterations=4).execute(resume=True)
    straight = run_of(preset, iterations=4, folder=tmp_path / "straight").execute()
    assert weights_of(resumed) == weights_of(straight)
    assert [record["iteration"] for record in records(folder)] == [1, 2, 3, 4]
    assert [r["loss"] for r in records(folder)] == [r["loss"] for r in records(tmp_path / "straight")]


def test_progress_tells_iteration_loss_and_time_left(run_of):
    told = []
    run_of(on_progress=told.append, validation=("sphere_4",), validate_every=2).execute()
    assert [progress.iteration for progress in told] == [0, 1, 2, 3]
    assert told[0].loss is None
    assert all(progress.loss > 0 and progress.seconds_left >= 0 for progress in told[1:])
    assert told[-1].seconds_left == 0
    assert told[-1].dice is not None


@pytest.fixture
def loss_that_fails(monkeypatch):
    """From some step on, the loss or only its gradient is NaN."""

    def fail(at, what):
        calls, original = [], PresetLoss.__call__

        def failing(self, step):
            total, parts = original(self, step)
            calls.append(1)
            if len(calls) < at:
                return total, parts
            # The root's slope at 0 is infinite, and 0 times that is NaN: a finite loss with a gradient that is none.
            harmless = (step.a.logits.sum() * 0.0).sqrt() * 0.0
            return (total + harmless if what == "gradient" else total * float("nan")), parts

        monkeypatch.setattr(PresetLoss, "__call__", failing)

    return fail


@pytest.mark.parametrize("checkpoint_seconds", [0.0, 60.0])
@pytest.mark.parametrize(("what", "at"), [("loss", 3), ("gradient", 3), ("gradient", 4)])
def test_a_run_that_diverges_stops_and_leaves_no_such_checkpoint(run_of, folder, loss_that_fails, what, at, checkpoint_seconds):
    loss_that_fails(at, what)
    with pytest.raises(TrainingError, match=r"has diverged by iteration [34], .* another seed"):
        run_of("strong", iterations=4, checkpoint_seconds=checkpoint_seconds).execute()
    path = folder / "checkpoint.safetensors"
    assert path.is_file() == (checkpoint_seconds == 0)
    if path.is_file():
        assert all(bool(torch.isfinite(tensor).all()) for tensor in load_file(path).values())
    assert not (folder / "model").exists()


def test_a_disk_that_fills_up_ends_the_run_and_costs_no_checkpoint(run_of, folder, tmp_path, monkeypatch):
    saved, original = [], checkpoint.save_file

    def full(tensors, target, metadata):
        saved.append(1)
        if len(saved) >= 2:
            target.write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(tensors, target, metadata)

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OutputError, match="disk is full"):
        run_of("paper", iterations=4, checkpoint_seconds=0.0).execute()
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    monkeypatch.undo()
    resumed = run_of("paper", iterations=4).execute(resume=True)
    assert weights_of(resumed) == weights_of(run_of("paper", iterations=4, folder=tmp_path / "straight").execute())


def test_a_run_stopped_in_its_last_validation_validates_when_resumed(run_of, folder, monkeypatch):
    settings = {"iterations": 4, "validation": ("sphere_3",), "unlabelled": ("sphere_2",), "validate_every": 2}

    def stop(*args, **kwargs):
        raise StoppedError

    validate = run_module.validate
    calls = []
    monkeypatch.setattr(run_module, "validate", lambda *a: stop() if len(calls) else calls.append(1) or validate(*a))
    with pytest.raises(StoppedError):
        run_of(**settings).execute()
    monkeypatch.setattr(run_module, "validate", validate)
    run_of(**settings).execute(resume=True)
    assert [r["iteration"] for r in records(folder) if r["kind"] == "validation"] == [2, 4]


def test_another_number_of_processes_on_resume_is_named(run_of, folder):
    run_of(iterations=1).execute()
    stored = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**stored, "processes": 2}))
    with pytest.raises(TrainingError, match="number of processes"):
        run_of(iterations=1).execute(resume=True)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_cannot_be_one_is_refused(settings_of, seed):
    with pytest.raises(TrainingError, match="The seed"):
        settings_of(seed=seed)


@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_a_dropout_that_is_no_share_is_refused(settings_of, dropout):
    with pytest.raises(TrainingError, match="A dropout of"):
        settings_of(dropout=dropout)
