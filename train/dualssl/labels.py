"""Label names, values, colours and codes: the one definition that data, models, files and front ends share.

Codes are SNOMED CT (designator SCT), as DICOM segmentations and Slicer's terminologies use them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dualssl.errors import DatasetError


@dataclass(frozen=True)
class Code:
    """A coded concept: scheme designator, value, meaning."""

    scheme: str
    value: str
    meaning: str


ANATOMICAL_STRUCTURE = Code("SCT", "123037004", "Anatomical Structure")
TISSUE = Code("SCT", "85756007", "Tissue")

# What a name in a dataset means. Names are compared in lower case with `_` and `-` read as spaces.
_CODES: dict[str, str] = {
    "left atrium": "82471001",
    "right atrium": "73829009",
    "left ventricle": "87878005",
    "right ventricle": "53085002",
    "myocardium": "74281007",
    "heart": "80891009",
    "aorta": "15825003",
    "liver": "10200004",
    "spleen": "78961009",
    "pancreas": "15776009",
    "kidney": "64033007",
    "prostate": "41216001",
    "brain": "12738006",
    "lung": "39607008",
    "bone": "272673000",
}

# Distinct for the common forms of colour blindness (Okabe and Ito's palette), in an order that keeps neighbours apart.
_PALETTE: tuple[tuple[int, int, int], ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (0, 114, 178),
    (213, 94, 0),
    (240, 228, 66),
)


@dataclass(frozen=True)
class Label:
    """One structure: its value in label maps, name, display colour (0..255 RGB) and code."""

    value: int
    name: str
    color: tuple[int, int, int]
    code: Code = TISSUE

    @classmethod
    def named(cls, name: str, value: int) -> Label:
        """A label whose colour follows from its value and whose code follows from its name, `Tissue` if unknown."""
        known = _CODES.get(name.lower().replace("_", " ").replace("-", " ").strip())
        code = Code("SCT", known, name[:1].upper() + name[1:]) if known else TISSUE
        return cls(value, name, _PALETTE[(value - 1) % len(_PALETTE)], code)


@dataclass(frozen=True)
class LabelTable:
    """The structures of a dataset or model, in order of value; value 0 is background and has no entry.

    Values run 1, 2, ... without gaps, so that a label's value is also its channel in the networks' logits.
    """

    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        values = [label.value for label in self.labels]
        if values != list(range(1, len(values) + 1)):
            raise DatasetError(f"label values must be 1, 2, 3 ... beside background 0, not {values}: renumber them.")

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def channels(self) -> int:
        """Number of classes the networks tell apart, background included."""
        return len(self.labels) + 1

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the structures, background left out."""
        return tuple(label.name for label in self.labels)

    @classmethod
    def from_dataset_json(cls, labels: Mapping[str, Any]) -> LabelTable:
        """From the `labels` of an nnU-Net style `dataset.json`: {"background": 0, "left atrium": 1, ...}."""
        pairs: list[tuple[int, str]] = []
        for name, value in labels.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise DatasetError(f"dataset.json gives label '{name}' the value {value!r}: use a whole number.")
            if value == 0:
                continue
            pairs.append((value, str(name)))
        if not pairs:
            raise DatasetError("dataset.json names no label beside background: add at least one structure.")
        if len(pairs) > 255:
            raise DatasetError(f"dataset.json names {len(pairs)} structures: label maps hold at most 255.")
        return cls(tuple(Label.named(name, value) for value, name in sorted(pairs)))

    def to_json(self) -> list[dict[str, Any]]:
        """Plain data for a manifest."""
        return [
            {
                "value": label.value,
                "name": label.name,
                "color": list(label.color),
                "code": {"scheme": label.code.scheme, "value": label.code.value, "meaning": label.code.meaning},
            }
            for label in self.labels
        ]

    @classmethod
    def from_json(cls, data: list[dict[str, Any]]) -> LabelTable:
        """Inverse of `to_json`."""
        return cls(
            tuple(
                Label(
                    int(d["value"]),
                    str(d["name"]),
                    (int(d["color"][0]), int(d["color"][1]), int(d["color"][2])),
                    Code(str(d["code"]["scheme"]), str(d["code"]["value"]), str(d["code"]["meaning"])),
                )
                for d in data
            )
        )
