"""Network A: a plain V-Net.

The variant that semi-supervised work on the left atrium uses: strided convolutions down, transposed convolutions up,
additive skips, no residual connections, dropout at the bottleneck and before the head.
"""

from __future__ import annotations

from torch import Tensor, nn

from dualssl.model.manifest import NetworkSpec
from dualssl.networks.blocks import VNetDecoder, conv_stage, downsampling


class VNet(nn.Module):
    """V-Net with filters w, 2w, 4w, 8w, 16w and 1, 2, 3, 3, 3 convolutions per stage (w = `spec.width`)."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        w = spec.width
        self.stage = nn.ModuleList(
            [
                conv_stage(spec, spec.in_channels, w, 1),
                conv_stage(spec, 2 * w, 2 * w, 2),
                conv_stage(spec, 4 * w, 4 * w, 3),
                conv_stage(spec, 8 * w, 8 * w, 3),
                conv_stage(spec, 16 * w, 16 * w, 3),
            ]
        )
        self.down = nn.ModuleList(downsampling(spec, n * w, 2 * n * w) for n in (1, 2, 4, 8))
        self.bottleneck_dropout = nn.Dropout3d(spec.dropout)
        self.decoder = VNetDecoder(spec)
        self.dropout = nn.Dropout3d(spec.dropout)
        self.head = nn.Conv3d(w, spec.classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, in_channels, D, H, W), sides multiples of 16 -> logits (B, classes, ...), features (B, w, ...)."""
        x = self.stage[0](image)
        skips = [x]
        for down, stage in zip(self.down, list(self.stage)[1:], strict=True):
            x = stage(down(x))
            skips.append(x)
        features = self.decoder(self.bottleneck_dropout(skips.pop()), skips)
        return self.head(self.dropout(features)), features
