"""`dualssl models calibrate` and `dualssl models release`: from a trained model to one that can be passed on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualssl.cli.choices import DeviceName
from dualssl.cli.console import progress_bar, say
from dualssl.cli.outputs import ready_file
from dualssl.dataset import read_case_list, read_dataset


def calibrate(
    model: Annotated[Path, typer.Argument(help="Model folder.", show_default=False)],
    dataset: Annotated[Path, typer.Argument(help="Folder with images/, labels/ and dataset.json.", show_default=False)],
    cases: Annotated[str, typer.Option(help="At least two, not trained on: a file with one name a line, or a,b,c.")],
    output: Annotated[Path, typer.Option(help="JSON file for the temperature, which `release` takes.", show_default=False)],
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
) -> None:
    """Fit a temperature to labelled cases, and keep it only if it also helps on cases that it was not fitted to."""
    data = read_dataset(dataset)
    names = read_case_list(cases, "--cases")
    data.check_cases(names, labelled=True, where="--cases")
    from dualssl.model.folder import load_model, verify_model

    # All that can be known without torch, which takes seconds to import, is asked before.
    verify_model(model)
    ready_file(output)

    from dualssl.evaluation.temperature import calibrate_model
    from dualssl.files import write_json
    from dualssl.prediction.predictor import PredictionSettings, Predictor

    networks, manifest = load_model(model, verify=False)
    predictor = Predictor(networks, manifest, PredictionSettings(device=device.value))
    with progress_bar() as bar:
        task = bar.add_task("calibrating", total=len(names), figures="")

        def show(done: int, case: str) -> None:
            bar.update(task, completed=done, figures=case)

        report = calibrate_model(predictor, data, names, show)
    write_json(output, {"model": manifest.id, "dataset": data.name, **report.to_json()})
    say(report.verdict)
    if report.ece_before is not None and report.ece_after is not None:
        say(f"Expected calibration error: {report.ece_before:.4f} before, {report.ece_after:.4f} after")
    say(f"Temperature: {output}")


def release(
    model: Annotated[Path, typer.Argument(help="Model folder.", show_default=False)],
    output: Annotated[Path, typer.Option(help="Model folder to make; must not exist.", show_default=False)],
    evaluation: Annotated[
        Path | None, typer.Option(help="File that `evaluate` wrote for this model: figures of the card.", show_default=False)
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="File that `models calibrate` wrote for this model.", show_default=False)
    ] = None,
    name: Annotated[str, typer.Option(help="For people. [default: the model's]", show_default=False)] = "",
    data: Annotated[str, typer.Option(help="What it was trained on, in words.", show_default=False)] = "",
    authors: Annotated[str, typer.Option(help="Of the weights.", show_default=False)] = "",
    copyright_: Annotated[str, typer.Option("--copyright", help="Of the weights.", show_default=False)] = "",
    licence: Annotated[str, typer.Option(help="Of the weights, such as Apache-2.0.", show_default=False)] = "",
    citation: Annotated[list[str] | None, typer.Option(help="To name by who uses it; repeatable.")] = None,
    limit: Annotated[list[str] | None, typer.Option(help="What it does not do well; repeatable.")] = None,
) -> None:
    """Write a copy of a model to pass on: half the size, its temperature, and a card with figures, limits and licence."""
    from datetime import datetime, timezone

    from dualssl.model.integrity import verify_model
    from dualssl.model.release import ReleaseNotes, read_object, release_model

    measured = read_object(evaluation) if evaluation else None
    fitted = read_object(calibration) if calibration else None
    notes = ReleaseNotes(name, data, authors, copyright_, licence, tuple(citation or ()), tuple(limit or ()))
    released = release_model(model, output, notes, datetime.now(timezone.utc), measured, fitted)
    say(f"{released.id}: {verify_model(output).size / 1e6:.1f} MB in {output}")
