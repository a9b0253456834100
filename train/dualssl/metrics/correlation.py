"""Does a case's score tell how good its segmentation is?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_CASES = 3


def spearman(scores: Sequence[float], dices: Sequence[float]) -> float | None:
    """Spearman's rank correlation of case scores with the true Dice, -1..1; ties share their mean rank.

    A score of uncertainty that tells good cases from bad ones gives a value near -1.

    Returns:
        The coefficient, or None where it says nothing: fewer than three cases, or all scores or all Dice alike.

    Raises:
        ValueError: not as many scores as Dice values, or one of them is not finite.
    """
    x, y = np.asarray(scores, dtype=float), np.asarray(dices, dtype=float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"{x.size} scores for {y.size} values of Dice")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError("a score or a Dice is not finite")
    if x.size < FEWEST_CASES or np.all(x == x[0]) or np.all(y == y[0]):
        return None
    # Imported here: it takes longer than all else that a front end needs of this package.
    from scipy import stats

    return float(stats.spearmanr(x, y).statistic)
