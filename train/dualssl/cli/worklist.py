"""`dualssl cases rank`: which case of a library to look at next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualssl.cli.console import say, show_table
from dualssl.errors import LibraryError
from dualssl.files import json_text
from dualssl.worklist.strategies import STRATEGIES

if TYPE_CHECKING:
    from dualssl.worklist import LibraryCandidates, Ranked


def rank(
    library: Annotated[Path, typer.Argument(help="Folder of the case library.", show_default=False)],
    strategy: Annotated[str, typer.Option(help=f"What makes a case urgent: {', '.join(STRATEGIES)}.")] = "combined",
    count: Annotated[int, typer.Option(help="How many cases to show.", min=1)] = 20,
    no_diversity: Annotated[
        bool, typer.Option("--no-diversity", help="By value alone, even if the first cases are of one patient.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the strategy 'random'.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")] = False,
) -> None:
    """List the predicted cases that nobody has looked at, the most urgent first, with the reason for each."""
    if strategy not in STRATEGIES:
        raise LibraryError(f"--strategy {strategy}: choose one of {', '.join(STRATEGIES)}.")

    from dualssl.cases import CaseLibrary
    from dualssl.worklist import waiting_candidates

    with CaseLibrary.open(library) as opened:
        found = waiting_candidates(opened.cases())
    ranked = found.ranked(strategy, seed, diverse=not no_diversity)[:count]
    if as_json:
        data = {"strategy": strategy, "seed": seed, "diverse": not no_diversity, **found.to_json(ranked)}
        say(json_text(data).rstrip())
    else:
        _show(library, found, ranked)


def _show(library: Path, found: LibraryCandidates, ranked: tuple[Ranked, ...]) -> None:
    if ranked:
        rows = [[case.name, str(case.position), f"{case.value:.3f}", case.why] for case in ranked]
        show_table(f"{len(ranked)} of {len(found.candidates)} predicted cases", ("case", "place", "value", "why"), rows)
    else:
        say("No predicted case waits for a person.")
    if found.without_scores:
        say(f"Not ranked, for their predictions came without scores: {', '.join(found.without_scores)}")
    if found.without_prediction:
        say(f"{found.without_prediction} cases have no prediction yet: dualssl predict MODEL --library {library}")
