"""The worklist: cases in the order in which a person should look at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.worklist.diversity import FIRST, diversified
from dualssl.worklist.reasons import reasons, reasons_for_diversity
from dualssl.worklist.strategies import STRATEGIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.worklist.candidate import Candidate

DIVERSE_COUNT = 50
"""So many cases at the top of the list are chosen to be unlike one another; the rest goes by value."""


@dataclass(frozen=True)
class Ranked:
    """A place in the worklist.

    Attributes:
        name: of the case.
        position: 1 is the case to look at first.
        value: what the strategy gave; not in descending order where diversity had a say.
        why: one phrase for the person who reads the list.
    """

    name: str
    position: int
    value: float
    why: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def rank(
    candidates: Sequence[Candidate],
    strategy: str = "combined",
    seed: int = 0,
    diverse: bool = True,
    chosen: Sequence[tuple[float, ...]] = (),
) -> tuple[Ranked, ...]:
    """Order cases by their worth to a person.

    The order of `candidates` does not matter: equal values go by name.

    Args:
        candidates: predicted cases.
        strategy: one of `STRATEGIES`.
        seed: of the strategy `random`.
        diverse: whether the first `DIVERSE_COUNT` are chosen to be unlike one another, see `diversified`.
        chosen: descriptors of the cases that a person has looked at already, to which they shall be unlike as well.

    Raises:
        ValueError: no such strategy, or two candidates of one name.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"there is no strategy '{strategy}': choose one of {', '.join(STRATEGIES)}")
    # By name from here on, so that ties, and the rounding of sums, do not depend on the order that came.
    by_name = sorted(candidates, key=lambda candidate: candidate.name)
    twice = [name for name, count in Counter(candidate.name for candidate in by_name).items() if count > 1]
    if twice:
        raise ValueError(f"two candidates are called '{twice[0]}'")
    values = STRATEGIES[strategy](by_name, seed)
    why = reasons(by_name, strategy)
    if diverse:
        groups = [candidate.group for candidate in by_name]
        features = _features(by_name)
        taken = [descriptor for descriptor in chosen if len(descriptor) == features.shape[1]]
        order = diversified(values, features, groups, DIVERSE_COUNT, taken or None).tolist()
        described = np.all(np.isfinite(features), axis=1)
        special = reasons_for_diversity(groups, values, described, order[:DIVERSE_COUNT], FIRST)
    else:
        order = np.argsort(-values, kind="stable").tolist()
        special = {}
    plain = values.tolist()
    return tuple(
        Ranked(by_name[index].name, position, plain[index], special.get(index, why[index]))
        for position, index in enumerate(order, start=1)
    )


def _features(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """Descriptors (n, d) of the commonest length d > 0; NaN for cases without one or with one of another length.

    Lengths differ where another version of the program made the descriptor; such numbers cannot be compared.
    """
    lengths = Counter(len(candidate.features) for candidate in candidates if candidate.features)
    # The longer of two equally common ones, lest the order of cases decide.
    length = max(lengths, key=lambda n: (lengths[n], n), default=0)
    if not length:
        return np.full((len(candidates), 1), np.nan)
    unknown = (np.nan,) * length
    rows = [candidate.features if len(candidate.features) == length else unknown for candidate in candidates]
    return np.array(rows, dtype=np.float64)
