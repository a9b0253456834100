"""How the teacher's probabilities become pseudo-labels."""

from __future__ import annotations

import torch
from torch import Tensor

from dualssl.prediction.components import keep_largest_components
from dualssl.presets.base import PseudoLabelPolicy


def pseudo_labels(probabilities: Tensor, policy: PseudoLabelPolicy, one_piece: tuple[int, ...]) -> Tensor:
    """Label maps (B, D, H, W) int64 of probabilities (B, C, D, H, W).

    `argmax` takes the most probable class; `largest_component` also turns all but the largest connected piece of the
    structures `one_piece` into background, since an island of these is an error of the teacher. A structure of several
    pieces, such as the kidneys, is left alone.
    """
    labels = probabilities.argmax(dim=1)
    if policy == "argmax" or not one_piece:
        return labels
    maps = labels.to("cpu", torch.uint8).numpy()
    for sample in maps:
        keep_largest_components(sample, one_piece)
    return torch.from_numpy(maps).to(labels.device, torch.int64)
