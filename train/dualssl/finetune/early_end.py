"""When to end a fine-tuning that no longer gets better on its validation cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def ends_after(patience: int) -> Callable[[list[dict[str, Any]]], bool]:
    """The rule: the last `patience` validations brought no Dice above the best before them."""

    def ends(validations: list[dict[str, Any]]) -> bool:
        scores = [float(record["dice"]) for record in validations]
        return len(scores) > patience and max(scores[-patience:]) <= max(scores[:-patience])

    return ends
