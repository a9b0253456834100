"""`dualssl models`: look after model folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualssl.cli.console import say

app = typer.Typer(help="Look after model folders.", no_args_is_help=True)


@app.callback()
def _models() -> None:
    """Look after model folders."""


@app.command()
def verify(model: Annotated[Path, typer.Argument(help="Model folder.", show_default=False)]) -> None:
    """Compare every file of a model with its SHA-256 and show what the model is."""
    from dualssl.model.integrity import verify_model

    info = verify_model(model)
    manifest = info.manifest
    say(f"{manifest.id}: intact, {len(info.files)} files, {info.size / 1e6:.1f} MB")
    say(f"  structures: {', '.join(manifest.labels.names)}")
    say(f"  parent: {manifest.parent or 'none'}")
