"""One place to look at, as plain data that front ends read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from dualssl.plain_data import plain

if TYPE_CHECKING:
    from typing import Self

RegionKind = Literal["ambiguous", "conflict"]


@dataclass(frozen=True)
class PlacedRegion:
    """A connected uncertain region, as far as it does not depend on the order in which an image's voxels are held.

    Programs reverse axes when they load an image, so this is what is kept beside one. Its voxels are found by `id` in the
    region label map.

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
    labels: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return dict(plain(asdict(self)))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read plain data; fields that it does not know are left aside.

        Raises:
            ValueError: a field is missing or of the wrong kind.
        """
        try:
            return cls(**cls._read(data))
        except (KeyError, TypeError) as error:
            raise ValueError(f"a region lacks or garbles a field: {error}") from error

    @classmethod
    def _read(cls, data: dict[str, Any]) -> dict[str, Any]:
        kind = data["kind"]
        if kind not in get_args(RegionKind):
            raise ValueError(f"a region cannot be of the kind {kind!r}")
        figures = ("volume_ml", "score", "mean_entropy", "peak_entropy", "mean_kl", "peak_kl")
        return {
            "id": int(data["id"]),
            "kind": kind,
            "voxels": int(data["voxels"]),
            **{name: float(data[name]) for name in figures},
            "centre_ras": _three(data["centre_ras"], float),
            "labels": tuple(int(v) for v in data["labels"]),
        }


@dataclass(frozen=True)
class Region(PlacedRegion):
    """The same with its place among the voxels of the image in which it was found.

    Attributes:
        centre_kji: the voxel at `centre_ras` as array indices (k, j, i).
        start_kji, stop_kji: bounding box in array indices (k, j, i); `stop` is the first index beyond it.
    """

    centre_kji: tuple[int, int, int]
    start_kji: tuple[int, int, int]
    stop_kji: tuple[int, int, int]

    @classmethod
    def _read(cls, data: dict[str, Any]) -> dict[str, Any]:
        indices = {name: _three(data[name], int) for name in ("centre_kji", "start_kji", "stop_kji")}
        return {**super()._read(data), **indices}


def _three(values: Any, kind: type) -> tuple[Any, Any, Any]:
    a, b, c = values
    return kind(a), kind(b), kind(c)
