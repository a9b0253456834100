"""Summary and plots from the files of a loop; can be made anew at any time, also while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.benchmarking.machine import describe_machine
from dualssl.files import atomic_write, write_json
from dualssl.learning_loop.loop import PLAN, RESULTS
from dualssl.learning_loop.plan import LoopPlan
from dualssl.learning_loop.plots import cases_figure, review_figure, voxels_figure
from dualssl.learning_loop.records import Record, Results, damaged, read_object
from dualssl.learning_loop.reviews import read_reviews, review_efficiency
from dualssl.learning_loop.summary import Check, checks, summary
from dualssl.report.figures import png_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUMMARY = "summary.json"
CASES_PLOT = "dice_by_cases.png"
VOXELS_PLOT = "dice_by_voxels.png"
REVIEW_PLOT = "review_efficiency.png"


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes:
        records: all of them.
        checks: the promised figures.
        files: summary and plots.
    """

    records: tuple[Record, ...]
    checks: tuple[Check, ...]
    files: tuple[Path, ...]


def publish(output: Path) -> Published:
    """Write `summary.json` and the plots of the loop in `output`.

    Raises:
        TrainingError: a file of the loop is missing or damaged.
        OutputError: matplotlib is not installed, or nothing can be written.
    """
    try:
        plan = LoopPlan.from_json(read_object(output / PLAN))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(output / PLAN) from error
    records = Results(output / RESULTS).records()
    reviews = read_reviews(output, plan.orders)
    write_json(output / SUMMARY, summary(plan, records, reviews, describe_machine()))
    figures: dict[str, Figure] = {
        CASES_PLOT: cases_figure(plan, records),
        VOXELS_PLOT: voxels_figure(plan, records),
    }
    efficiency = review_efficiency(reviews, plan.reader.regions)
    if efficiency is not None:
        figures[REVIEW_PLOT] = review_figure(efficiency)
    for name, figure in figures.items():
        with atomic_write(output / name) as temporary:
            temporary.write_bytes(png_bytes(figure))
    files = (output / SUMMARY, *(output / name for name in figures))
    return Published(records, checks(plan, records), files)
