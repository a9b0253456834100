"""Is a difference between two models more than chance? Interval and test for the same cases scored twice. NumPy only.

The interval is the expanded percentile bootstrap of Hesterberg (2015, The American Statistician 69(4), 371-386).
The plain percentile interval and BCa (Efron 1987, JASA 82, 171-185) are both too narrow for the few cases that a department
corrects: for normal differences without any true gain, their lower end lay above 0 in about 8 % of samples of 5 cases and
6 % of 12, instead of the 2.5 % they promise. The expanded interval takes percentiles further out, so that for means of normal
data it agrees with Student's t: 4 % and 3 %. Where differences are skewed because a few cases fail, all are too narrow, and
BCa's correction for skew overtakes the expansion only beyond 12 cases (at 5 cases 18 % against 13 %). For many cases all agree.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_UP_TO = 12
"""Cases up to which all 2^n signs are tried."""

_RANDOM_FLIPS = 10_000
_BLOCK_NUMBERS = 1 << 20


def bootstrap_interval(
    differences: NDArray[np.float64], confidence: float, resamples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of the mean of each column, from resampling rows (cases).

    Args:
        differences: child minus parent (cases, figures); at least two cases.
        confidence: such as 0.95.
        resamples: number of bootstrap samples.
        seed: of the resampling; all columns share the samples.

    Returns:
        Lower and upper ends, (figures,) each.

    Raises:
        ValueError: fewer than two cases.
    """
    cases = len(differences)
    if cases < 2:
        raise ValueError("one case has no spread to resample")
    means = _resampled_means(differences, resamples, seed)
    tail = expanded_tail(cases, confidence)
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return low, high


def expanded_tail(cases: int, confidence: float) -> float:
    """Share of bootstrap means beyond each end: Phi(-sqrt(n / (n - 1)) t), t of n - 1 degrees of freedom (Hesterberg 2015)."""
    t = student_quantile(0.5 + confidence / 2.0, cases - 1)
    return NormalDist().cdf(-math.sqrt(cases / (cases - 1)) * t)


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t for a probability of 0.5 or more; `freedom` degrees of freedom, at least 1."""
    low, high = 0.0, 1.0
    while _student_centre(high, freedom) < 2.0 * probability - 1.0:
        high *= 2.0
    # Each step halves the bracket: 200 are more than double precision can tell apart.
    for _ in range(200):
        middle = (low + high) / 2.0
        if _student_centre(middle, freedom) < 2.0 * probability - 1.0:
            low = middle
        else:
            high = middle
    return high


def _student_centre(t: float, freedom: int) -> float:
    """P(|T| < t), closed form for whole degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0
    for power in range(1 if odd else 0, freedom - 1, 2):
        total += term
        term *= cosine * cosine * (power + 1) / (power + 2)
    return 2.0 / math.pi * (angle + sine * total) if odd else sine * total


def sign_flip_p(differences: NDArray[np.float64], seed: int) -> float:
    """Two-sided p of the paired permutation test: how often a mean this far from 0 arises when signs are random.

    Without a difference between two models, which of them had the better score in a case is a coin's toss (Fisher 1935, The
    Design of Experiments, chapter 3). All signs are tried for up to `EXACT_UP_TO` cases, else 10,000 random ones, among which
    the observed one counts (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9(1), 39).

    Args:
        differences: child minus parent, (cases,).
        seed: of the random signs.
    """
    cases = len(differences)
    # Sums of the same numbers in another order differ in their last digits, and a tie must count as one.
    limit = abs(float(differences.sum())) - 1e-9 * float(np.abs(differences).sum())
    if cases <= EXACT_UP_TO:
        bits = np.arange(1 << cases)[:, None] >> np.arange(cases) & 1
        return float(np.mean(np.abs((1.0 - 2.0 * bits) @ differences) >= limit))
    generator = np.random.default_rng(seed)
    as_far = 0
    for rows in _blocks(_RANDOM_FLIPS, cases):
        signs = 1.0 - 2.0 * generator.integers(0, 2, (rows, cases))
        as_far += int(np.count_nonzero(np.abs(signs @ differences) >= limit))
    return (as_far + 1) / (_RANDOM_FLIPS + 1)


def _resampled_means(differences: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Means of cases drawn with replacement (resamples, figures)."""
    cases = len(differences)
    generator = np.random.default_rng(seed)
    share = np.full(cases, 1.0 / cases)
    means = [generator.multinomial(cases, share, size=rows) @ differences / cases for rows in _blocks(resamples, cases)]
    return np.concatenate(means)


def _blocks(rows: int, columns: int) -> list[int]:
    """Numbers of rows that add up to `rows`, each block small enough to hold in memory."""
    most = max(1, _BLOCK_NUMBERS // columns)
    return [min(most, rows - start) for start in range(0, rows, most)]
