"""The pair: network A and network B on one input, and what is derived from their outputs."""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dualssl.model.manifest import NetworkSpec
from dualssl.networks.resnet import ResNetVNet
from dualssl.networks.vnet import VNet

RawOutput = tuple[Tensor, Tensor]


class NetworkOutput:
    """Logits and features of one network, with everything terms derive from them computed once and shared.

    Attributes:
        logits: (B, C, D, H, W), float32.
        features: (B, F, D, H, W) before the head, at full resolution.
    """

    def __init__(self, logits: Tensor, features: Tensor) -> None:
        self.logits = logits.float()
        self.features = features

    @cached_property
    def log_probabilities(self) -> Tensor:
        """Log softmax over classes, (B, C, D, H, W)."""
        # First read under no_grad (for a label, say), the cached value would be cut off from the graph for good.
        with torch.set_grad_enabled(self.logits.requires_grad):
            return F.log_softmax(self.logits, dim=1)

    @cached_property
    def probabilities(self) -> Tensor:
        """Softmax over classes, (B, C, D, H, W)."""
        with torch.set_grad_enabled(self.logits.requires_grad):
            return self.log_probabilities.exp()

    @cached_property
    def confidence(self) -> Tensor:
        """Largest class probability per voxel, detached, (B, D, H, W)."""
        return self._top[0]

    @cached_property
    def label(self) -> Tensor:
        """Most probable class per voxel, int64, (B, D, H, W)."""
        return self._top[1]

    @cached_property
    def _top(self) -> tuple[Tensor, Tensor]:
        values, indices = self.probabilities.detach().max(dim=1)
        return values, indices

    @cached_property
    def entropy(self) -> Tensor:
        """Entropy per voxel divided by log C, hence 0..1, detached, (B, D, H, W)."""
        with torch.no_grad():
            p, log_p = self.probabilities.detach(), self.log_probabilities.detach()
            return -(p * log_p).sum(dim=1) / torch.log(torch.tensor(float(p.shape[1])))


class DualNetwork(nn.Module):
    """Networks A (V-Net) and B (ResNet-34 encoder) side by side; they share nothing."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.a = VNet(spec)
        self.b = ResNetVNet(spec)

    def forward(self, image: Tensor) -> tuple[RawOutput, RawOutput]:
        """(B, in_channels, D, H, W) -> ((logits, features) of A, (logits, features) of B)."""
        return self.a(image), self.b(image)
