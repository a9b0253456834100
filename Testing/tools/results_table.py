"""Tables and learning curves of finished training runs: `results.json`, `results.md` and pictures in a folder.

Run folders are those of `dualssl train`, with `evaluation.json` of `dualssl evaluate` in them. May be run again at any time:
runs that are not finished or not scored are named and left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dualssl.errors import DualSSLError
from dualssl.files import atomic_write, write_json
from dualssl.report.ablation import VariantResult, compare_variants
from dualssl.report.curves import reliability_figure, review_figure
from dualssl.report.figures import png_bytes
from dualssl.report.run_curves import runs_figure, variants_figure
from dualssl.report.run_tables import record, runs_table, variants_table
from dualssl.report.runs import EVALUATION, FinishedRun, Variant, is_scored, read_run

RESULTS, TABLE = "results.json", "results.md"
RUNS_PICTURE, VARIANTS_PICTURE = "learning_curves.png", "ablation_curves.png"


def write_results(output: Path, runs: Sequence[FinishedRun], ablation: Sequence[FinishedRun], left_out: Sequence[str]) -> None:
    """Write the record, the tables and the pictures; files that there is nothing for are left as they are.

    Args:
        output: folder, created if need be.
        runs: that stand alone, such as the one that ships.
        ablation: of one budget.
        left_out: names of runs that are not finished or not scored.

    Raises:
        TrainingError: the runs of the ablation are not of one budget.
        OutputError: nothing can be written, or matplotlib is not installed.
    """
    results: tuple[VariantResult, ...] = compare_variants(ablation, Variant("strong"))
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / RESULTS, record(runs, ablation, results, left_out))
    parts = ["# Runs\n\nMade by `make left-atrium-results`; do not edit.\n"]
    if runs:
        parts.append(f"{runs_table(runs)}\n![Learning curves]({RUNS_PICTURE})\n")
        _draw(output / RUNS_PICTURE, png_bytes(runs_figure(runs)))
    if ablation:
        cases = len(ablation[0].budget.scored)
        parts.append(f"## Ablation\n\n{variants_table(results, cases)}\n![Ablation]({VARIANTS_PICTURE})\n")
        parts.append(f"## Runs of the ablation\n\n{runs_table(ablation)}")
        _draw(output / VARIANTS_PICTURE, png_bytes(variants_figure(ablation)))
    if left_out:
        parts.append(f"Not finished or not scored, and left out: {', '.join(f'`{name}`' for name in left_out)}.\n")
    with atomic_write(output / TABLE) as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8", newline="\n")


def draw_uncertainty(folder: Path, output: Path) -> None:
    """Draw how well a run's uncertainty finds its errors, and its calibration: `NAME_review.png` and `NAME_reliability.png`.
    Nothing where that was not measured.

    Args:
        folder: of a run that was scored.
        output: folder for the pictures, which is there.

    Raises:
        OutputError: nothing can be written, or matplotlib is not installed.
    """
    uncertainty = json.loads((folder / EVALUATION).read_text(encoding="utf-8")).get("uncertainty")
    if uncertainty is None:
        return
    _draw(output / f"{folder.name}_review.png", png_bytes(review_figure(uncertainty)))
    _draw(output / f"{folder.name}_reliability.png", png_bytes(reliability_figure(uncertainty["calibration"])))


def read_runs(folders: Sequence[Path]) -> tuple[list[FinishedRun], list[str]]:
    """The finished runs in these folders, and the names of the others."""
    found = [read_run(folder) for folder in folders if is_scored(folder)]
    return found, [folder.name for folder in folders if not is_scored(folder)]


def _draw(path: Path, png: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(png)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, write the files and say what was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, action="append", default=[], help="folder of a run that stands alone; repeatable")
    parser.add_argument("--ablation", type=Path, help="folder of run folders of one budget")
    parser.add_argument("--output", type=Path, required=True, help="folder for the files")
    options = parser.parse_args(arguments)
    of_ablation = sorted(path for path in options.ablation.iterdir() if path.is_dir()) if options.ablation else []
    try:
        runs, unfinished = read_runs(options.run)
        ablation, more = read_runs(of_ablation)
        write_results(options.output, runs, ablation, [*unfinished, *more])
        for folder in options.run:
            if is_scored(folder):
                draw_uncertainty(folder, options.output)
    except DualSSLError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{len(runs)} runs and {len(ablation)} of the ablation in {options.output}\n")
    for name in (*unfinished, *more):
        sys.stdout.write(f"left out, not finished or not scored: {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
