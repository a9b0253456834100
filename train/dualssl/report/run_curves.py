"""Learning curves of finished runs: one panel for long runs, one for the variants of an ablation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualssl.report.figures import GRID, drawing, label_text, new_figure, run_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dualssl.report.runs import FinishedRun, Variant

_DOTS = "none"


def runs_figure(runs: Sequence[FinishedRun]) -> Figure:
    """Validation Dice (percent) in the course of each run: the mean of both networks as a line, each network as dots.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        figure = new_figure(6.4, 3.6)
        panel = figure.add_subplot()
        figure.subplots_adjust(left=0.1, right=0.97, top=0.9, bottom=0.3)
        for number, run in enumerate(runs):
            style = run_style(number)
            steps = [point.iteration for point in run.curve]
            panel.plot(
                steps,
                [100 * point.dice for point in run.curve],
                color=style.color,
                linestyle=style.dash,
                marker=style.marker,
                markersize=4,
                label=label_text(f"{run.name}: mean of both"),
            )
            for marker, name in (("1", "dice_a"), ("2", "dice_b")):
                values = [100 * float(getattr(point, name)) for point in run.curve]
                label = label_text(f"{run.name}: network {name[-1].upper()}")
                panel.plot(
                    steps, values, color=style.color, linestyle=_DOTS, marker=marker, markersize=6, alpha=0.8, label=label
                )
        _finish(panel, "Validation Dice, on the networks' grid, nothing removed")
        _legend(figure, panel, 3)
        return figure


def variants_figure(runs: Sequence[FinishedRun]) -> Figure:
    """Validation Dice (percent): a panel for the full presets, and one for each preset with its variants.

    A line is the mean over seeds, dots at its end are the seeds.

    Raises:
        OutputError: matplotlib is not installed.
    """
    groups: dict[Variant, list[FinishedRun]] = {}
    for run in sorted(runs, key=lambda run: str(run.variant)):
        groups.setdefault(run.variant, []).append(run)
    full = [variant for variant in groups if variant == variant.full]
    families = [[v for v in groups if v.full == preset] for preset in dict.fromkeys(v.full for v in groups)]
    shown = [("Full presets", full)] + [(str(family[0].full), family) for family in families if family != [family[0].full]]
    with drawing():
        figure = new_figure(max(4.2, 3.3 * len(shown)), 4.2)
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        width = figure.get_figwidth()
        figure.subplots_adjust(left=0.62 / width, right=1 - 0.1 / width, top=0.92, bottom=0.4, wspace=0.08)
        for panel, (title, variants) in zip(panels, shown, strict=True):
            for number, variant in enumerate(variants):
                _variant_line(panel, number, variant, groups[variant])
            _finish(panel, title)
            panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=7.5, handlelength=3.2, labelspacing=0.3)
        for panel in panels[1:]:
            panel.set_ylabel("")
        return figure


def _variant_line(panel: Axes, number: int, variant: Variant, runs: Sequence[FinishedRun]) -> None:
    style = run_style(number)
    steps, values = zip(*(mean_curve(runs) or [(0, float("nan"))]), strict=True)
    label = label_text(f"{variant}, {len(runs)} {'seed' if len(runs) == 1 else 'seeds'}")
    panel.plot(
        steps,
        [100 * value for value in values],
        color=style.color,
        linestyle=style.dash,
        marker=style.marker,
        markersize=4.5,
        label=label,
    )
    ends = [100 * run.curve[-1].dice for run in runs if run.curve]
    panel.plot([steps[-1] * (1.03 + 0.025 * number)] * len(ends), ends, color=style.color, linestyle=_DOTS, marker=".")


def mean_curve(runs: Sequence[FinishedRun]) -> list[tuple[int, float]]:
    """Iteration and mean Dice (0..1) where every run has a validation."""
    tables = [{point.iteration: point.dice for point in run.curve} for run in runs]
    common = sorted(set.intersection(*(set(table) for table in tables))) if tables else []
    return [(step, float(np.mean([table[step] for table in tables]))) for step in common]


def _finish(panel: Axes, title: str) -> None:
    panel.set_title(title, loc="left")
    panel.set_ylabel("Dice (%)")
    panel.set_xlabel("iteration")
    panel.set_xlim(left=0)
    panel.grid(**GRID)


def _legend(figure: Figure, panel: Axes, columns: int) -> None:
    handles, names = panel.get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=columns, fontsize=7.5, handlelength=3.2, labelspacing=0.3)
