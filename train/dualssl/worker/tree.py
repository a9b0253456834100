"""For clients: end a worker with everything that it started. Standard library only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress


def end_tree(pid: int) -> None:
    """End a worker and all processes below it, at once and without asking.

    `PythonSlicer` and the like are launchers: to end the process that was started leaves the real interpreter, and the GPU
    memory it holds, alive. A worker leads a group of its own, whose number is its process id; on Windows children are found by
    their parents. Nothing happens if it is gone already.

    Args:
        pid: of the worker, as `hello` told it.
    """
    if sys.platform == "win32":
        # Hidden: otherwise a console window would flash up.
        command = ["taskkill", "/PID", str(pid), "/T", "/F"]
        subprocess.run(command, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
        return
    if pid <= 1:
        raise ValueError(f"{pid} is the number of no worker")
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # It does not lead its group yet, or not any more.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
