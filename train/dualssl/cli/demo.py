"""`dualssl demo`: the method end to end on generated cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualssl.cli.choices import DeviceName
from dualssl.cli.console import say, show_table, stage_bars


def demo(
    output: Annotated[Path, typer.Option(help="Folder for everything it makes.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Of the training runs.")] = 1,
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
) -> None:
    """Make phantoms, train with and without unlabelled cases, segment, score, and write a report with pictures."""
    from dualssl.demo import run_demo

    with stage_bars() as show:
        result = run_demo(output, device.value, seed, show)
    rows = []
    for run in result.runs:
        for key, name in (("mean", "mean of both"), ("network_a", "network A"), ("network_b", "network B")):
            scores = run.evaluation.mean(key)
            rows.append([f"{run.name}: {name}", f"{100 * scores.dice:.1f}", f"{scores.hd95:.1f}", f"{scores.assd:.1f}"])
    count = len(result.runs[0].evaluation.cases)
    show_table(f"The same labelled cases, scored on {count} unseen ones", ("preset", "Dice %", "HD95 mm", "ASSD mm"), rows)
    say(f"Report with pictures: {result.report}")
