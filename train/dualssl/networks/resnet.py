"""Network B: a 3D ResNet-34 encoder under the same decoder, so that the two networks see one image in unlike ways."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from dualssl.model.manifest import NetworkSpec
from dualssl.networks.blocks import Conv3d, VNetDecoder, norm_layer


class BasicBlock(nn.Module):
    """Two 3x3x3 convolutions and a shortcut (He et al. 2016); the last scale starts at zero, so blocks start as identity."""

    def __init__(self, spec: NetworkSpec, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = Conv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = norm_layer(spec, outputs)
        self.conv2 = Conv3d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = norm_layer(spec, outputs)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(Conv3d(inputs, outputs, 1, stride=stride, bias=False), norm_layer(spec, outputs))
        nn.init.zeros_(cast("Tensor", self.norm2.weight))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, D, H, W) -> (B, outputs, D/stride, H/stride, W/stride)."""
        y = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        return self.relu(y + self.shortcut(x))


class ResNetVNet(nn.Module):
    """ResNet-34 encoder (stem 7x7x7 of w filters, blocks 3, 4, 6, 3 of 2w, 4w, 8w, 16w) with a V-Net decoder."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        w = spec.width
        self.stem = nn.Sequential(
            Conv3d(spec.in_channels, w, 7, padding=3, bias=False), norm_layer(spec, w), nn.ReLU(inplace=True)
        )
        layers = []
        inputs = w
        for outputs, blocks in ((2 * w, 3), (4 * w, 4), (8 * w, 6), (16 * w, 3)):
            layers.append(
                nn.Sequential(
                    *(BasicBlock(spec, inputs if n == 0 else outputs, outputs, 2 if n == 0 else 1) for n in range(blocks))
                )
            )
            inputs = outputs
        self.layer = nn.ModuleList(layers)
        self.decoder = VNetDecoder(spec)
        self.dropout = nn.Dropout3d(spec.dropout)
        self.head = nn.Conv3d(w, spec.classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, in_channels, D, H, W), sides multiples of 16 -> logits (B, classes, ...), features (B, w, ...)."""
        x = self.stem(image)
        skips = [x]
        for layer in self.layer:
            x = layer(x)
            skips.append(x)
        features = self.decoder(skips.pop(), skips)
        return self.head(self.dropout(features)), features
