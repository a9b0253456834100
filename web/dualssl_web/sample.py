"""The sample case: the same as in Slicer's module Sample Data, generated once on this computer."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from dualssl.errors import OutputError
from DualSSLSegmentationLib.application.sampleData import makeSample
from DualSSLSegmentationLib.enginePath import engineFolder
from DualSSLSegmentationLib.setup.commands import runAndWait
from DualSSLSegmentationLib.setup.interpreters import Interpreter, ownInterpreter


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
