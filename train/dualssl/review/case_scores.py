"""Which case to look at first: uncertainty of a whole case, in proportion to what was segmented.

A mean over the volume mostly measures how much background the image holds. These scores sum uncertainty over the
neighbourhood of the predicted foreground and divide by its voxels: sure background around the image changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualssl.metrics.band import bounding_box, foreground_band
from dualssl.metrics.overlap import dice
from dualssl.review.regions import RegionSettings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BAND_VOXELS = 5
KL_CEILING = 20.0
"""Nats to which a voxel's KL is clipped, so that one voxel with a probability of nearly 0 does not outweigh a case."""


@dataclass(frozen=True)
class CaseScores:
    """Scores of a case; the higher the more urgent, but for `network_dice`, where lower is.

    Attributes:
        entropy: sum of the normalised entropy in the band / voxels of the predicted foreground.
        kl: sum of the KL divergence in the band, nats, each voxel clipped to `KL_CEILING` / the same.
        uncertain: voxels in the band that reach a threshold of entropy or KL / the same.
        network_dice: Dice between the two networks' label maps, mean over the structures that either holds; 1.0 if
            neither holds any.
        foreground_voxels: size of the predicted foreground.

    Nothing segmented in a case is the worst there can be: without foreground, `entropy`, `kl` and `uncertain` take their
    upper bounds, which no other case exceeds: the band's largest size for one voxel of foreground, (2 n + 1)³ with n the
    band's reach, times the most that a voxel can add (1, `KL_CEILING` and 1).
    """

    entropy: float
    kl: float
    uncertain: float
    network_dice: float
    foreground_voxels: int

    def to_json(self) -> dict[str, float | int]:
        """Plain data."""
        return asdict(self)


def score_case(
    entropy: ArrayLike,
    kl: ArrayLike,
    label_map: ArrayLike,
    label_a: ArrayLike,
    label_b: ArrayLike,
    settings: RegionSettings | None = None,
    band_voxels: int = BAND_VOXELS,
) -> CaseScores:
    """Score a case.

    Args:
        entropy: normalised entropy of the mean prediction (k, j, i), 0..1.
        kl: divergence between the networks (k, j, i), >= 0, nats.
        label_map: label of the mean prediction (k, j, i).
        label_a, label_b: label of each network (k, j, i).
        settings: its thresholds say which voxels are uncertain; defaults if None.
        band_voxels: reach of the band around the predicted foreground, in voxels along each axis.

    Raises:
        ValueError: the shapes differ.
    """
    chosen = settings or RegionSettings()
    h, d, labels, a, b = (np.asarray(m) for m in (entropy, kl, label_map, label_a, label_b))
    if len({m.shape for m in (h, d, labels, a, b)}) != 1:
        raise ValueError(f"maps of shapes {[m.shape for m in (h, d, labels, a, b)]} are not of one case")
    agreement = _network_dice(a, b)
    foreground = labels != 0
    voxels = int(np.count_nonzero(foreground))
    box = bounding_box(foreground, margin=band_voxels)
    if box is None:
        bound = float((2 * band_voxels + 1) ** foreground.ndim)
        return CaseScores(bound, bound * KL_CEILING, bound, agreement, 0)
    band = foreground_band(foreground[box], band_voxels)
    h_band = h[box][band].astype(np.float64)
    d_band = d[box][band].astype(np.float64)
    uncertain = np.count_nonzero((h_band >= chosen.entropy) | (d_band >= chosen.kl))
    return CaseScores(
        entropy=float(np.clip(h_band, 0.0, 1.0).sum() / voxels),
        kl=float(np.clip(d_band, 0.0, KL_CEILING).sum() / voxels),
        uncertain=float(uncertain / voxels),
        network_dice=agreement,
        foreground_voxels=voxels,
    )


def _network_dice(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    box = bounding_box((a != 0) | (b != 0))
    if box is None:
        return 1.0
    a, b = a[box], b[box]
    values = np.union1d(np.unique(a), np.unique(b))
    return float(np.mean([dice(a == v, b == v) for v in values if v != 0]))
