"""`dualssl learning-loop`: measure what corrections by a simulated reader and fine-tuning bring."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualssl.cli.choices import DeviceName
from dualssl.cli.console import progress_bar, say, show_table, time_text, training_figures
from dualssl.cli.outputs import refuse_file
from dualssl.dataset import read_case_list, read_dataset
from dualssl.errors import TrainingError
from dualssl.model.integrity import model_sha256, verify_model

if TYPE_CHECKING:
    from dualssl.learning_loop.progress import LoopProgress
    from dualssl.learning_loop.publish import Published
    from dualssl.learning_loop.records import Record
    from dualssl.learning_loop.summary import Check


def learning_loop(
    model: Annotated[Path, typer.Argument(help="Folder of the model to begin with.", show_default=False)],
    dataset: Annotated[Path, typer.Argument(help="Dataset with the labels of all cases.", show_default=False)],
    pool: Annotated[str, typer.Option(help="Cases that may be corrected: a file with one name a line, or a,b,c.")],
    validation: Annotated[str, typer.Option(help="Cases that every model is scored on, and nothing else.")],
    old: Annotated[str, typer.Option(help="Labelled cases that the model learned from.")],
    output: Annotated[Path, typer.Option(help="Folder of the results; what is there already is gone on with.")],
    rounds: Annotated[str, typer.Option(help="Numbers of corrected cases after which to fine-tune.")] = "1,2,4,8",
    orders: Annotated[str, typer.Option(help="Orders of correction; also random-2, random-3 ...")] = "ranked,random",
    regions: Annotated[int, typer.Option(help="Regions that the reader mends in a case.")] = 5,
    margin: Annotated[int, typer.Option(help="Voxels by which the reader's brush reaches over their borders.")] = 1,
    iterations: Annotated[int, typer.Option(help="Steps of each fine-tuning.")] = 200,
    seed: Annotated[int, typer.Option(help="Decides patches, dropout and random orders.")] = 1,
    scratch_iterations: Annotated[
        int, typer.Option(help="Steps of a training from scratch after each round; 0 leaves it out.")
    ] = 0,
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
    repredict: Annotated[
        bool, typer.Option("--repredict", help="Rank what is left by the newest model's predictions; takes longer.")
    ] = False,
) -> None:
    """Correct cases by a simulated reader, fine-tune and score, again and again; goes on where it was stopped."""
    refuse_file(output)
    data = read_dataset(dataset)
    info = verify_model(model)

    from dualssl.report.figures import drawing

    # Not after hours: without matplotlib there would be no plots at the end.
    with drawing():
        pass

    from dualssl.finetune.plan import FineTuneSettings
    from dualssl.learning_loop.plan import LoopPlan
    from dualssl.learning_loop.reader import ReaderSettings

    plan = LoopPlan(
        model=info.manifest.id,
        model_sha256=model_sha256(model),
        dataset=data.name,
        pool=read_case_list(pool, "--pool"),
        validation=read_case_list(validation, "--validation"),
        old=read_case_list(old, "--old"),
        rounds=_numbers(rounds),
        orders=tuple(part.strip() for part in orders.split(",")),
        reader=ReaderSettings(regions=regions, margin=margin),
        settings=FineTuneSettings(iterations=iterations, seed=seed),
        repredict=repredict,
        scratch_iterations=scratch_iterations,
    )

    from dualssl.learning_loop.loop import LearningLoop
    from dualssl.learning_loop.publish import publish

    with progress_bar() as bar:
        task = bar.add_task("Learning loop", total=None, figures="")
        began, stages = time.monotonic(), [""]

        def show(progress: LoopProgress) -> None:
            # Lines as well as a bar, for a loop of hours writes to a file more often than to a terminal.
            if progress.stage != stages[-1]:
                stages.append(progress.stage)
                bar.console.print(
                    f"{time_text(time.monotonic() - began)}  {progress.stage}", markup=False, highlight=False, soft_wrap=True
                )
            figures = "" if progress.training is None else training_figures(progress.training)
            if progress.training is not None and progress.training.note:
                bar.console.print(progress.training.note, markup=False)
            bar.update(task, description=progress.stage, completed=progress.done, total=progress.total or None, figures=figures)

        def keep(record: Record) -> None:
            bar.console.print(_line(record), markup=False, highlight=False, soft_wrap=True)
            publish(output)

        LearningLoop(plan, data, model, output, device.value, show, keep).run()
        bar.update(task, description="Learning loop", completed=1, total=1, figures="")
    _show(publish(output))


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise TrainingError(f"--rounds {text}: give growing numbers of cases from 1 on, such as 1,2,4,8.") from None


def _line(record: Record) -> str:
    who = "frozen model" if record.order is None else f"{record.kind}, {record.order}, {record.cases} corrected"
    return f"{who}: validation Dice {100 * record.dice:.2f}, first cases {100 * record.old_dice:.2f}"


def _show(published: Published) -> None:
    rows = [
        [
            "frozen" if r.order is None else r.order + (", from scratch" if r.kind == "scratch" else ""),
            str(r.cases),
            f"{r.voxels_corrected}",
            f"{100 * r.dice:.2f}",
            f"{r.hd95:.2f}",
            f"{100 * r.old_dice:.2f}",
            time_text(r.seconds_training) if r.seconds_training else "",
        ]
        for r in published.records
    ]
    columns = ("", "cases", "voxels corrected", "Dice %", "HD95 mm", "first cases: Dice %", "training")
    show_table("Learning loop", columns, rows)
    for check in published.checks:
        say(f"{check.name.replace('_', ' ')}: {_verdict(check)}")
    for path in published.files:
        say(f"{path}")


def _verdict(check: Check) -> str:
    target = f"target: {check.relation} {check.limit:g}"
    if check.value is None:
        return f"not measured ({target})"
    kept = "met" if check.met else f"missed by {check.missed_by:.2f}"
    return f"{check.value:.2f} {check.unit} ({target}, {kept})"
