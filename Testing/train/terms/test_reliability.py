"""The reliable set keeps each class's surest agreed voxels, foreground too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dualssl.terms.base import IGNORE
from dualssl.terms.reliability import keep_share, reliable_set


@pytest.fixture
def mostly_background(scene_from):
    """5 % foreground, which both networks find, less surely than background."""
    g = torch.Generator().manual_seed(3)
    shape = (2, 20, 20, 20)
    foreground = torch.zeros(shape, dtype=torch.bool)
    foreground[:, :, :5, :4] = True
    margin = torch.where(foreground, -(1.5 + torch.rand(shape, generator=g)), 3.0 + 6.0 * torch.rand(shape, generator=g))
    z = [torch.stack([margin * s, -margin * s], dim=1) / 2 for s in (1.0, 0.9)]
    target = torch.full(shape, IGNORE)
    return scene_from(*z, target, torch.zeros_like(foreground)), foreground


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8, 1.0])
def test_about_the_wanted_share_of_each_class_is_kept(mostly_background, keep):
    scene, foreground = mostly_background
    kept = reliable_set(scene.step, keep)
    for part in (foreground, ~foreground):
        share = float(kept[part].float().mean())
        assert keep <= share + 1e-6
        assert share <= keep + 0.03, "one bin at most, 1.0 % of the entropy, on top"


def test_one_threshold_over_the_batch_would_keep_almost_no_foreground(mostly_background):
    """Fault 6: percentile 20 of all entropies, either network below it. Ours keeps a fifth of the foreground."""
    scene, foreground = mostly_background
    released = torch.zeros_like(foreground)
    for output in (scene.step.a, scene.step.b):
        released |= output.entropy < np.percentile(output.entropy.numpy(), 20)
    assert float(released[foreground].float().mean()) <= 0.03
    assert float(reliable_set(scene.step, 0.2)[foreground].float().mean()) >= 0.2


def test_every_reliable_voxel_is_surer_than_every_other_of_its_class(mostly_background):
    scene, foreground = mostly_background
    kept = reliable_set(scene.step, 0.5)
    entropy = torch.maximum(scene.step.a.entropy, scene.step.b.entropy)
    for part in (foreground, ~foreground):
        assert entropy[kept & part].max() <= entropy[~kept & part].min()


def test_the_threshold_still_tells_voxels_apart_when_networks_are_very_sure(scene_from):
    margin = torch.linspace(14, 16, 1000).reshape(1, 10, 10, 10)
    z = torch.stack([margin, torch.zeros_like(margin)], dim=1)
    none = torch.full((1, 10, 10, 10), IGNORE)
    kept = reliable_set(scene_from(z, z, none, none >= 0).step, 0.3)
    assert 0.3 <= float(kept.float().mean()) <= 0.33


def test_labelled_voxels_and_disagreement_are_never_in_the_set(mixed_batch):
    step = mixed_batch.step
    kept = reliable_set(step, 1.0)
    assert torch.equal(kept, step.unlabelled & (step.a.label == step.b.label))


def test_the_set_is_computed_once_a_step_and_share(mixed_batch):
    assert reliable_set(mixed_batch.step, 0.4) is reliable_set(mixed_batch.step, 0.4)
    assert reliable_set(mixed_batch.step, 0.9) is not reliable_set(mixed_batch.step, 0.4)


def test_keep_rises_from_a_fifth_to_four_fifths():
    assert [keep_share(t) for t in (0.0, 0.5, 1.0)] == pytest.approx([0.2, 0.5, 0.8])
