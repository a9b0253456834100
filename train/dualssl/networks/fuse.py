"""The pair as prediction wants it: normalisation folded into the convolutions, nothing that only training needs."""

from __future__ import annotations

import copy
from typing import cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dualssl.networks.pair import DualNetwork
from dualssl.networks.resnet import BasicBlock

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


def fused_for_inference(pair: DualNetwork) -> nn.Module:
    """A copy of `pair` in evaluation mode that computes the same with fewer passes over memory.

    Every batch normalisation becomes part of the (transposed) convolution before it, folded in float32, and dropouts go.
    Instance normalisation depends on the input and stays. The caller then casts: folding has to come first, since a
    running variance in bfloat16 would lose too much.

    Args:
        pair: on any device and in either mode; it is left as it is.

    Returns:
        A module with the inputs and outputs of `pair`, float32, on the same device, without gradients.
    """
    fused = copy.deepcopy(pair).float().eval().requires_grad_(False)
    for module in list(fused.modules()):
        if isinstance(module, nn.Sequential):
            for n in range(len(module) - 1):
                module[n], module[n + 1] = _folded(module[n], module[n + 1])
        elif isinstance(module, BasicBlock):
            for convolution, norm in (("conv1", "norm1"), ("conv2", "norm2")):
                one, other = _folded(getattr(module, convolution), getattr(module, norm))
                setattr(module, convolution, one)
                setattr(module, norm, other)
    for module in list(fused.modules()):
        for name, child in module.named_children():
            if isinstance(child, _DROPOUTS):
                setattr(module, name, nn.Identity())
    return fused


def _folded(convolution: nn.Module, norm: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Both as one layer and an identity, if they are a convolution and a batch normalisation; else as they came."""
    if not isinstance(norm, nn.BatchNorm3d) or not isinstance(convolution, (nn.Conv3d, nn.ConvTranspose3d)):
        return convolution, norm
    transposed = isinstance(convolution, nn.ConvTranspose3d)
    return cast("nn.Module", fuse_conv_bn_eval(convolution, norm, transpose=transposed)), nn.Identity()
