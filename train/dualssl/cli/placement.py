"""`dualssl models placement`: a model that learned from crops, on larger volumes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualssl.cli.choices import DeviceName
from dualssl.cli.console import progress_bar, say, show_table
from dualssl.cli.outputs import ready_file
from dualssl.dataset import read_case_list, read_dataset
from dualssl.errors import DatasetError
from dualssl.evaluation.placing import FILLS, Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dualssl.evaluation.placement import PlacementRow, PlacementScore


def placement(
    model: Annotated[Path, typer.Argument(help="Model folder.", show_default=False)],
    dataset: Annotated[Path, typer.Argument(help="Folder with images/, labels/ and dataset.json.", show_default=False)],
    output: Annotated[Path, typer.Option(help="JSON file for the figures.", show_default=False)],
    cases: Annotated[str, typer.Option(help="Cases: a file with one name a line, or a,b,c. [default: all]")] = "",
    pads: Annotated[str, typer.Option(help="How far volumes reach beyond the crop, mm.")] = "32,64",
    fills: Annotated[str, typer.Option(help="What is around it: edge, mirror, noise.")] = "edge,mirror,noise",
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
) -> None:
    """Place cases into larger volumes and score the model there: whole, and in regions around the crop."""
    data = read_dataset(dataset)
    names = read_case_list(cases, "--cases") if cases else data.cases()
    data.check_cases(names, labelled=True, where="--cases" if cases else str(dataset))
    millimetres, chosen = _millimetres(pads), _fills(fills)
    from dualssl.model.folder import load_model, verify_model

    # All that can be known without torch, which takes seconds to import, is asked before.
    verify_model(model)
    ready_file(output)

    from dualssl.evaluation.placement import count_scores, placement_rows, placement_scores
    from dualssl.files import write_json
    from dualssl.prediction.predictor import PredictionSettings

    networks, manifest = load_model(model, verify=False)
    settings = PredictionSettings(device=device.value)
    total = count_scores(len(names), millimetres, chosen)
    scores: list[PlacementScore] = []
    with progress_bar() as bar:
        task = bar.add_task("placing", total=total, figures="")

        def keep(score: PlacementScore) -> None:
            # What takes an hour is not lost when it is stopped before its end.
            if scores and scores[-1].case != score.case:
                write_json(output, _record(manifest.id, data.name, scores, complete=False))
            scores.append(score)
            bar.update(task, completed=len(scores), figures=f"{score.case}: Dice {100 * score.dice:.2f}")

        placement_scores(networks, manifest, data, names, settings, millimetres, chosen, keep)
    write_json(output, _record(manifest.id, data.name, scores, complete=True))
    show_placement(f"{manifest.name}: {len(names)} cases", placement_rows(scores))
    say(f"Figures: {output}")


def show_placement(title: str, rows: Sequence[PlacementRow]) -> None:
    """The means as a table; volumes are named by how far they reach beyond the crop, in mm, and what is around it."""
    columns = ("volume", "predicted", "Dice %", "lost", "worst", "HD95 mm", "z-scores")
    cells = [
        [
            "crop" if row.pad_mm == 0 else f"+{row.pad_mm:g} {row.fill}",
            row.view.replace(" statistics", "").replace(" volume", ""),
            f"{100 * row.dice:.1f}",
            f"{100 * row.lost:.1f}",
            f"{100 * row.worst:.1f}",
            f"{row.hd95:.1f}",
            f"x{row.contrast:.2f}{row.shift:+.2f}",
        ]
        for row in rows
    ]
    show_table(title, columns, cells)


def _record(model: str, dataset: str, scores: Sequence[PlacementScore], complete: bool) -> dict[str, Any]:
    from dualssl.evaluation.placement import placement_rows

    return {
        "model": model,
        "dataset": dataset,
        "complete": complete,
        "rows": [asdict(row) for row in placement_rows(scores)],
        "scores": [asdict(score) for score in scores],
    }


def _millimetres(text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise DatasetError(f"--pads {text}: give distances in mm, for instance 32,64.") from None
    if not all(0 < value <= 1000 for value in values):
        raise DatasetError(f"--pads {text}: give distances above 0 and up to 1000 mm.")
    return values


def _fills(text: str) -> tuple[Fill, ...]:
    wanted = [part.strip() for part in text.split(",")]
    found = tuple(fill for fill in FILLS if fill in wanted)
    if len(found) != len(wanted):
        raise DatasetError(f"--fills {text}: choose among {', '.join(FILLS)}, each once.")
    return found
