"""Opening the module for the first time: each time in a new process, for imports are most of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from module_speed.timings import Timing, timing_figure

from dualssl.benchmarking.figure import Figure

LIMIT_MS = 500.0
_MARK = "opened: "


def open_once(home: Path) -> dict[str, Any]:
    """Open the module in this process, in the harness; plain data."""
    from module_speed.harness_host import harness

    with harness(home) as host:
        start = host.start()
        _widget, opening = host.open()
    return {"start": vars(start), "open": vars(opening)}


def tell_once(home: Path) -> None:
    """Open the module in this process and write how long it took to the standard output."""
    sys.stdout.write(f"{_MARK}{json.dumps(open_once(home))}\n")


def opening_figures(home: Path, command: Sequence[str], repeats: int) -> list[Figure]:
    """Start-up and opening, from new processes.

    Args:
        home: the person's own folder, with a model.
        command: makes a process that calls `tell_once` with the folder that is added as its last argument.
        repeats: measured processes; one more warms the disk's cache.
    """
    found = []
    for _ in range(repeats + 1):
        with tempfile.TemporaryDirectory() as folder:
            own = Path(folder) / "home"
            shutil.copytree(home, own)
            done = subprocess.run([*command, str(own)], capture_output=True, encoding="utf-8", check=True)
        line = next(line for line in done.stdout.splitlines() if line.startswith(_MARK))
        found.append(json.loads(line.removeprefix(_MARK)))
    return figures_of(found[1:])


def figures_of(found: Sequence[dict[str, Any]]) -> list[Figure]:
    """The figures that runs of `open_once` make."""
    opened, started = ([Timing(**times[what]) for times in found] for what in ("open", "start"))
    start = "What listing the module and its sample data adds to the application's start."
    return [
        timing_figure("opening", "From choosing the module to its drawn panel, first time.", opened, LIMIT_MS),
        timing_figure("application_start", start, started, None),
    ]
