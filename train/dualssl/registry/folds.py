"""Which cases are held out from training. Cases of one group (a patient) always stay together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from dualssl.errors import RegistryError


def folds(cases: Sequence[tuple[str, str]], k: int, seed: int = 0) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Split few cases k times, so that each is held out once.

    The same cases, k and seed give the same folds, in whatever order the cases come. Folds are of similar size: groups are
    dealt out from the largest to the smallest, each to the fold with the fewest cases so far.

    Args:
        cases: (name, group) of each.
        k: number of folds, at least 2 and at most the number of groups.
        seed: of the order of groups of one size.

    Returns:
        k pairs (train, held out) of names in alphabetical order.

    Raises:
        RegistryError: a case is named twice, or there are fewer than k groups.
    """
    groups = _by_group(cases)
    if not 2 <= k <= len(groups):
        raise RegistryError(
            f"{len(cases)} cases of {len(groups)} patients cannot be split into {k} folds: use at least 2 folds, and at least "
            "as many patients as folds."
        )
    held: list[list[str]] = [[] for _ in range(k)]
    for group in sorted(groups, key=lambda group: (-len(groups[group]), _place(group, seed))):
        min(held, key=len).extend(groups[group])
    names = {name for name, _ in cases}
    return [(tuple(sorted(names - set(out))), tuple(sorted(out))) for out in held]


def held_out(cases: Sequence[tuple[str, str]], share: float, seed: int = 0) -> tuple[str, ...]:
    """Choose cases to hold out among many, so that adding cases changes nothing for those that were there.

    A group is held out if a hash of its name falls below `share`. A case once held out therefore stays held out, with the same
    seed and a share that is not smaller. The share is met on average only: of few groups it can be none or all; use `folds`.

    Args:
        cases: (name, group) of each.
        share: of the groups, 0..1.
        seed: another one chooses others.

    Returns:
        Names in alphabetical order, perhaps none.

    Raises:
        RegistryError: a case is named twice, or the share is not in 0..1.
    """
    if not 0.0 <= share <= 1.0:
        raise RegistryError(f"A share of {share} cases cannot be held out: give a number from 0 to 1.")
    groups = _by_group(cases)
    chosen = [group for group in groups if _place(group, seed) < share]
    return tuple(sorted(name for group in chosen for name in groups[group]))


def _by_group(cases: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    seen: set[str] = set()
    for name, group in cases:
        if name in seen:
            raise RegistryError(f"Case '{name}' is listed twice: remove the repetition.")
        seen.add(name)
        groups.setdefault(group, []).append(name)
    return groups


def _place(group: str, seed: int) -> float:
    """Where a group lies in 0..1 (1 excluded): a number that only its name and the seed decide."""
    digest = hashlib.sha256(f"{seed}\n{group}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)
