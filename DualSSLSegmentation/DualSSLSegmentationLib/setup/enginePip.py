"""pip as the set-up uses it: how it is run, and what its words mean for a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from DualSSLSegmentationLib.setup.commands import Cancel, Finished, OnLine, Runner
from DualSSLSegmentationLib.setup.interpreters import Interpreter

PIP_SECONDS = 3600.0

# What pip says, and what a person can do about it. The first that is found counts: from causes to consequences.
_REASONS: tuple[tuple[str, str], ...] = (
    (r"No space left|Errno 28|not enough space", "the disk is full: free some space and try again"),
    (
        r"Access is denied|Permission denied|Errno 13|WinError 5\b|WinError 32",
        "files of Slicer's Python cannot be written: restart Slicer and try again before anything else is done in it, or "
        "install Slicer in a folder of your own",
    ),
    (
        r"ResolutionImpossible|conflicting dependencies|is not compatible with this constraint",
        "the packages need other versions of what Slicer brings, which is never changed: choose another interpreter for the "
        "engine",
    ),
    (
        r"NewConnectionError|Max retries exceeded|name resolution|ProxyError|ConnectTimeout|ReadTimeout|CERTIFICATE_VERIFY|"
        r"SSLError",
        "the internet cannot be reached: check the connection and the proxy, or install from a folder with wheels",
    ),
    (
        r"No matching distribution found for ([^\s(]+)",
        "there is no wheel of {0} for this Python: choose another interpreter, or another folder with wheels",
    ),
)


class Pip(Protocol):
    """Runs `pip install` or `pip uninstall` in the application's Python.

    `onLine` is told what pip says, `onEnd` once its exit status, None where it did not run to its end.
    """

    def __call__(self, action: str, arguments: Sequence[str], onLine: OnLine, onEnd: Callable[[int | None], None]) -> Cancel:
        """Start it; the answer cancels it."""


def pipOf(interpreter: Interpreter, run: Runner) -> Pip:
    """A pip that runs as a child process of ours."""

    def pip(action: str, arguments: Sequence[str], onLine: OnLine, onEnd: Callable[[int | None], None]) -> Cancel:
        yes = ("--yes",) if action == "uninstall" else ()
        command = interpreter.command(("-m", "pip", action, *yes, *arguments), seconds=PIP_SECONDS)

        def ended(finished: Finished) -> None:
            if finished.code is None:
                onLine(f"ERROR: {finished.errors.strip()}")
            onEnd(finished.code)

        return run(command, onLine, ended)

    return pip


def reasonOf(lines: Sequence[str], what: str = "The packages could not be installed") -> str:
    """One sentence on why pip failed.

    Args:
        lines: what pip said.
        what: the beginning of the sentence.
    """
    text = "\n".join(lines)
    for pattern, reason in _REASONS:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            return f"{what}: {reason.format(*found.groups())}."
    last = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "pip said nothing")
    return f"{what} ({last.strip()}): the log has all that pip said."
