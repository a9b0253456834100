"""The gate: is a new model version better than its parent? Pure data in, pure data out; NumPy only.

A child is `better`, and may be proposed, only when its gain in Dice is proved and no guard is broken. It is `worse` when a
loss is proved or a guard is broken, else `not proved`.

Bootstrapping three cases proves nothing: their resamples have ten distinct means, none beyond the worst and the best of the
three, so that three small gains by chance give an interval above 0; and of 2^3 signs two are as one-sided as can be, so that
no test can give a p below 0.25. With fewer than `GateRules.few_cases` cases there is therefore no interval. A gain then
counts as proved if no case is worse and the mean gain is one that matters, a loss if no case is better and the mean loss is as
large. That is a rule of prudence, not of statistics.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from dualssl.errors import RegistryError
from dualssl.registry.paired import bootstrap_interval, sign_flip_p
from dualssl.registry.scores import ScoredSet
from dualssl.registry.verdict import Decision, PairedDifference, RuleResult, SetComparison, StructureComparison, Verdict

# Limits are decimal fractions, differences of figures are not exact: a fall by just the limit is within it.
_ROUNDING = 1e-9

_MEAN = "mean"

# Where a model is worse that breaks the rule of this name.
_WHERE = {
    "gain": "in Dice",
    "structures": "in a structure",
    "HD95": "in HD95",
    "calibration": "in calibration",
    "reference": "on the reference set",
}


@dataclass(frozen=True)
class GateRules:
    """The limits. Dice and ECE are fractions: 0.01 is one point.

    Attributes:
        few_cases: with fewer held-out cases than this there is no interval; see the module. At least 2.
        least_gain: mean gain in Dice that counts with few cases.
        structure_loss: a structure's mean Dice may fall by this much.
        hd95_growth, hd95_growth_mm: the mean HD95 may grow by this share of the parent's or by this many mm, whichever is more.
        ece_growth: the expected calibration error may grow by this much.
        reference_loss: the mean Dice on the reference set may fall by this much; more is forgetting.
        confidence: of the intervals.
        resamples: of the bootstrap.
        seed: of the bootstrap and of random signs.

    Raises:
        RegistryError: a limit is out of its range.
    """

    few_cases: int = 5
    least_gain: float = 0.005
    structure_loss: float = 0.01
    hd95_growth: float = 0.10
    hd95_growth_mm: float = 1.0
    ece_growth: float = 0.02
    reference_loss: float = 0.003
    confidence: float = 0.95
    resamples: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        limits = (self.structure_loss, self.hd95_growth, self.hd95_growth_mm, self.ece_growth, self.reference_loss)
        if not all(math.isfinite(limit) and limit >= 0.0 for limit in limits) or not 0.0 < self.least_gain <= 1.0:
            raise RegistryError("A limit of the gate is negative or not finite: give 0 or more, and a least gain above 0.")
        if self.few_cases < 2 or self.resamples < 1000 or not 0.5 <= self.confidence < 1.0 or self.seed < 0:
            raise RegistryError(
                "The gate needs few_cases of at least 2, at least 1000 resamples, a confidence from 0.5 to below 1 and a seed "
                "of 0 or more: change the one that is not."
            )


def judge(
    parent: ScoredSet,
    child: ScoredSet,
    reference: tuple[ScoredSet, ScoredSet] | None = None,
    rules: GateRules | None = None,
) -> Verdict:
    """Compare a child with its parent.

    Args:
        parent, child: both on the same held-out cases, which neither was trained on.
        reference: parent and child on the fixed reference set, if there is one.
        rules: the limits; the defaults if None.

    Raises:
        RegistryError: parent and child were not scored on the same cases, structures or dataset, or only one was calibrated.
    """
    chosen = rules or GateRules()
    held_out = compare_sets(parent, child, chosen)
    on_reference = compare_sets(*reference, chosen) if reference is not None else None
    results = (
        _gain(held_out, _case_differences(parent, child), chosen),
        _structures(held_out, chosen),
        _hd95(held_out, chosen),
        _calibration(held_out, parent.calibration is not None, chosen),
        _reference(on_reference, chosen),
    )
    decision = _decide(results)
    return Verdict(
        decision=decision,
        reason=_reason(decision, results),
        parent=parent.model,
        child=child.model,
        rules=results,
        held_out=held_out,
        reference=on_reference,
        settings=asdict(chosen),
    )


def compare_sets(parent: ScoredSet, child: ScoredSet, rules: GateRules) -> SetComparison:
    """The figures of two models on the same cases, their differences, intervals and tests.

    Raises:
        RegistryError: as `judge`.
    """
    _check_pair(parent, child)
    names = tuple(sorted(parent.case_names))
    columns = (_MEAN, *parent.structure_names)
    before, after = (_figures(scored, names, parent.structure_names) for scored in (parent, child))
    differences = after - before
    ends = (
        bootstrap_interval(differences, rules.confidence, rules.resamples, rules.seed)
        if len(names) >= rules.few_cases
        else None
    )

    def paired(column: int) -> PairedDifference:
        return PairedDifference(
            parent=float(before[:, column].mean()),
            child=float(after[:, column].mean()),
            difference=float(differences[:, column].mean()),
            low=float(ends[0][column]) if ends else None,
            high=float(ends[1][column]) if ends else None,
            p=sign_flip_p(differences[:, column], rules.seed),
        )

    compared = tuple(StructureComparison(name, paired(n), paired(n + len(columns))) for n, name in enumerate(columns))
    return SetComparison(
        dataset=parent.dataset or child.dataset,
        cases=names,
        mean=compared[0],
        structures=compared[1:],
        ece_parent=parent.calibration.ece if parent.calibration else None,
        ece_child=child.calibration.ece if child.calibration else None,
    )


def _check_pair(parent: ScoredSet, child: ScoredSet) -> None:
    ours, theirs = set(parent.case_names), set(child.case_names)
    if ours != theirs:
        case = min(ours ^ theirs)
        scored, unscored = ("parent", "child") if case in ours else ("child", "parent")
        raise RegistryError(
            f"Case '{case}' was scored for the {scored} but not for the {unscored}: evaluate both models on the same cases."
        )
    if set(parent.structure_names) != set(child.structure_names):
        raise RegistryError(
            f"The parent was scored on {', '.join(parent.structure_names)}, the child on {', '.join(child.structure_names)}: "
            "only models of the same structures can be compared."
        )
    if parent.dataset and child.dataset and parent.dataset != child.dataset:
        raise RegistryError(
            f"The parent was scored on dataset '{parent.dataset}', the child on '{child.dataset}': evaluate both on one."
        )
    if (parent.calibration is None) != (child.calibration is None):
        lacking = "parent" if parent.calibration is None else "child"
        raise RegistryError(f"The {lacking}'s scores lack a calibration, the other's have one: evaluate both the same way.")


def _figures(scored: ScoredSet, cases: tuple[str, ...], structures: tuple[str, ...]) -> NDArray[np.float64]:
    """Rows are `cases`; columns: mean Dice, Dice of each of `structures`, mean HD95, HD95 of each."""
    by_name = {case.name: {s.name: (s.dice, s.hd95) for s in case.structures} for case in scored.cases}
    figures = np.array([[by_name[case][name] for name in structures] for case in cases], dtype=np.float64)
    with_mean = np.concatenate([figures.mean(axis=1, keepdims=True), figures], axis=1)
    return np.concatenate([with_mean[..., 0], with_mean[..., 1]], axis=1)


def _case_differences(parent: ScoredSet, child: ScoredSet) -> NDArray[np.float64]:
    """Child minus parent of each case's mean Dice (cases,)."""
    cases, structures = parent.case_names, parent.structure_names
    return _figures(child, cases, structures)[:, 0] - _figures(parent, cases, structures)[:, 0]


def _gain(held_out: SetComparison, differences: NDArray[np.float64], rules: GateRules) -> RuleResult:
    """Whether Dice is better or worse beyond chance; `differences` are the cases' own."""
    dice = held_out.mean.dice
    changes = f"mean Dice changes by {_points(dice.difference)} points on {_count(len(differences), 'held-out case')}"
    if dice.low is None or dice.high is None:
        gained = bool(differences.min() >= -_ROUNDING) and dice.difference >= rules.least_gain - _ROUNDING
        lost = bool(differences.max() <= _ROUNDING) and dice.difference <= _ROUNDING - rules.least_gain
        detail = (
            f"{changes}, too few for an interval: {int((differences > _ROUNDING).sum())} better, "
            f"{int((differences < -_ROUNDING).sum())} worse; a gain needs {_points(rules.least_gain)} and no worse case"
        )
    else:
        gained, lost = dice.low > _ROUNDING, dice.high < -_ROUNDING
        detail = f"{changes} ({100 * rules.confidence:g} % interval {_points(dice.low)} to {_points(dice.high)})"
    return RuleResult("gain", "held" if gained else "broken" if lost else "not proved", detail)


def _structures(held_out: SetComparison, rules: GateRules) -> RuleResult:
    worst = min(held_out.structures, key=lambda structure: structure.dice.difference)
    detail = (
        f"'{worst.name}' changes least favourably, by {_points(worst.dice.difference)} points of Dice; "
        f"{_points(-rules.structure_loss)} is allowed"
    )
    return _guard("structures", worst.dice.difference >= -rules.structure_loss - _ROUNDING, detail)


def _hd95(held_out: SetComparison, rules: GateRules) -> RuleResult:
    hd95 = held_out.mean.hd95
    allowed = max(rules.hd95_growth * hd95.parent, rules.hd95_growth_mm)
    detail = f"mean HD95 changes by {hd95.difference:+.2f} mm from {hd95.parent:.2f} mm; {allowed:+.2f} mm is allowed"
    return _guard("HD95", hd95.difference <= allowed + _ROUNDING, detail)


def _calibration(held_out: SetComparison, measured: bool, rules: GateRules) -> RuleResult:
    before, after = held_out.ece_parent, held_out.ece_child
    if not measured:
        return RuleResult("calibration", "not assessed", "calibration was not measured")
    if before is None:
        return RuleResult("calibration", "not assessed", "the parent segmented nothing, so it has no calibration")
    if after is None:
        return RuleResult("calibration", "broken", "the child segmented nothing, so it has no calibration")
    detail = f"ECE changes by {after - before:+.3f} from {before:.3f}; {rules.ece_growth:+.3f} is allowed"
    return _guard("calibration", after - before <= rules.ece_growth + _ROUNDING, detail)


def _reference(reference: SetComparison | None, rules: GateRules) -> RuleResult:
    if reference is None:
        return RuleResult("reference", "not assessed", "no reference set was given")
    dice = reference.mean.dice
    detail = (
        f"mean Dice changes by {_points(dice.difference)} points on {_count(len(reference.cases), 'reference case')}; "
        f"{_points(-rules.reference_loss)} is allowed"
    )
    return _guard("reference", dice.difference >= -rules.reference_loss - _ROUNDING, detail)


def _guard(name: str, held: bool, detail: str) -> RuleResult:
    return RuleResult(name, "held" if held else "broken", detail)


def _decide(results: tuple[RuleResult, ...]) -> Decision:
    if any(result.outcome == "broken" for result in results):
        return "worse"
    # The gain comes first and is the only rule that can be not proved.
    return "better" if results[0].outcome == "held" else "not proved"


def _reason(decision: Decision, results: tuple[RuleResult, ...]) -> str:
    gain = results[0].detail
    if decision == "better":
        return f"Better: {gain}, and no guard is broken."
    if decision == "not proved":
        return f"Not proved: {gain}."
    broken = "; ".join(f"{_WHERE[result.name]} ({result.detail})" for result in results if result.outcome == "broken")
    return f"Worse {broken}."


def _points(fraction: float) -> str:
    """A difference in Dice, 0..1, as points with a sign."""
    # Without adding 0, a difference that rounds to nothing could read -0.00.
    return f"{round(100.0 * fraction, 2) + 0.0:+.2f}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
