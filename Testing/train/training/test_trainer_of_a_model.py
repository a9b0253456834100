"""Going on from a trained model: its statistics stay, its teacher is the model, and it is there to be asked."""

import copy
from dataclasses import replace

import pytest
import torch

from dualssl.errors import TrainingError
from dualssl.model.manifest import NetworkSpec
from dualssl.networks.pair import DualNetwork
from dualssl.presets import preset_named
from dualssl.terms.base import TermSpec


@pytest.fixture
def model():
    """Networks whose normalisation statistics are not those of a fresh pair."""
    torch.manual_seed(7)
    networks = DualNetwork(NetworkSpec(width=2))
    networks.train()
    networks(torch.randn(2, 1, 16, 16, 32))
    return networks.eval()


@pytest.fixture
def fine_tuner(trainer_of, model):
    def make(preset="paper", **changes):
        recipe = replace(preset_named(preset), **changes)
        trainer = trainer_of(recipe, parent=model)
        trainer.networks.load_state_dict(model.state_dict())
        return trainer

    return make


def statistics(networks):
    return {name: value.clone() for name, value in networks.state_dict().items() if "running" in name or "num_batches" in name}


def test_normalisation_statistics_of_a_model_are_kept(fine_tuner, model, batch_of):
    trainer = fine_tuner()
    trainer.step(batch_of(1))
    assert statistics(trainer.networks).keys()
    for name, value in statistics(trainer.networks).items():
        assert torch.equal(value, model.state_dict()[name])


def test_training_anew_moves_the_statistics(trainer_of, batch_of):
    trainer = trainer_of("paper")
    before = statistics(trainer.networks)
    trainer.step(batch_of(1))
    assert any(not torch.equal(value, before[name]) for name, value in statistics(trainer.networks).items())


def test_the_parent_is_asked_and_never_changed(fine_tuner, model, batch_of):
    before = copy.deepcopy(model.state_dict())
    trainer = fine_tuner(terms=(TermSpec("supervised"), TermSpec("distillation")))
    first = trainer.step(batch_of(1)).parts
    for number in range(2, 6):
        last = trainer.step(batch_of(number)).parts
    assert 0 <= float(first["distillation.a"]) < float(last["distillation.a"])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(torch.equal(value, before[name]) for name, value in trainer._parent.state_dict().items())


def test_a_recipe_that_needs_a_parent_says_so_where_there_is_none(trainer_of, batch_of):
    recipe = replace(preset_named("paper"), terms=(TermSpec("distillation"),))
    with pytest.raises(TrainingError, match="needs a parent model"):
        trainer_of(recipe).step(batch_of(1))


def test_weights_of_labels_reach_the_loss(trainer_of, batch_of):
    plain, heavy = trainer_of("supervised"), trainer_of("supervised")
    batch = batch_of(1, unlabelled=0)
    weight = torch.where(batch.labels == 1, 20.0, 1.0)
    assert float(plain.step(batch).total) != float(heavy.step(replace(batch, label_weight=weight)).total)
