"""Checkpoints: all of a run's state, bit for bit; never half-written, never trusted when damaged."""

import errno
import os

import pytest
import torch

from dualssl.errors import OutputError, TrainingError
from dualssl.training import checkpoint

PRESETS = ["supervised", "paper", "strong"]


def everything(trainer):
    state = trainer.state
    tensors = {f"student.{k}": v for k, v in state.networks.state_dict().items()}
    tensors |= {f"terms.{k}": v for k, v in state.terms.state_dict().items()}
    if state.teacher is not None:
        tensors |= {f"teacher.{k}": v for k, v in state.teacher.networks.state_dict().items()}
    for index, moments in state.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{k}": v for k, v in moments.items()}
    updates = state.teacher.updates if state.teacher else 0
    return tensors, (state.iteration, state.parts, state.seconds, updates)


def assert_same(one, other):
    (tensors, numbers), (others, other_numbers) = everything(one), everything(other)
    assert numbers == other_numbers
    assert tensors.keys() == others.keys()
    assert all(torch.equal(value, others[name]) for name, value in tensors.items())


@pytest.fixture
def trained(trainer_of, batch_of):
    def make(preset):
        trainer = trainer_of(preset)
        for n in range(3):
            trainer.step(batch_of(n))
        trainer.state.seconds = 12.345678901234567
        trainer.state.parts = 2
        return trainer

    return make


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.safetensors"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(preset, trained, trainer_of, batch_of, path):
    trainer = trained(preset)
    trainer.save(path)
    other = trainer_of(preset, seed=5)
    other.step(batch_of(9))
    other._seed = 1
    other.load(path)
    assert_same(trainer, other)
    for n in (3, 4):
        trainer.step(batch_of(n))
        other.step(batch_of(n))
    assert_same(trainer, other)


def test_a_checkpoint_holds_the_buffers_of_terms_and_the_teacher(trained, path):
    trained("paper").save(path)
    with checkpoint.safe_open(path, framework="pt") as file:
        assert any(name.startswith("terms.contrast.prototypes") for name in file.keys())  # noqa: SIM118
    trained("strong").save(path)
    with checkpoint.safe_open(path, framework="pt") as file:
        assert any(name.startswith("teacher.") for name in file.keys())  # noqa: SIM118


def test_a_fresh_trainer_can_be_saved_and_loaded(trainer_of, path):
    trainer = trainer_of("strong")
    trainer.save(path)
    other = trainer_of("strong", seed=5)
    other.load(path)
    assert_same(trainer, other)


def test_no_checkpoint_to_resume_from_is_said(trainer_of, path):
    with pytest.raises(TrainingError, match=r"no checkpoint .* from its beginning"):
        trainer_of().load(path)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.999])
def test_a_truncated_checkpoint_is_refused(trained, trainer_of, path, share):
    trained("supervised").save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors cannot be used"):
        trainer_of().load(path)


def test_a_checkpoint_that_is_none_is_refused(trainer_of, path):
    path.write_bytes(b"PK\x03\x04 a pickle in disguise" * 100)
    with pytest.raises(TrainingError, match="cannot be used"):
        trainer_of().load(path)


@pytest.mark.parametrize("other", [{"width": 4}, {"preset": "paper"}])
def test_a_checkpoint_of_other_networks_or_terms_is_refused_in_one_line(trained, trainer_of, path, other):
    trained("strong").save(path)
    with pytest.raises(TrainingError, match="cannot be used") as raised:
        trainer_of(**{"preset": "strong", **other}).load(path)
    assert "\n" not in str(raised.value)


def test_a_checkpoint_of_another_version_is_refused(trained, trainer_of, path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT_VERSION", 99)
    trained("supervised").save(path)
    monkeypatch.undo()
    with pytest.raises(TrainingError, match="another version"):
        trainer_of().load(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_costs_no_earlier_checkpoint(trained, trainer_of, batch_of, path, monkeypatch, number):
    trainer = trained("supervised")
    trainer.save(path)
    before = path.read_bytes()
    trainer.step(batch_of(3))

    def full(tensors, target, metadata):
        target.write_bytes(before[:1000])
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OutputError, match=r"checkpoint\.safetensors could not be written .* free some space"):
        trainer.save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
