from __future__ import annotations

import pytest
import torch
from torch import nn

from dualssl.model.manifest import NetworkSpec
from dualssl.networks.fuse import fused_for_inference
from dualssl.networks.pair import DualNetwork


def trained_looking_pair(norm: str) -> DualNetwork:
    """A pair whose normalisation layers are not the identity that they start as."""
    torch.manual_seed(3)
    pair = DualNetwork(NetworkSpec(in_channels=2, classes=3, width=2, norm=norm))
    for module in pair.modules():
        if isinstance(module, (nn.BatchNorm3d, nn.InstanceNorm3d)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2.0)
    return pair


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_fused_networks_compute_the_same(norm):
    pair = trained_looking_pair(norm)
    image = torch.randn(2, 2, 32, 16, 48)
    fused = fused_for_inference(pair)
    with torch.no_grad():
        expected, got = pair.eval()(image), fused(image)
    for (logits, features), (fused_logits, fused_features) in zip(expected, got, strict=True):
        assert logits.std() > 1e-2
        torch.testing.assert_close(fused_logits, logits, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(fused_features, features, rtol=1e-4, atol=1e-4)


def test_no_batch_normalisation_and_no_dropout_is_left():
    kinds = {type(module) for module in fused_for_inference(trained_looking_pair("batch")).modules()}
    assert not kinds & {nn.BatchNorm3d, nn.Dropout3d}


def test_instance_normalisation_stays():
    pair = trained_looking_pair("instance")
    count = sum(isinstance(m, nn.InstanceNorm3d) for m in pair.modules())
    assert sum(isinstance(m, nn.InstanceNorm3d) for m in fused_for_inference(pair).modules()) == count > 0


def test_the_original_pair_is_left_as_it_is():
    pair = trained_looking_pair("batch")
    before = {name: value.clone() for name, value in pair.state_dict().items()}
    fused = fused_for_inference(pair)
    assert pair.training
    assert not fused.training
    assert all(torch.equal(value, before[name]) for name, value in pair.state_dict().items())
    assert all(p.requires_grad for p in pair.parameters())
    assert not any(p.requires_grad for p in fused.parameters())
