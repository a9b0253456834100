"""The two networks: their size, their shapes, their independence, and what is derived from their outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dualssl.model.manifest import NetworkSpec
from dualssl.networks.pair import DualNetwork, NetworkOutput
from dualssl.networks.resnet import BasicBlock


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.fixture
def tiny_pair():
    torch.manual_seed(0)
    return DualNetwork(NetworkSpec(in_channels=2, classes=4, width=2))


def test_at_width_16_the_pair_has_exactly_the_published_size():
    with torch.device("meta"):
        pair = DualNetwork(NetworkSpec(in_channels=1, classes=2, width=16))
    assert parameters(pair.a) == 9_448_866
    assert parameters(pair.b) == 17_930_354


def test_at_width_8_the_pair_is_about_a_quarter():
    with torch.device("meta"):
        pair = DualNetwork(NetworkSpec(width=8))
    assert 6.5e6 < parameters(pair) < 7.5e6


@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (2, 2), (1, 5), (3, 4)])
def test_channels_change_the_first_layer_and_classes_the_head_only(channels, classes):
    with torch.device("meta"):
        base = DualNetwork(NetworkSpec(width=4))
        other = DualNetwork(NetworkSpec(in_channels=channels, classes=classes, width=4))
    head = (classes - 2) * (4 + 1)
    assert parameters(other.a) - parameters(base.a) == head + (channels - 1) * 27 * 4
    assert parameters(other.b) - parameters(base.b) == head + (channels - 1) * 343 * 4


def test_instance_norm_replaces_every_batch_norm_at_the_same_size():
    with torch.device("meta"):
        batch, instance = (DualNetwork(NetworkSpec(width=2, norm=n)) for n in ("batch", "instance"))
    assert parameters(batch) == parameters(instance)
    kinds = {type(m) for m in instance.modules()}
    assert nn.InstanceNorm3d in kinds
    assert nn.BatchNorm3d not in kinds


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("sides", [(32, 32, 32), (32, 16, 48)])
def test_logits_have_the_classes_and_features_the_width_at_full_resolution(norm, sides):
    pair = DualNetwork(NetworkSpec(in_channels=2, classes=4, width=3, norm=norm))
    for logits, features in pair(torch.randn(1, 2, *sides)):
        assert logits.shape == (1, 4, *sides)
        assert features.shape == (1, 3, *sides)


def test_the_head_is_linear_in_the_features(tiny_pair):
    tiny_pair.eval()
    for net, (logits, features) in zip((tiny_pair.a, tiny_pair.b), tiny_pair(torch.randn(1, 2, 16, 16, 16)), strict=True):
        assert torch.allclose(net.head(features), logits, atol=1e-6)


def test_the_gradient_of_one_network_never_touches_the_other(tiny_pair):
    for mine, other in (("a", "b"), ("b", "a")):
        tiny_pair.zero_grad()
        outputs = dict(zip("ab", tiny_pair(torch.randn(2, 2, 16, 16, 16)), strict=True))
        outputs[mine][0].square().mean().backward()
        assert all(p.grad is None for p in getattr(tiny_pair, other).parameters())
        assert all(p.grad is not None for p in getattr(tiny_pair, mine).parameters())


def test_the_networks_share_no_parameter(tiny_pair):
    assert not {id(p) for p in tiny_pair.a.parameters()} & {id(p) for p in tiny_pair.b.parameters()}


def test_residual_blocks_start_with_a_zero_last_scale(tiny_pair):
    blocks = [m for m in tiny_pair.b.modules() if isinstance(m, BasicBlock)]
    assert len(blocks) == 3 + 4 + 6 + 3
    assert not any(block.norm2.weight.any() for block in blocks)
    assert all(block.norm1.weight.all() for block in blocks)


def test_a_fresh_block_of_equal_size_only_rectifies(tiny_pair):
    block = BasicBlock(NetworkSpec(width=2), 4, 4, stride=1)
    x = torch.randn(2, 4, 4, 4, 4)
    assert torch.equal(block(x), x.relu())


def test_dropout_sits_where_the_networks_have_it(tiny_pair):
    places = {name: m.p for name, m in tiny_pair.named_modules() if isinstance(m, nn.Dropout3d)}
    assert places == {"a.bottleneck_dropout": 0.5, "a.dropout": 0.5, "b.dropout": 0.5}


@pytest.fixture
def output():
    g = torch.Generator().manual_seed(2)
    return NetworkOutput(3 * torch.randn((2, 3, 2, 3, 4), generator=g), torch.zeros(2, 1, 2, 3, 4))


def test_derived_values_equal_numpy(output):
    z = output.logits.double().numpy()
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(output.probabilities.numpy(), p, rtol=1e-5)
    np.testing.assert_allclose(output.log_probabilities.numpy(), np.log(p), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(output.label.numpy(), p.argmax(axis=1))
    np.testing.assert_allclose(output.confidence.numpy(), p.max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(output.entropy.numpy(), -(p * np.log(p)).sum(axis=1) / np.log(3), rtol=1e-4, atol=1e-6)


def test_entropy_runs_from_0_for_certainty_to_1_for_ignorance():
    z = torch.zeros(1, 4, 1, 1, 2)
    z[0, 2, 0, 0, 1] = 1e4
    assert NetworkOutput(z, z).entropy.flatten().tolist() == pytest.approx([1.0, 0.0])


def test_label_confidence_and_entropy_carry_no_gradient_but_probabilities_do():
    o = NetworkOutput(torch.randn(1, 2, 2, 2, 2, requires_grad=True), torch.zeros(1))
    assert not o.confidence.requires_grad
    assert not o.entropy.requires_grad
    assert o.probabilities.requires_grad


def test_half_precision_logits_are_raised_to_float32():
    assert NetworkOutput(torch.zeros(1, 2, 1, 1, 1, dtype=torch.bfloat16), torch.zeros(1)).probabilities.dtype == torch.float32


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_the_share_of_dropped_feature_maps_is_the_specs(share):
    pair = DualNetwork(NetworkSpec(width=2, dropout=share))
    assert {m.p for m in pair.modules() if isinstance(m, torch.nn.Dropout3d)} == {share}
