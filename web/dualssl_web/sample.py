"""The sample case: the same as in Slicer's module Sample Data, generated once on this computer."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.errors import OutputError
from DualSSLSegmentationLib.application.sampleData import makeSample
from DualSSLSegmentationLib.enginePath import engineFolder, shippedModels
from DualSSLSegmentationLib.setup.commands import runAndWait
from DualSSLSegmentationLib.setup.interpreters import Interpreter, ownInterpreter

if TYPE_CHECKING:
    from DualSSLSegmentationLib.jobs.modelCatalogue import ModelChoice


_MODEL = "phantom"
"""Folder of the shipped model that was trained on generated images."""


def model_for_sample(choices: Iterable[ModelChoice], default: ModelChoice | None) -> ModelChoice | None:
    """The model that segments what the sample case shows: the one in use if it does, else the one that ships for it.

    Args:
        choices: all models on offer.
        default: the one in use.
    """
    own = next((choice for choice in choices if choice.folder == shippedModels() / _MODEL), None)
    if own is None or default is None or default.structures == own.structures:
        return default
    return own


def own_interpreter() -> Interpreter:
    """The Python that runs this server; it runs the engine, too."""
    return ownInterpreter(Path(sys.executable), os.environ)


async def make_sample(home: Path) -> Path:
    """Generate the sample volume in a child process, unless it is there; it takes some seconds.

    Args:
        home: the person's own folder.

    Returns:
        The file.

    Raises:
        OutputError: it could not be made.
    """
    made: list[Path] = []
    problems: list[str] = []
    await asyncio.to_thread(makeSample, runAndWait, own_interpreter(), engineFolder(), home, made.append, problems.append)
    if not made:
        raise OutputError(" ".join(problems))
    return made[0]
