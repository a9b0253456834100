"""What both networks are built from: convolution units, down- and upsampling, and the V-Net decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dualssl.model.manifest import NetworkSpec


class Conv3d(nn.Conv3d):
    """A 3D convolution whose weight gradient can be trusted in mixed precision on a CPU.

    oneDNN 3.12, which torch 2.13 uses there, reads beyond its buffers in the bfloat16 weight gradient where a side of the
    image is shorter than the kernel (the bottleneck of a patch side of 32): the gradient is garbage, even NaN. Such small
    grids cost nothing in float32.
    """

    def forward(self, x: Tensor) -> Tensor:
        """As `torch.nn.Conv3d`."""
        shorter = any(side < kernel for side, kernel in zip(x.shape[2:], self.kernel_size, strict=True))
        if shorter and x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


def norm_layer(spec: NetworkSpec, channels: int) -> nn.Module:
    """The normalisation layer that `spec.norm` names, with learned scale and shift."""
    if spec.norm == "batch":
        return nn.BatchNorm3d(channels)
    return nn.InstanceNorm3d(channels, affine=True)


def conv_stage(spec: NetworkSpec, inputs: int, outputs: int, convolutions: int) -> nn.Sequential:
    """`convolutions` times (3x3x3 convolution, normalisation, ReLU)."""
    layers: list[nn.Module] = []
    for n in range(convolutions):
        layers += [
            Conv3d(inputs if n == 0 else outputs, outputs, 3, padding=1),
            norm_layer(spec, outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def downsampling(spec: NetworkSpec, inputs: int, outputs: int) -> nn.Sequential:
    """Halve the grid by a 2x2x2 convolution of stride 2."""
    return nn.Sequential(Conv3d(inputs, outputs, 2, stride=2), norm_layer(spec, outputs), nn.ReLU(inplace=True))


def upsampling(spec: NetworkSpec, inputs: int, outputs: int) -> nn.Sequential:
    """Double the grid by a transposed 2x2x2 convolution of stride 2."""
    return nn.Sequential(nn.ConvTranspose3d(inputs, outputs, 2, stride=2), norm_layer(spec, outputs), nn.ReLU(inplace=True))


class VNetDecoder(nn.Module):
    """The way up: four times (upsample, add the encoder's feature of that resolution, convolve)."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        w = spec.width
        plan = ((16 * w, 8 * w, 3), (8 * w, 4 * w, 3), (4 * w, 2 * w, 2), (2 * w, w, 1))
        self.up = nn.ModuleList(upsampling(spec, inputs, outputs) for inputs, outputs, _ in plan)
        self.stage = nn.ModuleList(conv_stage(spec, outputs, outputs, n) for _, outputs, n in plan)

    def forward(self, bottleneck: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """`skips` from the finest to the coarsest resolution; returns (B, width, D, H, W) at full resolution."""
        x = bottleneck
        for up, stage, skip in zip(self.up, self.stage, reversed(skips), strict=True):
            x = stage(up(x) + skip)
        return x
