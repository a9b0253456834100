"""Data as JSON has it: how dataclasses get there, and checks of what comes back. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


def plain(data: Any) -> Any:
    """Tuples as lists, at any depth, so that what is written and what is read again are equal."""
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items()}
    return [plain(value) for value in data] if isinstance(data, (list, tuple)) else data


@dataclass(frozen=True)
class StoredSettings:
    """What was asked for, of a dataclass's fields: written beside its results, and compared when the work goes on."""

    def to_json(self) -> dict[str, Any]:
        """Plain data: lists, texts and numbers."""
        return dict(plain(asdict(self)))

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """Names of the fields in which stored settings (`to_json`) differ from these."""
        return [key for key, value in self.to_json().items() if stored.get(key) != value]


def text(value: Any) -> str:
    """The value, which must be a text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def whole_number(value: Any) -> int:
    """The value, which must be a whole number from 0 on.

    Raises:
        TypeError: it is none.
    """
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is no whole number")
    return value


def finite_number(value: Any) -> float:
    """The value, which must be a finite number.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no finite number")
    return value
