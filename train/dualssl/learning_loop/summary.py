"""What a loop shows: the figures that were promised, whether they are kept, and by how much not. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from dualssl.learning_loop.plan import RANKED, LoopPlan, Order
from dualssl.learning_loop.records import Kind, Record
from dualssl.learning_loop.reviews import Review, review_efficiency

CHECKED_CASES = 4
"""Gain and forgetting are checked after so many corrected cases."""

Relation = Literal["above", "at least", "at most", "below"]
_DIGITS = 6


@dataclass(frozen=True)
class Check:
    """A figure and the limit that it has to keep.

    Attributes:
        name: stable key.
        description: what the value is, one sentence.
        value: None where it was not measured.
        unit: of the value.
        relation, limit: what the value has to be.
        details: what else a reader needs; plain JSON data.
    """

    name: str
    description: str
    value: float | None
    unit: str
    relation: Relation
    limit: float
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None without a value."""
        if self.value is None:
            return None
        # As it is written: what only rounding errors part from its limit is at its limit.
        value = round(self.value, _DIGITS)
        kept = {
            "above": value > self.limit,
            "at least": value >= self.limit,
            "at most": value <= self.limit,
            "below": value < self.limit,
        }
        return kept[self.relation]

    @property
    def missed_by(self) -> float | None:
        """How far the value is from its limit where that is not kept, else 0; None without a value."""
        if self.value is None:
            return None
        return 0.0 if self.met else abs(self.value - self.limit)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "description": self.description,
            "value": None if self.value is None else round(self.value, _DIGITS),
            "unit": self.unit,
            "target": {"relation": self.relation, "limit": self.limit},
            "met": self.met,
            "missed_by": None if self.missed_by is None else round(self.missed_by, _DIGITS),
            "details": dict(self.details),
        }


def checks(plan: LoopPlan, records: Sequence[Record]) -> tuple[Check, ...]:
    """The four promised figures, as far as the records go."""
    return (
        _ranked_over_random(plan, records),
        _gain(plan, records),
        _forgetting(plan, records),
        _longest_round(records),
    )


def summary(plan: LoopPlan, records: Sequence[Record], reviews: Sequence[Review], machine: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a loop as plain data.

    Args:
        plan: of the loop.
        records: so far.
        reviews: so far.
        machine: from `dualssl.benchmarking.machine.describe_machine`.
    """
    efficiency = review_efficiency(reviews, plan.reader.regions)
    return {
        "benchmark": "learning loop",
        "complete": is_complete(plan, records),
        "machine": dict(machine),
        "settings": plan.to_json(),
        "figures": [check.to_json() for check in checks(plan, records)],
        "rounds": [_row(record, records) for record in records],
        "review_efficiency": None if efficiency is None else efficiency.to_json(),
    }


def is_complete(plan: LoopPlan, records: Sequence[Record]) -> bool:
    """Whether every round of every order has its records."""
    kinds: tuple[Kind, ...] = ("finetune", "scratch") if plan.scratch_iterations else ("finetune",)
    wanted = {(kind, order, cases) for kind in kinds for order in plan.orders for cases in plan.rounds}
    return wanted <= {(record.kind, record.order, record.cases) for record in records}


def frozen_of(records: Sequence[Record]) -> Record | None:
    """The record of the model that the loop began with, or None before it was scored."""
    return next((record for record in records if record.kind == "frozen"), None)


def line_of(records: Sequence[Record], order: str, kind: Kind = "finetune") -> tuple[Record, ...]:
    """The records of one order in the order of their cases, the frozen model first."""
    frozen = frozen_of(records)
    found = sorted((r for r in records if r.kind == kind and r.order == order), key=lambda record: record.cases)
    return (*(() if frozen is None else (frozen,)), *found)


def mean_difference(
    one: Sequence[tuple[float, float]], others: Sequence[Sequence[tuple[float, float]]]
) -> tuple[float, float, float] | None:
    """Mean of a piecewise linear curve less the mean of others, over the range of x that all of them have from 0 on.

    The integral of the difference is exact: between neighbouring corners of all curves it is linear.

    Args:
        one: corners (x, y), the first at x = 0; of corners at one x the last counts.
        others: the same of each other curve.

    Returns:
        The mean, the difference at the end of the range, and that end; None where there is no such range.
    """
    curves = [_corners(curve) for curve in (one, *others)]
    end = min(x[-1] for x, _ in curves)
    if end <= 0 or not others:
        return None
    knots = np.unique(np.concatenate([x for x, _ in curves]))
    knots = np.append(knots[knots < end], end)
    first, *rest = (np.interp(knots, x, y) for x, y in curves)
    difference = first - np.mean(rest, axis=0)
    area = np.sum((difference[1:] + difference[:-1]) / 2 * np.diff(knots))
    return float(area / end), float(difference[-1]), float(end)


def _ranked_over_random(plan: LoopPlan, records: Sequence[Record]) -> Check:
    found = None
    random = [name for name in plan.orders if Order.named(name, 0).random]
    lines = [line_of(records, name) for name in (RANKED, *random)]
    if RANKED in plan.orders and random and all(len(line) > 1 for line in lines) and frozen_of(records) is not None:
        ranked, *others = ([(float(r.voxels_corrected), 100 * r.dice) for r in line] for line in lines)
        found = mean_difference(ranked, others)
    return Check(
        name="ranked_over_random_at_equal_voxels",
        description="validation Dice in ranked order less that in random order, mean over equal numbers of corrected voxels",
        value=None if found is None else found[0],
        unit="points",
        relation="above",
        limit=0.0,
        details={}
        if found is None
        else {"difference_at_most_voxels": round(found[1], _DIGITS), "most_voxels": found[2], "random_orders": len(random)},
    )


def _gain(plan: LoopPlan, records: Sequence[Record]) -> Check:
    frozen = frozen_of(records)
    gains = {} if frozen is None else {r.order: _gain_of(r, frozen) for r in _checked(plan, records)}
    value = gains.get(_main_order(plan))
    return Check(
        name=f"gain_with_{CHECKED_CASES}_cases",
        description=f"validation Dice after fine-tuning with {CHECKED_CASES} corrected cases less that of the frozen model",
        value=None if value is None else value["mean"],
        unit="points",
        relation="at least",
        limit=1.0,
        details={"order": _main_order(plan), "by_order": gains},
    )


def _forgetting(plan: LoopPlan, records: Sequence[Record]) -> Check:
    drops = {r.order: 100 * (r.old_dice_base - r.old_dice) for r in _checked(plan, records)}
    return Check(
        name=f"forgetting_with_{CHECKED_CASES}_cases",
        description=f"Dice of the frozen model on the cases it learned from less that after {CHECKED_CASES} corrected cases",
        value=drops.get(_main_order(plan)),
        unit="points",
        relation="at most",
        limit=0.3,
        details={"order": _main_order(plan), "by_order": drops},
    )


def _longest_round(records: Sequence[Record]) -> Check:
    tuned = [record for record in records if record.kind == "finetune"]
    longest = max(tuned, key=lambda record: record.seconds_training, default=None)
    return Check(
        name="longest_fine_tuning",
        description="time of the longest fine-tuning, predictions and scores not counted",
        value=None if longest is None else longest.seconds_training / 60,
        unit="min",
        relation="below",
        limit=15.0,
        details={}
        if longest is None
        else {
            "order": longest.order,
            "cases": longest.cases,
            "device": longest.device,
            "seconds_of_round": longest.seconds_total,
        },
    )


def _checked(plan: LoopPlan, records: Sequence[Record]) -> list[Record]:
    found = [r for r in records if r.kind == "finetune" and r.cases == CHECKED_CASES]
    return sorted(found, key=lambda record: plan.orders.index(str(record.order)))


def _main_order(plan: LoopPlan) -> str:
    """The order in which people work: that of the worklist where it was followed."""
    return RANKED if RANKED in plan.orders else plan.orders[0]


def _gain_of(record: Record, frozen: Record) -> dict[str, float | int | None]:
    """Gain over the frozen model in points of Dice, with its standard error over the validation cases."""
    differences = [100 * (dice - frozen.dice_by_case[name]) for name, dice in record.dice_by_case.items()]
    count = len(differences)
    return {
        "mean": float(np.mean(differences)),
        "standard_error": float(np.std(differences, ddof=1) / np.sqrt(count)) if count > 1 else None,
        "cases_better": sum(difference > 0 for difference in differences),
        "cases": count,
    }


def _row(record: Record, records: Sequence[Record]) -> dict[str, Any]:
    """A record without its lists, with its gain."""
    frozen = frozen_of(records)
    gain = None if frozen is None else _gain_of(record, frozen)
    row = {key: value for key, value in record.to_json().items() if key not in ("dice_by_case", "names")}
    return {**row, "gain_points": gain}


def _corners(curve: Sequence[tuple[float, float]]) -> tuple[Any, Any]:
    last = dict(curve)
    x = sorted(last)
    return np.array(x), np.array([last[value] for value in x])
