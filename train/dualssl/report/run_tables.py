"""Finished runs as Markdown tables and as one JSON record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dualssl.report.ablation import Difference, Spread, VariantResult, least_p
from dualssl.report.runs import FinishedRun

_SEGMENTATIONS = {"mean": "mean", "network_a": "A", "network_b": "B"}
_PERCENT = ("dice", "jaccard")
_UNKNOWN = "-"


def runs_table(runs: Sequence[FinishedRun]) -> str:
    """Every run: what it was, and its figures for the mean of both networks and for each."""
    heads = ("run", "preset", "labels", "seed", "iterations", "width", "spacing mm", "batch", "device", "hours", "")
    lines = _head((*heads, "Dice %", "Jaccard %", "HD95 mm", "ASSD mm"))
    for run in runs:
        budget = run.budget
        facts = (
            f"`{run.name}`",
            str(run.variant),
            str(len(budget.labelled)),
            str(run.seed),
            str(budget.iterations),
            str(budget.width),
            "own" if not budget.spacing else " x ".join(f"{v:g}" for v in budget.spacing[::-1]),
            str(run.batch),
            run.device,
            _UNKNOWN if run.hours is None else f"{run.hours:.2f}",
        )
        for key, name in _SEGMENTATIONS.items():
            shown = facts if key == "mean" else ("",) * len(facts)
            figures = [f"{_scaled(figure, value):.2f}" for figure, value in run.scores[key].items()]
            lines.append(_row((*shown, name, *figures)))
    return "\n".join(lines) + "\n"


def variants_table(results: Sequence[VariantResult], cases: int) -> str:
    """Every variant over its seeds, and how it differs from what it is compared with.

    Args:
        results: from `compare_variants`.
        cases: number of scored cases, for the note on the tests.
    """
    heads = ("variant", "seeds", "Dice %", "A", "B", "Jaccard %", "HD95 mm", "ASSD mm")
    compared = ("compared with", "Dice, points", "by seed", "cases better / worse", "p (Wilcoxon)", "p (sign flips)")
    lines = _head((*heads, *compared))
    for result in results:
        of_mean = result.figures["mean"]
        networks = [_spread("dice", result.figures[key]["dice"]) for key in ("network_a", "network_b")]
        rest = [_spread(name, of_mean[name]) for name in ("jaccard", "hd95", "assd")]
        cells = (str(result.variant), str(len(result.seeds)), _spread("dice", of_mean["dice"]), *networks, *rest)
        lines.append(_row((*cells, *_difference(result.difference))))
    compared_variants = sum(result.difference is not None for result in results)
    note = (
        f"Mean and standard deviation over seeds. Differences: over the seeds that both have, then over the {cases} cases. "
        f"Both tests are two-sided, over the cases, each the mean of its seeds: with {cases} cases p cannot be below "
        f"{least_p(cases):.3g}. Of {compared_variants} comparisons without any true difference about "
        f"{0.05 * compared_variants:.1f} have p below 0.05."
    )
    return "\n".join(lines) + f"\n\n{note}\n"


def record(
    runs: Sequence[FinishedRun], ablation: Sequence[FinishedRun], results: Sequence[VariantResult], left_out: Sequence[str]
) -> dict[str, Any]:
    """Everything as plain data.

    Args:
        runs: that stand alone.
        ablation: of one budget.
        results: what follows from the ablation.
        left_out: names of runs that are not finished or not scored.
    """
    return {
        "runs": [run.to_json() for run in runs],
        "ablation": {
            "runs": [run.to_json() for run in ablation],
            "variants": [result.to_json() for result in results],
            "left_out": list(left_out),
        },
    }


def _difference(difference: Difference | None) -> tuple[str, ...]:
    if difference is None:
        return ("",) * 6
    return (
        difference.against,
        f"{difference.dice:+.2f}",
        ", ".join(f"{value:+.2f}" for value in difference.by_seed),
        f"{difference.cases_better} / {difference.cases_worse}",
        _UNKNOWN if difference.p_wilcoxon is None else f"{difference.p_wilcoxon:.3f}",
        f"{difference.p_sign_flip:.3f}",
    )


def _spread(figure: str, spread: Spread) -> str:
    mean = f"{_scaled(figure, spread.mean):.2f}"
    return mean if spread.deviation is None else f"{mean} ± {_scaled(figure, spread.deviation):.2f}"


def _scaled(figure: str, value: float) -> float:
    return 100 * value if figure in _PERCENT else value


def _head(cells: Sequence[str]) -> list[str]:
    return [_row(cells), "|" + "---|" * len(cells)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
