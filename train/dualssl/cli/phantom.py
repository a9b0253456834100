"""`dualssl phantom`: a dataset of generated cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualssl.cli.console import say


def phantom(
    output: Annotated[Path, typer.Option(help="Folder for the dataset: empty, new, or an earlier phantom.")],
    cases: Annotated[int, typer.Option(help="Number of cases.")] = 30,
    labelled: Annotated[int, typer.Option(help="How many go into labelled_N.txt.")] = 3,
    validation: Annotated[int, typer.Option(help="How many go into validation.txt.")] = 6,
    structures: Annotated[int, typer.Option(help="Structures beside background, 1 to 3.")] = 2,
    variation: Annotated[float, typer.Option(help="How unlike the cases are, 0 to 1.")] = 0.8,
    seed: Annotated[int, typer.Option(help="Decides every case.")] = 0,
) -> None:
    """Generate MR-like 3D cases with labels, on oblique, flipped and left-handed grids."""
    from dualssl.phantoms.dataset import write_phantom_dataset
    from dualssl.phantoms.settings import PhantomSettings

    settings = PhantomSettings(cases=cases, structures=structures, variation=variation, seed=seed)
    write_phantom_dataset(output, settings, labelled=labelled, validation=validation)
    say(f"{cases} cases in {output}")
