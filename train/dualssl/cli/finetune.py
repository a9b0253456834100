"""`dualssl finetune`: continue training from corrected cases, and prove that it helped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualssl.cli.choices import DeviceName
from dualssl.cli.console import say, stage_bars
from dualssl.cli.models import show_verdict
from dualssl.cli.outputs import refuse_file
from dualssl.dataset import read_case_list, read_dataset
from dualssl.errors import TrainingError
from dualssl.model.integrity import verify_model

if TYPE_CHECKING:
    from dualssl.finetune.job import FineTuneOutcome


def finetune(
    model: Annotated[Path, typer.Argument(help="Folder of the model to go on from; it stays as it is.", show_default=False)],
    library: Annotated[Path, typer.Option(help="Case library with corrected cases.")],
    output: Annotated[Path, typer.Option(help="Folder of the run; the new model is left in its model/.")],
    cases: Annotated[str, typer.Option(help="Corrected cases to learn from. [default: all]")] = "",
    validation: Annotated[str, typer.Option(help="Corrected cases that only decide when to end.")] = "",
    replay: Annotated[
        Path | None, typer.Option(help="Dataset with the model's own labelled cases, against forgetting.", show_default=False)
    ] = None,
    replay_cases: Annotated[str, typer.Option(help="Cases of --replay. [default: those the model names]")] = "",
    reference: Annotated[
        Path | None, typer.Option(help="Dataset of labelled cases on which no loss is accepted.", show_default=False)
    ] = None,
    reference_cases: Annotated[str, typer.Option(help="Cases of --reference. [default: all]")] = "",
    registry: Annotated[
        Path | None, typer.Option(help="Registry that holds the model; the new one is added.", show_default=False)
    ] = None,
    iterations: Annotated[int, typer.Option(help="Optimiser steps.")] = 200,
    learning_rate: Annotated[float, typer.Option(help="At the start.")] = 2e-4,
    patch: Annotated[str, typer.Option(help="Sides k,j,i in voxels, multiples of 16. [default: the model's]")] = "",
    edit_weight: Annotated[float, typer.Option(help="Importance of a voxel that a person changed.")] = 3.0,
    seed: Annotated[int, typer.Option(help="Decides patches and dropout.")] = 1,
    without: Annotated[list[str] | None, typer.Option(help="Leave out a part of the recipe; repeatable.")] = None,
    no_proof: Annotated[bool, typer.Option("--no-proof", help="Only train: no comparison with the parent.")] = False,
    device: Annotated[DeviceName, typer.Option(help="Where to train.")] = DeviceName.auto,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the fine-tuning in --output.")] = False,
) -> None:
    """Continue semi-supervised training from corrected cases; the new model is compared with its parent."""
    from dualssl.cases.library import CaseLibrary
    from dualssl.cli.train import sides_of
    from dualssl.registry.versions import ModelRegistry

    refuse_file(output)
    verify_model(model)
    replay_data = read_dataset(replay) if replay is not None else None
    reference_data = read_dataset(reference) if reference is not None else None
    if reference_cases and reference is None:
        raise TrainingError("--reference-cases needs --reference: name the dataset that holds the cases.")
    versions = ModelRegistry.open(registry) if registry is not None else None
    with CaseLibrary.open(library) as opened:
        from dualssl.finetune.job import FineTuneJob, JobOptions
        from dualssl.finetune.plan import FineTuneSettings
        from dualssl.finetune.request import FineTuneRequest
        from dualssl.registry.compare import CaseSet

        request = FineTuneRequest(
            model=model,
            library=opened.as_dataset(),
            cases=read_case_list(cases, "--cases") if cases else None,
            validation=read_case_list(validation, "--validation") if validation else (),
            replay=replay_data,
            replay_cases=read_case_list(replay_cases, "--replay-cases") if replay_cases else None,
            settings=FineTuneSettings(
                iterations=iterations,
                learning_rate=learning_rate,
                patch=sides_of(patch) if patch else None,
                edit_weight=edit_weight,
                seed=seed,
                without=tuple(without or ()),
            ),
        )
        fixed = None
        if reference_data is not None:
            chosen = read_case_list(reference_cases, "--reference-cases") if reference_cases else reference_data.cases()
            reference_data.check_cases(chosen, labelled=True, where="--reference")
            fixed = CaseSet(reference_data, chosen)
        options = JobOptions(output, device.value, fixed, versions, not no_proof, resume)
        with stage_bars() as show:
            outcome = FineTuneJob(opened, request, options, show).run()
    _show(outcome)


def _show(outcome: FineTuneOutcome) -> None:
    for note in outcome.notes:
        say(note)
    if outcome.verdict is not None:
        show_verdict(outcome.verdict)
    if outcome.version is not None:
        say(f"Registered as {outcome.version.id}: {outcome.version.state}")
    say(f"Model: {outcome.model}")
