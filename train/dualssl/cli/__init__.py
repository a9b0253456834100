"""The command `dualssl`: one thin file per capability. Nothing here imports torch before a command needs it."""

from dualssl.cli.app import main

__all__ = ["main"]
