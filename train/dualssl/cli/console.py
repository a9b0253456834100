"""What the commands print: errors, tables and progress, all on one pair of consoles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from dualssl.training.progress import TrainingProgress

out = Console()
err = Console(stderr=True)


def say(message: str) -> None:
    """A line on stdout as it is: a long path is not broken, and brackets or colons in a name mean nothing."""
    out.print(message, markup=False, emoji=False, highlight=False, soft_wrap=True)


def show_error(message: str, command_line: str = "") -> None:
    """One sentence on stderr, and below it the option or command that it means, if there is one."""
    _on_stderr("[bold red]Error:[/] ", message, command_line)


def show_advice(message: str, command_line: str = "") -> None:
    """As `show_error`, of something that went well but may not be what the person wanted."""
    _on_stderr("[bold yellow]Note:[/] ", message, command_line)


def _on_stderr(heading: str, message: str, command_line: str) -> None:
    err.print(heading, end="")
    err.print(message, markup=False, emoji=False, highlight=False, soft_wrap=True)
    if command_line:
        err.print(f"At the command line: {command_line}", markup=False, emoji=False, highlight=False, soft_wrap=True)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout; the first column is left-aligned, the others hold figures."""
    # `Text` throughout: names of cases and structures may hold what rich takes for markup.
    table = Table(title=Text(title))
    for number, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


def progress_bar() -> Progress:
    """A bar with a text, the count and a free field `figures`; on stderr, so that stdout stays clean."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
        console=err,
    )


@contextmanager
def stage_bars() -> Iterator[Callable[[str, TrainingProgress | None], None]]:
    """Bars one below the other, one for each stage of a job.

    Gives what the job tells of its stages: their names, each with the progress of training where there is some. A stage ends
    when the next one begins; the last ends with the block.
    """
    with progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def end_all() -> None:
            for task in bar.tasks:
                bar.update(task.id, total=task.total or 1, completed=task.total or 1)

        def show(stage: str, progress: TrainingProgress | None) -> None:
            if stage not in tasks:
                end_all()
                tasks[stage] = bar.add_task(stage, total=None, figures="")
            if progress is not None:
                show_training(bar, tasks[stage], progress)

        yield show
        end_all()


def show_training(bar: Progress, task: TaskID, progress: TrainingProgress) -> None:
    """Bring a task of a bar to where a training is; what the training notes is printed above the bar."""
    if progress.note:
        bar.console.print(progress.note, markup=False)
    bar.update(task, completed=progress.iteration, total=progress.iterations, figures=training_figures(progress))


def time_text(seconds: float | None) -> str:
    """`1:02:03` or `2:03`; empty for None."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def training_figures(progress: TrainingProgress) -> str:
    """Loss, last validation Dice and time left of a training run, as far as they are known."""
    figures = [f"loss {progress.loss:.3f}"] if progress.loss is not None else []
    figures += [f"validation Dice {100 * progress.dice:.1f}"] if progress.dice is not None else []
    figures += [f"{time_text(progress.seconds_left)} left"] if progress.seconds_left is not None else []
    return ", ".join(figures)
