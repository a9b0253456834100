"""The plots of a loop, in the style of the reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dualssl.learning_loop.summary import frozen_of, line_of
from dualssl.report.figures import GRID, drawing, label_text, legend_below, new_figure, run_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dualssl.learning_loop.plan import LoopPlan
    from dualssl.learning_loop.records import Kind, Record
    from dualssl.learning_loop.reviews import ReviewEfficiency

_FROZEN: dict[str, Any] = {"color": "#555555", "linestyle": (0, (1, 1.5)), "linewidth": 1.4}


def cases_figure(plan: LoopPlan, records: Sequence[Record]) -> Figure:
    """Two panels against the number of corrected cases: Dice (percent) on the validation cases and on the old ones.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        figure = new_figure(7.6, 3.5)
        panels = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.09, right=0.985, top=0.9, bottom=0.3, wspace=0.26)
        titles = ("Validation cases", "Cases that the model began with")
        # A training from scratch forgets nothing; its points would only flatten the others.
        shown = (records, [record for record in records if record.kind != "scratch"])
        for panel, measure, title, drawn in zip(panels, ("dice", "old_dice"), titles, shown, strict=True):
            _lines(panel, plan, drawn, "cases", measure)
            panel.set_title(title, loc="left")
            panel.set_ylabel("Dice (%)")
            panel.set_xlabel("corrected cases")
            panel.set_xticks([0, *plan.rounds])
        legend_below(figure, panels[0])
        return figure


def voxels_figure(plan: LoopPlan, records: Sequence[Record]) -> Figure:
    """Dice (percent) on the validation cases against the voxels that the reader changed, in thousands.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        figure = new_figure(4.6, 3.5)
        panel = figure.add_subplot()
        figure.subplots_adjust(left=0.145, right=0.97, top=0.9, bottom=0.3)
        _lines(panel, plan, records, "voxels", "dice")
        panel.set_title("Validation cases", loc="left")
        panel.set_ylabel("Dice (%)")
        panel.set_xlabel("voxels corrected (thousands)")
        legend_below(figure, panel)
        return figure


def review_figure(efficiency: ReviewEfficiency) -> Figure:
    """Three panels: Dice and share of errors found (percent) against regions reviewed, and what one click repairs.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        figure = new_figure(9.6, 3.2)
        panels = figure.subplots(1, 3)
        figure.subplots_adjust(left=0.065, right=0.985, top=0.87, bottom=0.17, wspace=0.3)
        curves = (
            (efficiency.dice, "Dice after correction", "Dice (%)"),
            (efficiency.errors_found, "Errors repaired", "share of all errors (%)"),
        )
        style = run_style(0)
        for panel, (values, title, label) in zip(panels, curves, strict=False):
            shown = [100 * value for value in values]
            panel.axvline(efficiency.mended, **_FROZEN)
            panel.plot(range(len(shown)), shown, color=style.color, marker=style.marker, markersize=3.5, clip_on=False)
            panel.annotate(
                "reader stops",
                (efficiency.mended, 0.03),
                xycoords=("data", "axes fraction"),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=8,
                color=_FROZEN["color"],
            )
            panel.set_title(title, loc="left")
            panel.set_ylabel(label)
            panel.set_xlabel(f"regions reviewed (mean of {efficiency.cases} reviews)")
            panel.set_xlim(0, max(len(shown) - 1, 1))
            panel.grid(**GRID)
            _whole_ticks(panel)
        panels[1].set_ylim(bottom=0)
        _clicks(panels[2], efficiency)
        return figure


def _lines(panel: Axes, plan: LoopPlan, records: Sequence[Record], against: str, measure: str) -> None:
    """A line for each order from the frozen model on, points for trainings from scratch, and the frozen model's level."""

    def points(line: Sequence[Record]) -> tuple[list[float], list[float]]:
        x = [record.cases if against == "cases" else record.voxels_corrected / 1000 for record in line]
        return x, [100 * float(getattr(record, measure)) for record in line]

    frozen = frozen_of(records)
    if frozen is not None:
        panel.axhline(100 * float(getattr(frozen, measure)), label="frozen model", zorder=1, **_FROZEN)
    for number, order in enumerate(plan.orders):
        style = run_style(number)
        name = label_text(f"fine-tuned, {order} order")
        line = line_of(records, order)
        panel.plot(
            *points(line),
            color=style.color,
            linestyle=style.dash,
            marker=style.marker,
            markersize=4.5,
            clip_on=False,
            zorder=3,
            label=name,
        )
        scratch = _trained(records, order, "scratch")
        if scratch:
            panel.plot(
                *points(scratch),
                color=style.color,
                linestyle="none",
                marker=style.marker,
                markerfacecolor="white",
                markersize=5.5,
                label=label_text(f"from scratch, {order} order"),
            )
    panel.set_xlim(left=0)
    panel.grid(**GRID)


def _trained(records: Sequence[Record], order: str, kind: Kind) -> tuple[Record, ...]:
    return tuple(record for record in line_of(records, order, kind) if record.kind == kind)


def _clicks(panel: Axes, efficiency: ReviewEfficiency) -> None:
    """Bars: share of the errors inside the mended regions that a click removes; below 0 where it makes more."""
    names = ("always\ntake A", "always\ntake B", "best of\nA, B, mean")
    shares = (efficiency.click_a, efficiency.click_b, efficiency.click_best)
    colors = ("#7FB8D8", "#E8A97A", run_style(0).color)
    values = [0.0 if share is None else 100 * share for share in shares]
    panel.bar(range(len(names)), values, color=colors, width=0.62, zorder=3)
    for place, (value, share) in enumerate(zip(values, shares, strict=True)):
        panel.annotate(
            "none" if share is None else f"{value:.1f}",
            (place, value),
            xytext=(0, 3 if value >= 0 else -3),
            textcoords="offset points",
            ha="center",
            va="bottom" if value >= 0 else "top",
            weight="bold",
        )
    panel.axhline(0, color="black", linewidth=0.8, zorder=4)
    panel.margins(y=0.15)
    panel.set_xticks(range(len(names)), names)
    panel.set_title("One click in each region", loc="left")
    panel.set_ylabel("errors there repaired (%)")
    panel.grid(axis="y", **GRID)


def _whole_ticks(panel: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    panel.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
