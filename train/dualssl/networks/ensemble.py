"""The pair as one network with one output, for tools that know nothing of pairs."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from dualssl.model.folder import load_model
from dualssl.networks.pair import DualNetwork


class MeanOfPair(nn.Module):
    """Mean of both networks' class probabilities.

    A MONAI bundle describes one network that returns one tensor; `DualNetwork` returns four, logits and features of each.
    Prediction does not use this class: uncertainty needs both networks apart.
    """

    def __init__(self, pair: DualNetwork, temperature: float = 1.0) -> None:
        """Both networks of `pair`, whose logits are divided by `temperature` before the softmax."""
        super().__init__()
        self.pair = pair
        self.temperature = temperature

    @classmethod
    def from_folder(cls, folder: str | Path, device: str = "cpu") -> MeanOfPair:
        """The network of a model folder, verified, in evaluation mode; what `network_def` in `inference.json` names.

        Raises:
            ModelError: the folder is no model folder or is not intact.
        """
        pair, manifest = load_model(Path(folder), device)
        return cls(pair, manifest.temperature).eval()

    def forward(self, image: Tensor) -> Tensor:
        """(B, in_channels, D, H, W), sides multiples of 16 -> probabilities (B, classes, D, H, W), float32."""
        # One after the other, so that only one network's activations are in memory at a time.
        total = (self.pair.a(image)[0].float() / self.temperature).softmax(dim=1)
        total = total + (self.pair.b(image)[0].float() / self.temperature).softmax(dim=1)
        return total / 2
