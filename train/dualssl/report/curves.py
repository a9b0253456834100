"""Curves and dots: learning, Dice of each case, gain of review, reliability."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.report.figures import GRID, drawing, label_text, legend_below, new_figure, run_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dualssl.report.contents import ReportRun

_MOST_POINTS = 60


def points_of(records: Sequence[Mapping[str, Any]], kind: str, key: str) -> list[tuple[int, float]]:
    """Iteration and value of every record of `kind` that has a finite number for `key`."""
    found = [(r["iteration"], r.get(key)) for r in records if r.get("kind") == kind]
    return [(int(n), float(v)) for n, v in found if isinstance(v, (int, float)) and math.isfinite(v)]


def learning_figure(runs: Sequence[ReportRun]) -> Figure:
    """Two panels: Dice on the validation cases (percent) and training loss, both against iterations.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        figure = new_figure(9.0, 3.4)
        dice, loss = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.07, right=0.985, top=0.9, bottom=0.24, wspace=0.2)
        for number, run in enumerate(runs):
            _line(dice, number, [(n, 100 * v) for n, v in points_of(run.records, "validation", "dice")])
            _line(loss, number, _thinned(points_of(run.records, "train", "loss")), marked=False)
        dice.set_title("Validation Dice", loc="left")
        dice.set_ylabel("Dice (%)")
        loss.set_title("Training loss", loc="left")
        loss.set_ylabel("loss")
        loss.set_ylim(bottom=min(0.0, loss.get_ylim()[0]))
        for panel in (dice, loss):
            panel.set_xlabel("iteration")
            panel.set_xlim(left=0)
            panel.grid(**GRID)
            if not panel.lines:
                panel.text(0.5, 0.5, "not recorded", transform=panel.transAxes, ha="center", va="center")
        _runs_legend(figure, runs)
        return figure


def dice_figure(runs: Sequence[ReportRun]) -> Figure:
    """Dice (percent, mean over structures) of every case, run by run; a line joins the dots of one case.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        figure = new_figure(max(4.5, 1.6 + 1.5 * len(runs)), 3.4)
        panel = figure.add_subplot()
        tracks: dict[str, list[tuple[float, float]]] = {}
        for number, run in enumerate(runs):
            style = run_style(number)
            values = [100 * case.scores["mean"].mean.dice for case in run.evaluation.cases]
            places = number + _spread(values)
            for case, x, y in zip(run.evaluation.cases, places, values, strict=True):
                tracks.setdefault(case.name, []).append((float(x), y))
            panel.plot(places, values, style.marker, color=style.color, markersize=5, alpha=0.85, zorder=3)
            panel.plot([number - 0.3, number + 0.3], [np.mean(values)] * 2, color="black", linewidth=1.8, zorder=4)
            panel.annotate(
                f"{np.mean(values):.1f}",
                (number + 0.32, float(np.mean(values))),
                va="center",
                fontsize=9,
                weight="bold",
            )
        for track in tracks.values():
            panel.plot(*zip(*track, strict=True), color="#B0B0B0", linewidth=0.7, zorder=2)
        panel.set_xlim(-0.5, len(runs) - 0.4)
        panel.set_xticks(range(len(runs)), [_wrapped(run.name) for run in runs])
        panel.set_ylabel("Dice (%)")
        panel.grid(axis="y", **GRID)
        figure.subplots_adjust(left=0.75 / figure.get_figwidth(), right=0.985, top=0.96, bottom=0.13)
        return figure


def review_figure(uncertainty: Mapping[str, Any]) -> Figure:
    """Two panels against the share of voxels reviewed: Dice after correction, and errors found (both percent).

    Args:
        uncertainty: `Evaluation.uncertainty()`; its curves of entropy and KL are drawn.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        figure = new_figure(6.6, 3.3)
        panels = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.105, right=0.97, top=0.9, bottom=0.29, wspace=0.3)
        entropy = uncertainty["maps"]["entropy"]["review_curve"]
        kl = uncertainty["maps"]["kl"]["review_curve"]
        orders: tuple[tuple[str, dict[str, Any], str, str], ...] = (
            ("errors first (best possible)", entropy["oracle"], "#000000", ":"),
            ("highest entropy first", entropy["by_uncertainty"], "#0072B2", "-"),
            ("highest KL first", kl["by_uncertainty"], "#D55E00", "--"),
            ("no order", entropy["random"], "#777777", "-."),
        )
        share = 100 * np.asarray(entropy["fractions"])
        for panel, key, title in zip(panels, ("dice", "errors_found"), ("Dice after correction", "Errors found"), strict=True):
            for name, gain, color, dash in orders:
                panel.plot(share, 100 * np.asarray(gain[key]), color=color, linestyle=dash, label=name, linewidth=1.7)
            panel.set_title(title, loc="left")
            panel.set_ylabel("Dice (%)" if key == "dice" else "share of all errors (%)")
            panel.set_xlabel("voxels reviewed (%)")
            panel.set_xlim(0, 100)
            panel.grid(**GRID)
        legend_below(figure, panels[0])
        return figure


def reliability_figure(calibration: Mapping[str, Any]) -> Figure:
    """Share of right voxels against the networks' confidence, and below it how many voxels have that confidence.

    Args:
        calibration: `Reliability.to_json()`.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        figure = new_figure(3.3, 3.3)
        panel, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.4, 1])
        figure.subplots_adjust(left=0.2, right=0.93, top=0.9, bottom=0.14, hspace=0.12)
        edges = 100 * np.asarray(calibration["edges"])
        voxels = np.asarray(calibration["voxels"], dtype=float)
        filled = [
            (100 * c, 100 * a) for c, a in zip(calibration["confidence"], calibration["accuracy"], strict=True) if c is not None
        ]
        panel.plot([0, 100], [0, 100], color="#777777", linestyle="-.", linewidth=1.2, label="ideal")
        if filled:
            panel.plot(*zip(*filled, strict=True), "o-", color="#0072B2", markersize=4, linewidth=1.5, label="networks")
        panel.legend(loc="upper left", fontsize=8.5)
        panel.set_title("Reliability", loc="left")
        panel.set_ylabel("right (%)")
        panel.set_ylim(0, 102)
        panel.set_xlim(0, 100)
        panel.grid(**GRID)
        below.bar(
            edges[:-1],
            100 * voxels / max(voxels.sum(), 1),
            width=np.diff(edges),
            align="edge",
            color="#7FB8D8",
            edgecolor="white",
        )
        below.set_ylabel("voxels (%)")
        below.set_xlabel("confidence (%)")
        return figure


def _line(panel: Axes, number: int, points: list[tuple[int, float]], marked: bool = True) -> None:
    if not points:
        return
    style = run_style(number)
    marker = style.marker if marked or len(points) == 1 else ""
    panel.plot(*zip(*points, strict=True), color=style.color, linestyle=style.dash, marker=marker, markersize=4, linewidth=1.6)


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Means of blocks of neighbours, so that single batches do not hide the course."""
    size = math.ceil(len(points) / _MOST_POINTS) if points else 1
    blocks = [points[n : n + size] for n in range(0, len(points), size)]
    return [(round(float(np.mean([n for n, _ in b]))), float(np.mean([v for _, v in b]))) for b in blocks]


def _runs_legend(figure: Figure, runs: Sequence[ReportRun]) -> None:
    from matplotlib.lines import Line2D

    lines = []
    for number in range(len(runs)):
        style = run_style(number)
        lines.append(Line2D([], [], color=style.color, linestyle=style.dash, marker=style.marker, markersize=4))
    figure.legend(lines, [label_text(run.name) for run in runs], loc="lower center", ncols=min(len(runs), 3), handlelength=3)


def _spread(values: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Sideways shifts (n,) that keep dots of similar height apart; the same for the same values."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.array([-0.12, 0.04, -0.04, 0.12])[ranks % 4]


def _wrapped(name: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(label_text(name, 30), 15)) or name
