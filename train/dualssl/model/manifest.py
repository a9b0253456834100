"""What a model is and how it wants its input: plain data, read without torch.

The manifest is `configs/dualssl.json` inside a model folder; `dualssl.model.folder` writes, verifies and loads folders.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dualssl.errors import DatasetError, ModelError
from dualssl.labels import LabelTable

FORMAT_VERSION = 1

DOWNSAMPLINGS = 4
"""Times that both networks halve the grid; sides of their input are multiples of 2 to that power."""

NormalisationKind = Literal["zscore", "window", "percentile"]


@dataclass(frozen=True)
class Normalisation:
    """How intensities become network input.

    Attributes:
        kind: `zscore` (MR: mean 0, standard deviation 1 over the whole image), `window` (CT: `low`..`high` in the image's
            unit, HU, to 0..1, clipped) or `percentile` (percentiles `low`..`high` of the image to 0..1, clipped).
        low, high: the window in HU or the percentiles; not used by `zscore`.
    """

    kind: NormalisationKind = "zscore"
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Preprocessing:
    """The way from a file to network input.

    Attributes:
        spacing: mm along (k, j, i) of the grid the networks see, or None to keep each image's own.
        normalisation: one for each channel.
    """

    spacing: tuple[float, float, float] | None = None
    normalisation: tuple[Normalisation, ...] = (Normalisation(),)


@dataclass(frozen=True)
class Postprocessing:
    """What happens to label maps: `largest_component` lists the label values of which only the largest piece is kept."""

    largest_component: tuple[int, ...] = ()


@dataclass(frozen=True)
class NetworkSpec:
    """Both networks of the pair: input channels, classes (background included), base width, normalisation layers, and the share
    of feature maps that training drops at the bottleneck of A and before both heads (prediction drops none).
    """

    in_channels: int = 1
    classes: int = 2
    width: int = 16
    norm: Literal["batch", "instance"] = "batch"
    dropout: float = 0.5


@dataclass(frozen=True)
class Manifest:
    """Everything about a model but its weights.

    Attributes:
        id: unique and stable, e.g. `left-atrium-20260131-4f2a91c0`.
        name: for people.
        labels: the structures it segments.
        channel_names: modality of each input channel, e.g. ("MRI",).
        networks, preprocessing, postprocessing: see there.
        patch: training patch in voxels (k, j, i); windows of this size or larger are right at prediction.
        field_of_view: mm along canonical (k, j, i), see `dualssl.volumes.orient`, that no image it learned from exceeded; None
            where nobody recorded it.
        temperature: logits are divided by it before softmax (1 = as trained); fitted on validation for calibration.
        provenance: training data, preset, seed, iterations, versions, device, metrics: plain JSON data.
        parent: id of the model this one was fine-tuned from.
    """

    id: str
    name: str
    labels: LabelTable
    channel_names: tuple[str, ...]
    networks: NetworkSpec
    preprocessing: Preprocessing
    postprocessing: Postprocessing
    patch: tuple[int, int, int]
    field_of_view: tuple[float, float, float] | None = None
    temperature: float = 1.0
    provenance: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return {
            "format_version": FORMAT_VERSION,
            "id": self.id,
            "name": self.name,
            "labels": self.labels.to_json(),
            "channel_names": list(self.channel_names),
            "networks": asdict(self.networks),
            "preprocessing": asdict(self.preprocessing),
            "postprocessing": asdict(self.postprocessing),
            "patch": list(self.patch),
            "field_of_view": None if self.field_of_view is None else list(self.field_of_view),
            "temperature": self.temperature,
            "provenance": self.provenance,
            "parent": self.parent,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Manifest:
        """Read plain data.

        Raises:
            ModelError: a field is missing or of the wrong kind, or the format is newer than this program.
        """
        version = data.get("format_version") if isinstance(data, dict) else None
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise ModelError(
                f"The model's manifest has format {version!r}, this program reads up to {FORMAT_VERSION}: update dualssl."
            )
        try:
            patch = data["patch"]
            manifest = cls(
                id=str(data["id"]),
                name=str(data["name"]),
                labels=LabelTable.from_json(data["labels"]),
                channel_names=tuple(str(c) for c in data["channel_names"]),
                networks=NetworkSpec(**data["networks"]),
                preprocessing=Preprocessing(
                    spacing=_millimetres(data["preprocessing"]["spacing"]),
                    normalisation=tuple(Normalisation(**n) for n in data["preprocessing"]["normalisation"]),
                ),
                postprocessing=Postprocessing(tuple(int(v) for v in data["postprocessing"]["largest_component"])),
                patch=(int(patch[0]), int(patch[1]), int(patch[2])),
                field_of_view=_millimetres(data.get("field_of_view")),
                temperature=float(data.get("temperature", 1.0)),
                provenance=dict(data.get("provenance", {})),
                parent=data.get("parent"),
            )
            manifest._check()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, DatasetError) as error:
            raise ModelError(
                f"The model's manifest lacks or garbles a field ({error}): get an intact copy of the model folder."
            ) from error
        return manifest

    def _check(self) -> None:
        """Raise ValueError where fields are not what their types promise or do not fit one another."""
        networks, preprocessing = self.networks, self.preprocessing
        numbers = (networks.in_channels, networks.classes, networks.width, *self.patch)
        if not all(type(n) is int and n > 0 for n in numbers):
            raise ValueError(f"channels, classes, width and patch must be positive whole numbers, not {numbers}")
        if networks.norm not in ("batch", "instance"):
            raise ValueError(f"unknown normalisation layers {networks.norm!r}")
        if networks.classes != self.labels.channels:
            raise ValueError(f"{networks.classes} classes for {self.labels.channels} labels, background included")
        if not networks.in_channels == len(self.channel_names) == len(preprocessing.normalisation):
            raise ValueError("input channels, their names and their normalisations differ in number")
        for normalisation in preprocessing.normalisation:
            if normalisation.kind not in ("zscore", "window", "percentile"):
                raise ValueError(f"unknown intensity normalisation {normalisation.kind!r}")
            if not (math.isfinite(normalisation.low) and math.isfinite(normalisation.high)):
                raise ValueError("a normalisation limit is not finite")
        lengths = (*(preprocessing.spacing or ()), *(self.field_of_view or ()))
        if not all(math.isfinite(n) and n > 0 for n in (self.temperature, *lengths)):
            raise ValueError("spacing, field of view and temperature must be positive")


def _millimetres(numbers: Any) -> tuple[float, float, float] | None:
    return None if numbers is None else (float(numbers[0]), float(numbers[1]), float(numbers[2]))
