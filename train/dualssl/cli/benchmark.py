"""`dualssl benchmark`: how fast prediction and training are on this machine, and how much memory they take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualssl.cli.console import progress_bar, say, show_table
from dualssl.cli.outputs import ready_file
from dualssl.dataset import read_case_list, read_dataset
from dualssl.errors import DatasetError

if TYPE_CHECKING:
    from dualssl.benchmarking.figure import Figure
    from dualssl.benchmarking.published_protocol import LabelledCases


def benchmark(
    output: Annotated[Path, typer.Option(help="JSON file for the figures.", show_default=False)],
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes and few repeats: minutes instead of an hour.")] = False,
    model: Annotated[
        Path | None, typer.Option(help="Model folder, for the Dice against the published protocol.", show_default=False)
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Dataset with labels, together with --model.", show_default=False)
    ] = None,
    cases: Annotated[
        str, typer.Option(help="Its cases: a file with one name a line, or a,b,c; minutes each.", show_default=False)
    ] = "",
) -> None:
    """Measure prediction and training on this machine's CPU, as ratios within one run, and compare with the targets."""
    subject = _labelled_cases(model, dataset, cases)

    from datetime import datetime, timezone

    from dualssl.benchmarking.machine import describe_machine
    from dualssl.benchmarking.suite import QUICK, SuiteSettings, record, sections
    from dualssl.files import write_json

    settings = QUICK if quick else SuiteSettings()
    created, machine = datetime.now(timezone.utc), describe_machine()
    parts = list(sections(settings, subject))
    figures: list[Figure] = []
    ready_file(output)
    # Written now, a path that cannot be written is found before the long part; and after every part, nothing gets lost.
    write_json(output, record(settings, machine, created, figures, complete=False))
    with progress_bar() as bar:
        task = bar.add_task("", total=len(parts), figures="")
        for done, (title, run) in enumerate(parts, start=1):
            bar.update(task, description=title)
            figures += run()
            bar.update(task, completed=done)
            write_json(output, record(settings, machine, created, figures, complete=done == len(parts)))
    show_figures(f"{machine['processor']}, {machine['threads_used']} threads", figures)
    say(f"Figures: {output}")


def show_figures(title: str, figures: list[Figure]) -> None:
    """Every figure with its target as a table."""
    rows = []
    for figure in figures:
        met = "" if figure.met is None else "met" if figure.met else "missed"
        rows.append([figure.name.replace("_", " "), f"{figure.value:.3f} {figure.unit}", str(figure.target or ""), met])
    show_table(title, ("", "value", "target", ""), rows)


def _labelled_cases(model: Path | None, dataset: Path | None, cases: str) -> LabelledCases | None:
    if model is None and dataset is None and not cases:
        return None
    if model is None or dataset is None or not cases:
        raise DatasetError("--model, --dataset and --cases belong together: give all three, or none of them.")
    data = read_dataset(dataset)
    names = read_case_list(cases, "--cases")
    data.check_cases(names, labelled=True, where="--cases")

    from dualssl.benchmarking.published_protocol import LabelledCases
    from dualssl.model.fit import check_fit
    from dualssl.model.folder import load_model

    networks, manifest = load_model(model)
    check_fit(manifest, data, DatasetError, "use data with the model's structures and channels")
    return LabelledCases(networks, manifest, data, names)
