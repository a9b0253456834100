"""The report's tables: settings, runs, results, uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dualssl.report.markup import Cell, Row, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dualssl.metrics.case_metrics import SegmentationScores
    from dualssl.report.contents import ReportRun

UNKNOWN = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

_MAPS = {
    "entropy": "entropy",
    "kl": "KL divergence",
    "js": "Jensen-Shannon divergence",
    "disagreement": "different labels",
}


def settings_table(settings: Mapping[str, object]) -> str:
    """What was set, one row each."""
    rows = [Row(name, (Cell(_value(value)),)) for name, value in settings.items()]
    return table("Settings.", ("Setting", "Value"), rows)


def runs_table(runs: Sequence[ReportRun]) -> str:
    """What each run was."""
    rows = []
    for run in runs:
        iterations = max((int(record.get("iteration", 0)) for record in run.records), default=0)
        rows.append(
            Row(
                run.name,
                (
                    Cell(run.preset),
                    Cell(str(iterations) if iterations else UNKNOWN, number=True),
                    Cell(duration(run.seconds), number=True),
                    Cell(run.manifest.id),
                ),
            )
        )
    return table("The trained models.", ("Run", "What it did", "Iterations", "Training time", "Model"), rows)


def results_table(runs: Sequence[ReportRun]) -> str:
    """Dice, HD95 and ASSD of both networks' mean, and of each network."""
    figures: tuple[tuple[str, Callable[[SegmentationScores], float], float, bool], ...] = (
        ("Dice (%)", lambda s: 100 * s.dice, 2, True),
        ("HD95 (mm)", lambda s: s.hd95, 2, False),
        ("ASSD (mm)", lambda s: s.assd, 2, False),
    )
    means = [run.evaluation.mean() for run in runs]
    best = [(max if higher else min)(round(get(mean), 2) for mean in means) for _, get, _, higher in figures]
    rows = []
    for run, mean in zip(runs, means, strict=True):
        for key, heading in (("mean", run.name), ("network_a", "network A alone"), ("network_b", "network B alone")):
            scores = mean if key == "mean" else run.evaluation.mean(key)
            values = [get(scores) for _, get, _, _ in figures]
            marks = [key == "mean" and len(runs) > 1 and round(v, 2) == b for v, b in zip(values, best, strict=True)]
            cells = tuple(Cell(f"{v:.2f}", number=True, best=mark) for v, mark in zip(values, marks, strict=True))
            rows.append(Row(heading, cells, part=key != "mean"))
    count = len(runs[0].evaluation.cases)
    return table(
        f"Means over {count} {'case' if count == 1 else 'cases'} not used for training. A run's own row is the mean of its "
        "two networks' probabilities. Dice: overlap with the truth, 100 % is perfect. HD95 and ASSD: largest (but for 5 %) "
        "and mean distance of the surfaces, 0 is perfect.",
        ("Run", *(name for name, *_ in figures)),
        rows,
    )


def structures_table(runs: Sequence[ReportRun]) -> str:
    """Dice of each structure; empty text if there is only one."""
    names = runs[0].manifest.labels.names
    if len(names) < 2:
        return ""
    rows = []
    for run in runs:
        cells = []
        for name in names:
            values = [s.scores.dice for c in run.evaluation.cases for s in c.scores["mean"].structures if s.name == name]
            cells.append(Cell(percent(_mean(values), 2), number=True))
        rows.append(Row(run.name, tuple(cells)))
    return table("Dice of each structure in percent, mean over the cases.", ("Run", *names), rows)


def uncertainty_table(runs: Sequence[ReportRun]) -> str:
    """How well each map finds errors."""
    rows = []
    for run in runs:
        maps: Mapping[str, Any] = run.evaluation.uncertainty()["maps"]
        rows.append(Row(run.name, (Cell("", True), Cell("", True), Cell("", True))))
        for key, name in _MAPS.items():
            figures = [maps[key][figure] for figure in ("auroc", "auprc", "errors_in_top_5_percent")]
            rows.append(Row(name, tuple(Cell(percent(v, 1), number=True) for v in figures), part=True))
    return table(
        "How well each map points at the errors, in percent, in and around the segmentation. A dash: no case has an error.",
        ("Map", "AUROC", "AUPRC", "Errors in the top 5 %"),
        rows,
    )


def calibration_table(runs: Sequence[ReportRun]) -> str:
    """Calibration, error rate and ranking of cases."""
    rows = []
    for run in runs:
        data = run.evaluation.uncertainty()
        rank = data["spearman_with_dice"]
        values = [percent(data["error_rate"], 1), percent(data["calibration"]["ece"], 1)]
        values += [signed(rank[key]) for key in ("entropy", "kl", "network_dice")]
        rows.append(Row(run.name, tuple(Cell(v, number=True) for v in values)))
    return table(
        "Errors, confidence, and whether the uncertainty of a whole case tells how good its segmentation is.",
        ("Run", "Wrong voxels (%)", "ECE (%)", "Rank: entropy", "Rank: KL", "Rank: A against B"),
        rows,
    )


def percent(value: float | None, digits: int) -> str:
    """A share of 0..1 in percent, without the sign; a dash if unknown."""
    return UNKNOWN if value is None else f"{100 * value:.{digits}f}"


def signed(value: float | None) -> str:
    """A correlation; a dash if unknown."""
    return UNKNOWN if value is None else f"{value:+.2f}".replace("-", MINUS)


def duration(seconds: float) -> str:
    """A time for people: `4 s`, `12 min 5 s`, `3 h 20 min`; a dash if 0."""
    whole = round(seconds)
    if whole <= 0:
        return UNKNOWN if seconds <= 0 else "under 1 s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None


def _value(value: object) -> str:
    return ", ".join(str(v) for v in value) if isinstance(value, (list, tuple)) else str(value)
