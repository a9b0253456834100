"""What a part of a recipe is worth: runs with and without it at one budget, over the same seeds and cases. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from dualssl.errors import TrainingError
from dualssl.registry.paired import sign_flip_p
from dualssl.report.runs import FIGURES, FinishedRun, Variant

_SIGNS_SEED = 1


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over seeds (n - 1 in the denominator); None for the latter with one seed."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None)


@dataclass(frozen=True)
class Difference:
    """A variant less the one it is compared with, over the seeds that both have.

    Attributes:
        against: what it is compared with.
        seeds: that both have.
        dice: mean difference of Dice in points (percent).
        by_seed: the same for each seed.
        cases_better, cases_worse: of the mean over seeds.
        p_wilcoxon: two-sided signed-rank test over cases, each the mean over its seeds (Wilcoxon 1945, Biometrics Bulletin
            1(6), 80-83); None if no case differs.
        p_sign_flip: two-sided paired permutation test of the mean over the same values, see `dualssl.registry.paired`.
    """

    against: str
    seeds: tuple[int, ...]
    dice: float
    by_seed: tuple[float, ...]
    cases_better: int
    cases_worse: int
    p_wilcoxon: float | None
    p_sign_flip: float


@dataclass(frozen=True)
class VariantResult:
    """All runs of a variant.

    Attributes:
        variant: what was trained.
        seeds: of its runs.
        figures: by segmentation and figure, over seeds.
        difference: from what it is compared with, or None for the reference and where no seed is common.
    """

    variant: Variant
    seeds: tuple[int, ...]
    figures: dict[str, dict[str, Spread]]
    difference: Difference | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "variant": str(self.variant),
            "seeds": list(self.seeds),
            "figures": {
                key: {name: asdict(spread) for name, spread in spreads.items()} for key, spreads in self.figures.items()
            },
            "difference": None if self.difference is None else asdict(self.difference),
        }


def compare_variants(runs: Sequence[FinishedRun], reference: Variant) -> tuple[VariantResult, ...]:
    """Each variant over its seeds: one that leaves something out against its full preset, another preset against `reference`.

    Args:
        runs: all of one budget.
        reference: what full presets are compared with.

    Returns:
        The reference first and each full preset before its variants, by name.

    Raises:
        TrainingError: budgets differ, or a variant has two runs of one seed.
    """
    check_budget(runs)
    by_variant: dict[Variant, dict[int, FinishedRun]] = {}
    for run in runs:
        seeds = by_variant.setdefault(run.variant, {})
        if run.seed in seeds:
            raise TrainingError(
                f"Runs '{seeds[run.seed].name}' and '{run.name}' are of one variant and seed: leave one of them out."
            )
        seeds[run.seed] = run
    results = []
    for variant, seeds in sorted(by_variant.items(), key=lambda item: _place(item[0], reference)):
        other = variant.full if variant != variant.full else reference
        against = by_variant.get(other) if other != variant else None
        results.append(
            VariantResult(
                variant,
                tuple(sorted(seeds)),
                _figures(list(seeds.values())),
                None if against is None else difference_of(str(other), seeds, against),
            )
        )
    return tuple(results)


def check_budget(runs: Sequence[FinishedRun]) -> None:
    """See that all runs had the same budget.

    Raises:
        TrainingError: they had not; the message names two runs and what differs.
    """
    for run in runs[1:]:
        differing = [f.name for f in fields(run.budget) if getattr(run.budget, f.name) != getattr(runs[0].budget, f.name)]
        if differing:
            raise TrainingError(
                f"Runs '{runs[0].name}' and '{run.name}' differ in {', '.join(differing)}: compare only runs of one budget."
            )


def difference_of(against: str, ours: dict[int, FinishedRun], theirs: dict[int, FinishedRun]) -> Difference | None:
    """How two variants differ, seed by seed and case by case; None where they have no seed in common."""
    seeds = tuple(sorted(set(ours) & set(theirs)))
    if not seeds:
        return None
    cases = ours[seeds[0]].budget.scored
    table = np.array([[100 * (ours[s].dice_by_case[c] - theirs[s].dice_by_case[c]) for c in cases] for s in seeds])
    of_case = table.mean(axis=0)
    return Difference(
        against=against,
        seeds=seeds,
        dice=float(of_case.mean()),
        by_seed=tuple(float(v) for v in table.mean(axis=1)),
        cases_better=int(np.count_nonzero(of_case > 0)),
        cases_worse=int(np.count_nonzero(of_case < 0)),
        p_wilcoxon=_wilcoxon(of_case),
        p_sign_flip=sign_flip_p(of_case, _SIGNS_SEED),
    )


def least_p(cases: int) -> float:
    """The least p that either test can give for so many cases: all of them differ to the same side."""
    return 2.0 ** (1 - cases)


def _place(variant: Variant, reference: Variant) -> tuple[bool, str, bool, str]:
    return variant.preset != reference.preset, variant.preset, variant != variant.full, str(variant)


def _figures(runs: Sequence[FinishedRun]) -> dict[str, dict[str, Spread]]:
    return {key: {name: Spread.of([run.scores[key][name] for run in runs]) for name in FIGURES} for key in runs[0].scores}


def _wilcoxon(differences: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    if not np.any(differences):
        return None
    # Imported here: it takes longer than all else of this package.
    from scipy import stats

    return float(stats.wilcoxon(differences).pvalue)
