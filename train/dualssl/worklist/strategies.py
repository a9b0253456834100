"""What makes a case worth a person's time. A strategy is one function: the value of each case, the highest first.

To add one, write the function and give it a name in `STRATEGIES`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualssl.worklist.ranks import mid_ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.worklist.candidate import Candidate

Strategy = Callable[[Sequence["Candidate"], int], "NDArray[np.float64]"]
"""Candidates (n) and a seed to values (n,); only `random_order` makes use of the seed."""


def random_order(candidates: Sequence[Candidate], seed: int) -> NDArray[np.float64]:
    """Chance, 0 to 1: what the other strategies have to be better than.

    The value follows from the seed and the case's name alone, so that finishing a case does not shuffle the others.
    """
    return np.array([_chance(seed, candidate.name) for candidate in candidates], dtype=np.float64)


def entropy_only(candidates: Sequence[Candidate], seed: int) -> NDArray[np.float64]:  # noqa: ARG001
    """Uncertainty of the mean prediction around the foreground, in proportion to the foreground."""
    return np.array([candidate.entropy for candidate in candidates], dtype=np.float64)


def disagreement(candidates: Sequence[Candidate], seed: int) -> NDArray[np.float64]:  # noqa: ARG001
    """1 - Dice between the two networks: 0 (they agree) to 1 (nothing in common, or nothing segmented)."""
    return 1.0 - np.array([candidate.agreement for candidate in candidates], dtype=np.float64)


def combined(candidates: Sequence[Candidate], seed: int) -> NDArray[np.float64]:  # noqa: ARG001
    """Mean of the ranks by entropy, by KL divergence and by disagreement, each 0 (least) to 1 (most).

    Ranks, because the three have scales of their own: no measure outweighs the others by its unit.
    """
    # Sums of ranks are exact, so that cases of equal standing stay equal; the one division comes last.
    ranks = (
        mid_ranks([candidate.entropy for candidate in candidates])
        + mid_ranks([candidate.kl for candidate in candidates])
        # Not of 1 - Dice, whose rounding would make tiny Dice values equal.
        + mid_ranks([-candidate.agreement for candidate in candidates])
    )
    return ranks / max(1, 3 * len(candidates))


STRATEGIES: dict[str, Strategy] = {
    "combined": combined,
    "entropy": entropy_only,
    "disagreement": disagreement,
    "random": random_order,
}
"""Strategies by the name that commands and settings use; the first is the default."""


def _chance(seed: int, name: str) -> float:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    # 53 bits are what a float64 between 0 and 1 holds exactly.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53
