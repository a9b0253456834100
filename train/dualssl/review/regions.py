"""Where a person should look: connected uncertain regions, the most important first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualssl.metrics.band import Box, bounding_box, foreground_band
from dualssl.review.region import Region, RegionKind
from dualssl.review.splitting import NEIGHBOURS_26, pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from dualssl.geometry import Geometry


@dataclass(frozen=True)
class RegionSettings:
    """What counts as a region.

    Attributes:
        entropy: voxels with at least this normalised entropy (0..1) are uncertain.
        kl: voxels with at least this KL divergence (nats) are uncertain.
        min_volume_ml: smaller regions are left out.
        max_regions: only so many are kept, those of highest score.
        max_extent_mm: no two voxels of a region are farther apart; larger components are split, see `splitting`.
    """

    entropy: float = 0.5
    kl: float = 0.5
    min_volume_ml: float = 0.05
    max_regions: int = 50
    max_extent_mm: float = 30.0

    def __post_init__(self) -> None:
        if not (self.entropy > 0 and self.kl > 0 and self.max_extent_mm > 0):
            raise ValueError("the thresholds and the largest extent of regions must be above 0")
        if self.min_volume_ml < 0 or self.max_regions < 0:
            raise ValueError("the smallest volume and the greatest number of regions cannot be negative")


@dataclass(frozen=True, eq=False)
class ReviewRegions:
    """The regions of a case in order of score, and which voxels are theirs.

    Attributes:
        regions: ids 1, 2, ... in this order.
        members: for each region the flat indices (n,), in memory order, of its voxels in an array of `shape`.
        shape: of the image, (k, j, i).
    """

    regions: tuple[Region, ...]
    members: tuple[NDArray[np.intp], ...]
    shape: tuple[int, int, int]

    def __iter__(self) -> Iterator[Region]:
        return iter(self.regions)

    def __len__(self) -> int:
        return len(self.regions)


@dataclass(frozen=True, eq=False)
class _Maps:
    """The maps of a case (k, j, i), or one box of them."""

    entropy: NDArray[np.floating]
    kl: NDArray[np.floating]
    label_map: NDArray[np.integer]

    def __getitem__(self, box: Box) -> _Maps:
        return _Maps(self.entropy[box], self.kl[box], self.label_map[box])


def voxel_uncertainty(entropy: ArrayLike, kl: ArrayLike) -> NDArray[np.float32]:
    """One figure of 0..1 from both maps: the larger of the entropy and 1 - exp(-KL).

    The latter bounds from above how far the two networks' probabilities of any event can differ, squared (Bretagnolle
    and Huber 1979), and so puts nats on the entropy's scale.
    """
    conflict = 1.0 - np.exp(-np.asarray(kl, dtype=np.float32))
    return np.maximum(np.asarray(entropy, dtype=np.float32), conflict)


def find_regions(
    entropy: ArrayLike,
    kl: ArrayLike,
    label_map: ArrayLike,
    geometry: Geometry,
    settings: RegionSettings | None = None,
) -> ReviewRegions:
    """Find the connected uncertain regions of a case.

    A voxel is uncertain where a map reaches its threshold; 26-connected uncertain voxels form a component, and components
    that extend too far are split. A region is a `conflict` if the mean excess of KL over its threshold, in units of the
    threshold, is larger than that of entropy, else `ambiguous`. Order is by score, then by first voxel.

    Args:
        entropy: normalised entropy of the mean prediction (k, j, i), 0..1.
        kl: divergence between the networks (k, j, i), >= 0, nats.
        label_map: label of the mean prediction (k, j, i).
        geometry: the maps' grid.
        settings: defaults if None.

    Raises:
        ValueError: a map's shape is not the geometry's.
    """
    chosen = settings or RegionSettings()
    maps = _Maps(np.asarray(entropy), np.asarray(kl), np.asarray(label_map))
    for name, array in (("entropy", maps.entropy), ("KL", maps.kl), ("label", maps.label_map)):
        if array.shape != geometry.shape:
            raise ValueError(f"a {name} map of shape {array.shape} on a grid of shape {geometry.shape}")
    # The way in mm from a voxel to its neighbour along k, j and i, as rows.
    steps = geometry.kji_to_ras(np.eye(3)) - geometry.kji_to_ras(np.zeros(3))
    best: list[tuple[float, NDArray[np.intp]]] = []
    for score, indices in _scored_pieces(maps, geometry.voxel_ml, steps, chosen):
        best.append((score, np.ravel_multi_index(tuple(indices.T), geometry.shape)))
        if len(best) > 4 * chosen.max_regions + 1000:
            best = _top(best, chosen.max_regions)
    best = _top(best, chosen.max_regions)
    return ReviewRegions(
        regions=tuple(
            _describe(number, score, flat, maps, geometry, steps, chosen) for number, (score, flat) in enumerate(best, start=1)
        ),
        members=tuple(flat for _, flat in best),
        shape=geometry.shape,
    )


def region_label_map(found: ReviewRegions) -> NDArray[np.int32]:
    """Label map (k, j, i) whose values are the regions' ids, 0 elsewhere."""
    ids = np.zeros(found.shape, dtype=np.int32)
    for region, members in zip(found.regions, found.members, strict=True):
        ids.reshape(-1)[members] = region.id
    return ids


def _top(pieces: list[tuple[float, NDArray[np.intp]]], count: int) -> list[tuple[float, NDArray[np.intp]]]:
    return sorted(pieces, key=lambda piece: (-piece[0], int(piece[1][0])))[:count]


def _scored_pieces(
    maps: _Maps, voxel_ml: float, steps: NDArray[np.float64], settings: RegionSettings
) -> Iterator[tuple[float, NDArray[np.intp]]]:
    """Score and indices (n, 3) in the whole image, in memory order, of each piece that is large enough."""
    # Here, for a program that only shows regions has no use for SciPy and would wait for it.
    from scipy import ndimage

    uncertain = (maps.entropy >= settings.entropy) | (maps.kl >= settings.kl)
    box = bounding_box(uncertain)
    if box is None:
        return
    uncertain, maps = uncertain[box], maps[box]
    components, count = ndimage.label(uncertain, structure=NEIGHBOURS_26)
    # Rounding must not drop a region of exactly the smallest volume.
    fewest = max(settings.min_volume_ml / voxel_ml - 1e-6, 1.0)
    sizes = np.bincount(components[uncertain], minlength=count + 1)
    corner = np.array([s.start for s in box])
    for number, part in enumerate(ndimage.find_objects(components), start=1):
        if sizes[number] < fewest:
            continue
        member = components[part] == number
        values = voxel_uncertainty(maps.entropy[part], maps.kl[part])
        start = corner + np.array([s.start for s in part])
        for indices in pieces_of(member, values, steps, settings.max_extent_mm):
            if len(indices) >= fewest:
                yield float(values[tuple(indices.T)].sum(dtype=np.float64)) * voxel_ml, indices + start


def _describe(
    number: int,
    score: float,
    flat: NDArray[np.intp],
    maps: _Maps,
    geometry: Geometry,
    steps: NDArray[np.float64],
    settings: RegionSettings,
) -> Region:
    """Everything about a region whose voxels have these flat indices."""
    indices = np.stack(np.unravel_index(flat, geometry.shape), axis=-1)
    entropy = maps.entropy.reshape(-1)[flat].astype(np.float64)
    kl = maps.kl.reshape(-1)[flat].astype(np.float64)
    weights = voxel_uncertainty(entropy, kl).astype(np.float64)
    centroid = weights @ indices / weights.sum()
    away = (indices - centroid) @ steps
    nearest = indices[int(np.argmin(np.einsum("ij,ij->i", away, away)))]
    right, anterior, superior = (float(c) for c in geometry.kji_to_ras(nearest))
    start, stop = indices.min(axis=0), indices.max(axis=0) + 1
    return Region(
        id=number,
        kind=_kind(entropy, kl, settings),
        voxels=len(indices),
        volume_ml=len(indices) * geometry.voxel_ml,
        score=score,
        mean_entropy=float(entropy.mean()),
        peak_entropy=float(entropy.max()),
        mean_kl=float(kl.mean()),
        peak_kl=float(kl.max()),
        centre_ras=(right, anterior, superior),
        centre_kji=_triple(nearest),
        start_kji=_triple(start),
        stop_kji=_triple(stop),
        labels=_labels_touched(indices, start, stop, maps.label_map),
    )


def _kind(entropy: NDArray[np.float64], kl: NDArray[np.float64], settings: RegionSettings) -> RegionKind:
    ambiguity = np.maximum(entropy / settings.entropy - 1.0, 0.0).mean()
    conflict = np.maximum(kl / settings.kl - 1.0, 0.0).mean()
    return "conflict" if conflict > ambiguity else "ambiguous"


def _labels_touched(
    indices: NDArray[np.intp], start: NDArray[np.intp], stop: NDArray[np.intp], label_map: NDArray[np.integer]
) -> tuple[int, ...]:
    """Foreground labels inside the region or next to one of its voxels (26 neighbours)."""
    low = np.maximum(start - 1, 0)
    high = np.minimum(stop + 1, label_map.shape)
    member = np.zeros(high - low, dtype=bool)
    member[tuple((indices - low).T)] = True
    window = label_map[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    return tuple(int(v) for v in np.unique(window[foreground_band(member, 1)]) if v != 0)


def _triple(values: NDArray[np.integer]) -> tuple[int, int, int]:
    return int(values[0]), int(values[1]), int(values[2])
