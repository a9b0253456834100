"""The benchmark of a training step, at toy size: the bare passes are those that the step makes."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from dualssl.benchmarking.passes import recorded_passes, repeat_passes
from dualssl.benchmarking.timing import Ratio
from dualssl.benchmarking.training_step import random_batch, training_step
from dualssl.presets import all_presets
from dualssl.training.devices import make_fabric


class TinyPair(nn.Module):
    """Two layers in place of two networks."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv3d(1, 2, 1), nn.Conv3d(1, 2, 1)

    def forward(self, x):
        return (self.a(x), x), (self.b(x), x)


@pytest.fixture
def tiny_pair():
    return TinyPair()


def test_passes_are_recorded_with_their_images_and_whether_a_gradient_follows(tiny_pair):
    images = torch.randn(1, 1, 2, 2, 2)
    with recorded_passes(tiny_pair) as passes:
        tiny_pair(images)
        with torch.no_grad():
            tiny_pair(images * 2)
    tiny_pair(images)
    assert [once.with_gradient for once in passes] == [True, False]
    assert torch.equal(passes[1].images, images * 2)
    assert all(once.networks is tiny_pair for once in passes)


def test_repeating_a_pass_goes_back_through_both_networks_where_there_was_a_gradient(tiny_pair):
    fabric = make_fabric("cpu")
    with recorded_passes(tiny_pair) as passes:
        tiny_pair(torch.randn(1, 1, 2, 2, 2))
    repeat_passes(passes, fabric)
    repeat_passes(passes, fabric)
    # The gradient of the sum of 8 voxels' logits with respect to a bias is 8, and does not add up over repeats.
    for layer in (tiny_pair.a, tiny_pair.b):
        assert torch.equal(layer.bias.grad, torch.full((2,), 8.0))
    with recorded_passes(tiny_pair) as silent, torch.no_grad():
        tiny_pair(torch.randn(1, 1, 2, 2, 2))
    repeat_passes(silent, fabric)
    assert tiny_pair.a.bias.grad is None


def test_a_step_is_compared_with_its_own_passes_and_the_teachers_are_named(toy_suite):
    paper, strong = training_step(toy_suite.training)
    for figure in (paper, strong):
        json.dumps(figure.to_json(), allow_nan=False)
        assert math.isfinite(figure.value)
        assert figure.value > 0
        assert figure.value == Ratio.of(figure.samples["step_s"], figure.samples["bare_passes_s"]).median
        assert {len(values) for values in figure.samples.values()} == {2 if figure is paper else 1}
        assert figure.details["images"] == 2
    assert (paper.target.relation, paper.target.limit) == ("at most", 1.25)
    assert paper.details["extra_passes"] == []
    assert paper.details["ratio_net_of_extra_passes"] == paper.details["ratio"]
    assert strong.met is None
    (extra,) = strong.details["extra_passes"]
    assert extra == {"networks": "teacher", "images": 1, "size_kji": [16, 16, 32], "with_gradient": False}
    net = Ratio.of(strong.samples["step_s"], strong.samples["bare_with_extra_passes_s"])
    assert strong.details["ratio_net_of_extra_passes"] == net.to_json()


def test_all_presets_are_measured_unless_some_are_named(toy_suite, monkeypatch):
    measured = []
    monkeypatch.setattr("dualssl.benchmarking.training_step._step", lambda preset, *_: measured.append(preset.name))
    training_step(replace(toy_suite.training, presets=None))
    assert measured[0] == "paper"
    assert sorted(measured) == sorted(all_presets())


def test_a_preset_without_unlabelled_stream_gets_labelled_patches_only(toy_suite):
    presets = all_presets()
    assert len(random_batch(presets["supervised"], toy_suite.training).unlabelled) == 0
    batch = random_batch(presets["paper"], toy_suite.training)
    assert batch.unlabelled.shape == batch.labelled.shape == (1, 1, 16, 16, 32)
    assert batch.labels.unique().tolist() == [0, 1]
