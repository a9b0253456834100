"""One temperature for all cases, from how likely each case's labels are at several, and whether it helps on other cases.

Temperature scaling after Guo et al. 2017 (On Calibration of Modern Neural Networks, arXiv 1706.04599): logits are divided by
one number T before the softmax, chosen such that the true labels of validation cases become most probable, that is, their
negative log-likelihood least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_CASES = 2

TEMPERATURES: tuple[float, ...] = tuple(float(t) for t in 2.0 ** (np.arange(-16, 25) / 8.0))
"""Where the likelihood is looked at: 0.25 to 8 in steps of 9 %. Between them it is a smooth curve with one valley."""


@dataclass(frozen=True, eq=False)
class LikelihoodTable:
    """Negative log-likelihood of cases at several temperatures.

    Attributes:
        temperatures: (t,), positive and rising.
        nll: (cases, t), mean over a case's voxels, nats.
    """

    temperatures: NDArray[np.float64]
    nll: NDArray[np.float64]

    @classmethod
    def of(cls, temperatures: Sequence[float], rows: Sequence[Sequence[float]]) -> LikelihoodTable:
        """From one row of values for each case.

        Raises:
            ValueError: fewer than `FEWEST_CASES` rows or three temperatures, rows of another length, or numbers that are not
                finite.
        """
        t, nll = np.asarray(temperatures, dtype=np.float64), np.asarray(rows, dtype=np.float64)
        if nll.ndim != 2 or nll.shape[0] < FEWEST_CASES or nll.shape[1] != t.size or t.size < 3:
            raise ValueError(f"a table of shape {nll.shape} at {t.size} temperatures cannot be fitted")
        if not (np.all(np.isfinite(nll)) and np.all(t > 0) and np.all(np.diff(t) > 0)):
            raise ValueError("likelihoods must be finite, temperatures positive and rising")
        return cls(t, nll)

    def at(self, case: int, temperature: float) -> float:
        """The NLL of a case at any temperature: on the parabola (over log T) through the three nearest entries."""
        x, at = np.log(self.temperatures), float(np.log(temperature))
        middle = int(np.clip(np.abs(x - at).argmin(), 1, x.size - 2))
        near, values = x[middle - 1 : middle + 2], self.nll[case, middle - 1 : middle + 2]
        # Lagrange's form.
        shares = [np.prod([(at - o) / (n - o) for o in near if o != n]) for n in near]
        return float(np.dot(shares, values))

    def best(self, cases: NDArray[np.bool_] | None = None) -> float:
        """The temperature at which the mean NLL of the cases is least: each case counts alike, however large.

        Args:
            cases: which (n,); all if None.

        Returns:
            The lowest point of the parabola (over log T) through the lowest entry and its neighbours; an end of the table
            where the lowest entry is there.
        """
        mean = (self.nll if cases is None else self.nll[cases]).mean(axis=0)
        lowest = int(mean.argmin())
        x = np.log(self.temperatures)
        if lowest in (0, x.size - 1):
            return float(self.temperatures[lowest])
        a, b, c = mean[lowest - 1 : lowest + 2]
        left, right = x[lowest] - x[lowest - 1], x[lowest + 1] - x[lowest]
        # Vertex of the parabola through three points that need not be equally far apart.
        above, below = left**2 * (c - b) - right**2 * (a - b), left * (c - b) + right * (a - b)
        return float(np.exp(x[lowest] - (above / below / 2.0 if below > 0 else 0.0)))


@dataclass(frozen=True)
class TemperatureFit:
    """A temperature and what it brings.

    Attributes:
        temperature: fitted on all cases.
        before: the temperature in use until now.
        nll_before, nll_after: mean over the cases that it was fitted on, nats.
        held_out: NLL of each case at the temperature that the *other* cases give.
        held_out_before: NLL of each case at `before`.
    """

    temperature: float
    before: float
    nll_before: float
    nll_after: float
    held_out: tuple[float, ...]
    held_out_before: tuple[float, ...]

    @property
    def helps(self) -> bool:
        """Whether the mean NLL of cases that had no say in the temperature is lower than before."""
        return float(np.mean(self.held_out)) < float(np.mean(self.held_out_before))

    @property
    def cases_better(self) -> int:
        """Number of held-out cases with a lower NLL than before."""
        return sum(after < before for after, before in zip(self.held_out, self.held_out_before, strict=True))


def fit_temperature(table: LikelihoodTable, before: float = 1.0) -> TemperatureFit:
    """Fit one temperature to all cases, and to all but each one in turn.

    Args:
        table: of the cases.
        before: the temperature in use until now.
    """
    count = len(table.nll)
    temperature = table.best()
    folds = [table.best(np.arange(count) != case) for case in range(count)]
    now = tuple(table.at(case, before) for case in range(count))
    return TemperatureFit(
        temperature=temperature,
        before=before,
        nll_before=float(np.mean(now)),
        nll_after=float(np.mean([table.at(case, temperature) for case in range(count)])),
        held_out=tuple(table.at(case, fold) for case, fold in enumerate(folds)),
        held_out_before=now,
    )
