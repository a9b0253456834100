"""Weight gradients of convolutions in bfloat16 on grids shorter than the kernel.

With `torch.nn.Conv3d` of torch 2.13 on processors with bfloat16 instructions these gradients are garbage, at times NaN
(oneDNN 3.12); `dualssl.networks.blocks.Conv3d` computes such grids in float32.
"""

import pytest
import torch

from dualssl.networks.blocks import Conv3d


def weight_gradient(convolution, images, autocast):
    convolution.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        convolution(images).float().square().mean().backward()
    return convolution.weight.grad.clone()


@pytest.mark.parametrize("grid", [(2, 2, 2), (1, 1, 2), (1, 2, 4), (2, 8, 8)])
@pytest.mark.parametrize("channels", [8, 32])
def test_the_gradient_is_finite_and_close_to_float32(grid, channels):
    torch.manual_seed(0)
    convolution = Conv3d(channels, channels, 3, padding=1).to(memory_format=torch.channels_last_3d)
    images = torch.randn(2, channels, *grid).contiguous(memory_format=torch.channels_last_3d)
    exact = weight_gradient(convolution, images, autocast=False)
    # What is read beyond a buffer is what lay there by chance: try more than once.
    for _ in range(5):
        gradient = weight_gradient(convolution, images, autocast=True)
        assert bool(torch.isfinite(gradient).all())
        assert float((gradient - exact).norm() / exact.norm()) < 0.02


def test_larger_grids_do_use_bfloat16():
    with torch.autocast("cpu", torch.bfloat16):
        assert Conv3d(2, 2, 3, padding=1)(torch.rand(1, 2, 4, 4, 4)).dtype == torch.bfloat16


def test_without_autocast_nothing_changes():
    torch.manual_seed(0)
    convolution = Conv3d(2, 3, 3, padding=1)
    images = torch.rand(1, 2, 2, 2, 2)
    assert torch.equal(convolution(images), torch.nn.functional.conv3d(images, convolution.weight, convolution.bias, padding=1))
