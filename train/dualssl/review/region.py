"""One place to look at, as plain data that front ends read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from dualssl.plain_data import plain

RegionKind = Literal["ambiguous", "conflict"]


@dataclass(frozen=True)
class Region:
    """A connected uncertain region. Its voxels are found by `id` in the region label map.

    Attributes:
        id: 1, 2, ... in order of `score`.
        kind: `ambiguous` where the image leaves it open (high entropy of the mean prediction), `conflict` where the two
            networks contradict each other (high KL divergence).
        voxels: how many.
        volume_ml: their volume in ml.
        score: sum of the voxels' uncertainty (0..1, see `regions.voxel_uncertainty`) times the volume of a voxel in ml:
            large and very uncertain regions come first.
        mean_entropy, peak_entropy: of the normalised entropy, 0..1.
        mean_kl, peak_kl: of the KL divergence between the networks, nats.
        centre_ras: RAS, mm: the region's voxel nearest to its uncertainty-weighted centroid, so always inside.
        centre_kji: the same voxel as array indices (k, j, i).
        start_kji, stop_kji: bounding box in array indices (k, j, i); `stop` is the first index beyond it.
        labels: label values, in increasing order and without background, inside the region or in contact with it.
    """

    id: int
    kind: RegionKind
    voxels: int
    volume_ml: float
    score: float
    mean_entropy: float
    peak_entropy: float
    mean_kl: float
    peak_kl: float
    centre_ras: tuple[float, float, float]
    centre_kji: tuple[int, int, int]
    start_kji: tuple[int, int, int]
    stop_kji: tuple[int, int, int]
    labels: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return dict(plain(asdict(self)))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Region:
        """Read plain data; fields that it does not know are left aside.

        Raises:
            ValueError: a field is missing or of the wrong kind.
        """
        try:
            kind = data["kind"]
            if kind not in get_args(RegionKind):
                raise ValueError(f"a region cannot be of the kind {kind!r}")
            return cls(
                id=int(data["id"]),
                kind=kind,
                voxels=int(data["voxels"]),
                volume_ml=float(data["volume_ml"]),
                score=float(data["score"]),
                mean_entropy=float(data["mean_entropy"]),
                peak_entropy=float(data["peak_entropy"]),
                mean_kl=float(data["mean_kl"]),
                peak_kl=float(data["peak_kl"]),
                centre_ras=_three(data["centre_ras"], float),
                centre_kji=_three(data["centre_kji"], int),
                start_kji=_three(data["start_kji"], int),
                stop_kji=_three(data["stop_kji"], int),
                labels=tuple(int(v) for v in data["labels"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"a region lacks or garbles a field: {error}") from error


def _three(values: Any, kind: type) -> tuple[Any, Any, Any]:
    a, b, c = values
    return kind(a), kind(b), kind(c)
