"""`dualssl train`: from a dataset to a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualssl.cli.choices import DeviceName
from dualssl.cli.console import progress_bar, say, show_training
from dualssl.cli.outputs import refuse_file
from dualssl.dataset import read_case_list, read_dataset
from dualssl.errors import TrainingError

if TYPE_CHECKING:
    from dualssl.training.progress import TrainingProgress


def train(
    dataset: Annotated[Path, typer.Argument(help="Folder with images/, labels/ and dataset.json.", show_default=False)],
    labelled: Annotated[str, typer.Option(help="Cases whose labels are used: a file with one name a line, or a,b,c.")],
    output: Annotated[Path, typer.Option(help="Folder of the run; the model is left in its model/.")],
    unlabelled: Annotated[str, typer.Option(help="Cases used without labels. [default: all others]")] = "",
    validation: Annotated[str, typer.Option(help="Cases to score the learning curve on; never trained on.")] = "",
    preset: Annotated[str, typer.Option(help="Recipe: supervised, paper_code, paper, strong, ...")] = "strong",
    iterations: Annotated[int | None, typer.Option(help="Optimiser steps. [default: the preset's]", show_default=False)] = None,
    patch: Annotated[str, typer.Option(help="Sides k,j,i in voxels, multiples of 16. [default: from the data]")] = "",
    spacing: Annotated[str, typer.Option(help="Resample to mm k,j,i; coarser is faster. [default: the cases' median]")] = "",
    batch: Annotated[
        int | None, typer.Option(help="Patches a step, half labelled. [default: the preset's]", show_default=False)
    ] = None,
    width: Annotated[int, typer.Option(help="Base width of both networks: 16 full, 8 compact.")] = 16,
    dropout: Annotated[
        float | None,
        typer.Option(help="Share of feature maps dropped. [default: 0.5, below width 16 none]", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides weights, patches and dropout.")] = 1,
    device: Annotated[DeviceName, typer.Option(help="Where to train.")] = DeviceName.auto,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --output.")] = False,
    without: Annotated[list[str] | None, typer.Option(help="Leave out a term or part of the preset; repeatable.")] = None,
    weight: Annotated[
        list[str] | None, typer.Option(help="Set a term's weight, TERM=NUMBER; also adds one. Repeatable.")
    ] = None,
    validate_every: Annotated[int | None, typer.Option(help="Iterations between validations. [default: a tenth]")] = None,
    name: Annotated[str, typer.Option(help="Name of the model. [default: the dataset's]")] = "",
) -> None:
    """Train the pair of networks on a few labelled and many unlabelled cases."""
    refuse_file(output)
    data = read_dataset(dataset)
    labelled_cases = read_case_list(labelled, "--labelled")
    unlabelled_cases = read_case_list(unlabelled, "--unlabelled") if unlabelled else None
    validation_cases = read_case_list(validation, "--validation") if validation else ()

    from dualssl.training.request import TrainingRequest
    from dualssl.training.run import TrainingRun

    request = TrainingRequest(
        labelled=labelled_cases,
        unlabelled=unlabelled_cases,
        validation=validation_cases,
        preset=preset,
        without=tuple(without or ()),
        weights=tuple(weight or ()),
        iterations=iterations,
        spacing=_millimetres(spacing) if spacing else None,
        patch=sides_of(patch) if patch else None,
        batch=batch,
        width=width,
        seed=seed,
        validate_every=validate_every,
        name=name or None,
        dropout=dropout,
    )
    fingerprint, config = request.resolve(data)
    with progress_bar() as bar:
        task = bar.add_task(f"{preset} ", total=config.iterations, figures="opening the cases")

        def show(progress: TrainingProgress) -> None:
            show_training(bar, task, progress)

        run = TrainingRun(data, fingerprint, config, output, device.value, show)
        model = run.execute(resume)
    say(f"Model: {model}")


def sides_of(text: str) -> tuple[int, int, int]:
    """Three whole numbers k,j,i from the text of an option."""
    try:
        k, j, i = (int(part) for part in text.split(","))
    except ValueError:
        raise TrainingError(f"--patch {text}: give three whole numbers k,j,i, for instance 80,112,112.") from None
    return k, j, i


def _millimetres(text: str) -> tuple[float, float, float]:
    try:
        k, j, i = (float(part) for part in text.split(","))
    except ValueError:
        raise TrainingError(f"--spacing {text}: give three numbers k,j,i in mm, for instance 1.25,1.25,1.25.") from None
    if not min(k, j, i) > 0:
        raise TrainingError(f"--spacing {text}: every spacing must be above 0 mm.")
    return k, j, i
