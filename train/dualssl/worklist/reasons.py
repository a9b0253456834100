"""Why a case stands where it does, in words for the person who reads the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualssl.worklist.diversity import group_numbers
from dualssl.worklist.ranks import rank_shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.worklist.candidate import Candidate

NOTHING_SEGMENTED = "nothing was segmented here"
NOTHING_SPECIAL = "no more uncertain than most cases"
ONLY_CASE = "the only case that waits"
AT_RANDOM = "drawn at random"
UNLIKE = "unlike the cases already chosen"
OTHER_GROUP = "from another patient than the cases before it"


@dataclass(frozen=True)
class _Words:
    """What is said where a measure is the highest of all, and where it is higher than in most cases."""

    highest: str
    high: str


_WORDS = {
    "disagreement": _Words("the two networks disagree most here", "the two networks disagree more than in most cases"),
    "entropy": _Words("the segmentation is least certain here", "the segmentation is less certain than in most cases"),
    "kl": _Words(
        "the two networks' confidence differs most here", "the two networks' confidence differs more than in most cases"
    ),
}

# A strategy that is not listed is explained by all measures.
_MEASURES: dict[str, tuple[str, ...]] = {"entropy": ("entropy",), "disagreement": ("disagreement",), "random": ()}


def reasons(candidates: Sequence[Candidate], strategy: str) -> list[str]:
    """For each case, the measure that speaks most for it.

    Args:
        candidates: all that wait, for a measure is high or low only among others.
        strategy: name of the strategy that ranks them.
    """
    named = _MEASURES.get(strategy, tuple(_WORDS))
    if not named:
        return [AT_RANDOM] * len(candidates)
    if len(candidates) == 1:
        return [NOTHING_SEGMENTED if not candidates[0].segmented else ONLY_CASE]
    measures = np.array([_values(candidates, name) for name in named]).reshape(len(named), len(candidates))
    shares = np.array([rank_shares(values) for values in measures])
    leading = shares.argmax(axis=0).tolist() if len(candidates) else []
    highest = [values.max(initial=-np.inf) for values in measures]
    texts = []
    for number, (candidate, lead) in enumerate(zip(candidates, leading, strict=True)):
        words = _WORDS[named[lead]]
        if not candidate.segmented:
            texts.append(NOTHING_SEGMENTED)
        elif shares[lead, number] <= 0.5:
            texts.append(NOTHING_SPECIAL)
        else:
            texts.append(words.highest if measures[lead, number] == highest[lead] else words.high)
    return texts


def reasons_for_diversity(
    groups: Sequence[str], values: NDArray[np.float64], described: NDArray[np.bool_], chosen: Sequence[int], first: int
) -> dict[int, str]:
    """Why cases were taken before others of higher value.

    Args:
        groups: of all cases (n).
        values: of all cases (n,).
        described: which of them have features that can be compared (n,).
        chosen: indices of the cases that were chosen with diversity, in their order.
        first: how many of these had to be from different groups.

    Returns:
        Index to reason, for those that their value alone would not have put there.
    """
    group = group_numbers(groups)
    waiting = np.ones(values.size, dtype=bool)
    barred = np.zeros(values.size, dtype=bool)
    found: dict[int, str] = {}
    for position, index in enumerate(chosen):
        passed_over = waiting & (values > values[index])
        if passed_over.any():
            by_group = position < first and bool(barred[passed_over].all())
            if by_group or described[index]:
                found[index] = OTHER_GROUP if by_group else UNLIKE
        waiting[index] = False
        barred |= group == group[index]
    return found


def _values(candidates: Sequence[Candidate], measure: str) -> list[float]:
    if measure == "disagreement":
        return [-candidate.agreement for candidate in candidates]
    return [candidate.entropy if measure == "entropy" else candidate.kl for candidate in candidates]
