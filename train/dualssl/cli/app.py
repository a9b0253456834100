"""The command line: its commands, and how errors reach the person."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dualssl.allocator import keep_freed_memory
from dualssl.cli.benchmark import benchmark
from dualssl.cli.cases import app as cases
from dualssl.cli.console import show_error
from dualssl.cli.demo import demo
from dualssl.cli.evaluate import evaluate
from dualssl.cli.finetune import finetune
from dualssl.cli.learning_loop import learning_loop
from dualssl.cli.models import app as models
from dualssl.cli.phantom import phantom
from dualssl.cli.predict import predict
from dualssl.cli.train import train
from dualssl.errors import DualSSLError
from dualssl.version import __version__


class _Commands(TyperGroup):
    """Turns errors a person can mend, and Ctrl+C, into a sentence on stderr and an exit status."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except DualSSLError as error:
            show_error(str(error), error.command_line)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            # Caught here, for typer ends a process without a word, or with one of its own, by version.
            show_error("Stopped. What was finished is kept; a training run goes on with --resume.")
            raise typer.Exit(130) from error


app = typer.Typer(
    name="dualssl",
    cls=_Commands,
    help="Train two networks semi-supervised, segment volumes with uncertainty, and score the result.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("phantom")(phantom)
app.command("train")(train)
app.command("predict")(predict)
app.command("evaluate")(evaluate)
app.command("finetune")(finetune)
app.command("benchmark")(benchmark)
app.command("learning-loop")(learning_loop)
app.command("demo")(demo)
app.add_typer(models, name="models")
app.add_typer(cases, name="cases")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dualssl {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the log.")] = False,
) -> None:
    level = logging.INFO if verbose else logging.ERROR
    handler = logging.StreamHandler()
    # The root's level alone does not hold back libraries that set a level of their own, as Lightning does.
    handler.setLevel(level)
    logging.basicConfig(level=level, handlers=[handler], format="%(levelname)s %(name)s: %(message)s")


def main() -> None:
    """Run the command line; a mendable error is one sentence on stderr and exit status 2."""
    keep_freed_memory()
    app()
