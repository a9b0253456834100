"""One optimiser step: which images it sees, and how it gets by with less memory."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from dualssl.errors import TrainingError
from dualssl.networks.pair import DualNetwork
from dualssl.presets import preset_named
from dualssl.presets.base import CopyPaste, Optimiser, Schedule
from dualssl.terms.base import Term, TermSpec, masked_mean, register
from dualssl.training.ema import EmaTeacher


@register
class MeanSquares(Term):
    """A loss that is a mean over voxels, another one on each stream: equal parts add up to the whole exactly."""

    name = "test_mean_squares"

    def forward(self, step):
        return {
            "labelled": masked_mean(step.a.logits.square().sum(1) + step.b.logits.square().sum(1), step.truth),
            "unlabelled": 3.0 * masked_mean((step.a.logits - step.b.logits).square().sum(1), step.unlabelled),
        }


@pytest.fixture
def without_batch_statistics():
    """A recipe whose steps do not depend on which patches are computed together."""
    return replace(preset_named("supervised"), terms=(TermSpec(MeanSquares.name),), norm="instance")


@pytest.fixture
def no_dropout(monkeypatch):
    monkeypatch.setattr(nn.Dropout3d, "forward", lambda self, images: images)


@pytest.fixture
def memory_for(monkeypatch):
    """Networks that run out of memory with more than so many patches at a time; what they were given is returned."""

    def limit(patches, error=torch.OutOfMemoryError):
        seen, original = [], DualNetwork.forward

        def forward(self, images):
            seen.append(len(images))
            if len(images) > patches:
                raise error("CUDA out of memory. Tried to allocate 2.00 GiB")
            return original(self, images)

        monkeypatch.setattr(DualNetwork, "forward", forward)
        return seen

    return limit


def gradients(trainer):
    return torch.cat([p.grad.flatten() for p in trainer.networks.parameters()])


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.networks.parameters()])


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_give_the_gradient_of_the_whole(trainer_of, batch_of, without_batch_statistics, no_dropout, parts):
    batch = batch_of(0, labelled=4, unlabelled=4)
    whole, in_parts = trainer_of(without_batch_statistics), trainer_of(without_batch_statistics)
    in_parts.state.parts = parts
    one, other = whole.step(batch), in_parts.step(batch)
    torch.testing.assert_close(gradients(in_parts), gradients(whole), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(other.total, one.total)
    assert other.parts.keys() == one.parts.keys()
    for name, value in one.parts.items():
        torch.testing.assert_close(other.parts[name], value)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError, MemoryError])
def test_out_of_memory_goes_on_with_fewer_patches_and_says_so(trainer_of, batch_of, memory_for, error):
    notes = []
    trainer = trainer_of(say=notes.append)
    seen = memory_for(2, error)
    trainer.step(batch_of(0, labelled=4, unlabelled=0))
    assert seen == [4, 2, 2]
    assert notes == [
        "Out of memory: going on with 2 of 4 patches at a time, gradients accumulated over 2 parts "
        "(the batch as a whole stays the same)."
    ]
    assert trainer.state.iteration == 1
    trainer.step(batch_of(1, labelled=4, unlabelled=0))
    assert seen == [4, 2, 2, 2, 2]
    assert len(notes) == 1


def test_after_running_out_of_memory_the_gradient_is_that_of_the_whole_batch(
    trainer_of, batch_of, without_batch_statistics, no_dropout, memory_for
):
    batch = batch_of(0, labelled=4, unlabelled=4)
    whole, short_of_memory = trainer_of(without_batch_statistics), trainer_of(without_batch_statistics, say=lambda _: None)
    whole.step(batch)
    memory_for(2)
    short_of_memory.step(batch)
    assert short_of_memory.state.parts == 4
    torch.testing.assert_close(gradients(short_of_memory), gradients(whole), rtol=1e-3, atol=1e-5)


def test_parts_are_equal_also_where_halving_would_not_make_them_so(trainer_of, batch_of, memory_for):
    trainer = trainer_of(say=lambda _: None)
    seen = memory_for(1)
    trainer.step(batch_of(0, labelled=3, unlabelled=0))
    assert seen == [3, 1, 1, 1]


def test_a_labelled_patch_is_never_parted_from_its_unlabelled_partner(trainer_of, batch_of, memory_for):
    trainer = trainer_of("paper", say=lambda _: None)
    seen = memory_for(1)
    with pytest.raises(TrainingError):
        trainer.step(batch_of(0))
    assert seen == [4, 2]


def test_too_little_memory_for_the_smallest_part_says_what_to_do(trainer_of, batch_of, memory_for):
    trainer = trainer_of(say=lambda _: None)
    memory_for(0)
    with pytest.raises(TrainingError, match=r"too little memory .* smaller patches, batches or networks"):
        trainer.step(batch_of(0, unlabelled=0))


def test_other_errors_are_not_taken_for_a_lack_of_memory(trainer_of, batch_of, monkeypatch):
    def forward(self, images):
        raise RuntimeError("shapes do not fit")

    trainer = trainer_of()
    monkeypatch.setattr(DualNetwork, "forward", forward)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        trainer.step(batch_of(0))


def test_a_step_follows_from_weights_batch_and_iteration_alone(trainer_of, batch_of):
    one, other = trainer_of("paper"), trainer_of("paper")
    one.step(batch_of(0))
    torch.rand(7)
    other.step(batch_of(0))
    assert torch.equal(weights(one), weights(other))


def test_the_learning_rate_follows_the_schedule(trainer_of, batch_of):
    recipe = replace(preset_named("supervised"), optimiser=Optimiser(learning_rate=0.02), schedule=Schedule("poly", power=0.9))
    trainer = trainer_of(recipe, iterations=4)
    rates = [trainer.step(batch_of(n)).learning_rate for n in range(4)]
    assert rates == pytest.approx([0.02 * (1 - n / 4) ** 0.9 for n in range(4)])
    assert trainer._optimiser.param_groups[0]["lr"] == rates[-1]


@pytest.fixture
def teacher_was_asked(monkeypatch):
    asked, original = [], EmaTeacher.probabilities

    def probabilities(self, images):
        asked.append(len(images))
        return original(self, images)

    monkeypatch.setattr(EmaTeacher, "probabilities", probabilities)
    return asked


@pytest.fixture
def mixing_from_half_way():
    return replace(preset_named("strong"), copy_paste=CopyPaste(pretrain=0.5))


def test_copy_paste_begins_with_labelled_patches_only(trainer_of, batch_of, teacher_was_asked, mixing_from_half_way):
    trainer = trainer_of(mixing_from_half_way, iterations=4)
    for n in range(2):
        batch = batch_of(n)
        # Whatever touches an unlabelled voxel becomes NaN.
        result = trainer.step(replace(batch, unlabelled=torch.full_like(batch.unlabelled, float("nan"))))
        assert bool(torch.isfinite(result.total))
    assert teacher_was_asked == []
    trainer.step(batch_of(2))
    assert teacher_was_asked == [2]


def test_after_pretraining_the_unlabelled_patches_count(trainer_of, batch_of, mixing_from_half_way):
    one, other = (trainer_of(mixing_from_half_way, iterations=2) for _ in range(2))
    for trainer, unlabelled in ((one, batch_of(1).unlabelled), (other, batch_of(2).unlabelled)):
        trainer.step(batch_of(0))
        trainer.step(replace(batch_of(1), unlabelled=unlabelled))
    assert not torch.equal(weights(one), weights(other))


def test_mixing_without_a_teacher_is_refused(trainer_of, batch_of, mixing_from_half_way):
    trainer = trainer_of(replace(mixing_from_half_way, ema_decay=None, copy_paste=CopyPaste(pretrain=0.0)))
    with pytest.raises(TrainingError, match="needs an EMA teacher"):
        trainer.step(batch_of(0))


def test_the_teacher_follows_every_step_and_is_what_strong_exports(trainer_of, batch_of):
    trainer = trainer_of("strong")
    for n in range(3):
        trainer.step(batch_of(n))
    assert trainer.state.teacher.updates == 3
    assert trainer.exported is trainer.state.teacher.networks
    plain = trainer_of("supervised")
    assert plain.exported is plain.networks


@pytest.mark.parametrize("fails_after", ["forward", "backward"])
def test_running_out_of_memory_moves_no_statistics(trainer_of, batch_of, monkeypatch, fails_after):
    trainer = trainer_of("paper", say=lambda _: None)
    tries = []

    def give_up_once(*args, **kwargs):
        if not tries:
            tries.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(*args, **kwargs)

    owner, name = (trainer._loss, "__call__") if fails_after == "forward" else (trainer._fabric, "backward")
    owner = type(owner) if name == "__call__" else owner
    original = getattr(owner, name)
    monkeypatch.setattr(owner, name, give_up_once)
    trainer.step(batch_of(0))
    counts = {int(b) for n, b in trainer.networks.named_buffers() if n.endswith("num_batches_tracked")}
    # Two parts after the failed attempt: two passes, not three.
    assert trainer.state.parts == 2
    assert counts == {2}


def test_a_lack_of_memory_in_the_optimiser_says_what_to_do(trainer_of, batch_of, monkeypatch):
    trainer = trainer_of()

    def no_memory(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trainer._optimiser, "step", no_memory)
    with pytest.raises(TrainingError, match="too little memory"):
        trainer.step(batch_of(0, unlabelled=0))


def test_without_copy_paste_pseudo_labels_still_teach(trainer_of, batch_of):
    trainer = trainer_of(preset_named("strong").without(("copy_paste",)))
    # Whatever an untrained teacher says, it is a label for every unlabelled voxel.
    parts = [trainer.step(batch_of(n)).parts for n in range(2)]
    assert all(float(p["pseudo.a"]) > 0 and float(p["pseudo.b"]) > 0 for p in parts)


def test_a_recipe_without_unlabelled_cases_mixes_labelled_patches_to_the_end(trainer_of, batch_of):
    trainer = trainer_of(preset_named("strong").without(("unlabelled",)))
    for n in range(4):
        parts = trainer.step(batch_of(n, unlabelled=0)).parts
        assert float(parts["pseudo.a"]) == 0.0
        assert float(parts["supervised.a"]) > 0.0
