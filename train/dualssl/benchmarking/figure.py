"""A measured figure, what it has to be, and the samples it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

_DIGITS = 6


@dataclass(frozen=True)
class Target:
    """A limit that a figure has to keep."""

    relation: Literal["at most", "at least"]
    limit: float

    def met_by(self, value: float) -> bool:
        """Whether `value` keeps the limit; a value that is no number does not."""
        return value <= self.limit if self.relation == "at most" else value >= self.limit

    def __str__(self) -> str:
        return f"{self.relation} {self.limit:g}"


@dataclass(frozen=True)
class Figure:
    """One result of a benchmark.

    Attributes:
        name: stable key, such as `prediction_overhead_width_16`.
        description: what was divided by what, one sentence.
        value: the result.
        unit: of the value; `x` for a ratio.
        target: what the value has to be, or None where it is only reported.
        samples: everything that was measured, by what it is, the unit in its name (`predict_s`).
        details: what else a reader needs: sizes, settings, spread; plain JSON data.
    """

    name: str
    description: str
    value: float
    unit: str
    target: Target | None = None
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without target."""
        return None if self.target is None else self.target.met_by(self.value)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        target = None if self.target is None else {"relation": self.target.relation, "limit": self.target.limit}
        return {
            "name": self.name,
            "description": self.description,
            "value": round(self.value, _DIGITS),
            "unit": self.unit,
            "target": target,
            "met": self.met,
            "samples": {key: [round(v, _DIGITS) for v in values] for key, values in self.samples.items()},
            "details": dict(self.details),
        }
