"""torch as the PyTorch extension installs it, but in child processes, so that the application does not stand still.

`PyTorchUtilsLogic.installTorch` runs light-the-torch (pip with the index of the build for the computer's GPU and driver) in
the application's Python, waits for it to end, and then imports torch into the application. Here the same program is run with
the same request; nothing waits for it, it can be stopped, and torch stays out of the application. The extension finds torch
afterwards as if it had installed it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from DualSSLSegmentationLib.setup.commands import Cancel, Finished, OnLine, Runner
from DualSSLSegmentationLib.setup.enginePip import PIP_SECONDS, Pip
from DualSSLSegmentationLib.setup.engineSetup import PIP_OPTIONS
from DualSSLSegmentationLib.setup.interpreters import Interpreter

INSTALLER = "light-the-torch>=0.5"
"""As the PyTorch extension asks for it; pip leaves one that is there as it is."""


class TorchInstaller(Protocol):
    """Installs torch of the versions given, and torchvision, under a pip constraints file.

    `onLine` is told what goes on, `onEnd` once the exit status, None where it did not run to its end.
    """

    def __call__(self, versions: str, constraints: Path, onLine: OnLine, onEnd: Callable[[int | None], None]) -> Cancel:
        """Start it; the answer cancels it."""


def torchInstallerOf(interpreter: Interpreter, run: Runner, pip: Pip) -> TorchInstaller:
    """Installs torch with light-the-torch, which comes first where it is missing.

    Args:
        interpreter: the application's.
        run: runs child processes.
        pip: runs pip there.
    """

    def install(versions: str, constraints: Path, onLine: OnLine, onEnd: Callable[[int | None], None]) -> Cancel:
        return _TorchInstallation(interpreter, run, pip, versions, constraints, onLine, onEnd).cancel

    return install


class _TorchInstallation:
    """Runs once, from its making on: pip for the installer, then the installer."""

    def __init__(
        self,
        interpreter: Interpreter,
        run: Runner,
        pip: Pip,
        versions: str,
        constraints: Path,
        onLine: OnLine,
        onEnd: Callable[[int | None], None],
    ) -> None:
        self._interpreter = interpreter
        self._run = run
        self._versions = versions
        self._options = (*PIP_OPTIONS, "--constraint", str(constraints))
        self._onLine = onLine
        self._onEnd = onEnd
        self._cancelled = False
        self._cancelTorch: Cancel | None = None
        self._cancelPip = pip("install", (*self._options, INSTALLER), onLine, self._installerThere)

    def cancel(self) -> None:
        """Stop what runs now; what comes after it does not begin."""
        self._cancelled = True
        (self._cancelTorch or self._cancelPip)()

    def _installerThere(self, code: int | None) -> None:
        if code != 0 or self._cancelled:
            self._onEnd(None if self._cancelled else code)
            return
        wanted = (f"torch{self._versions}", "torchvision")
        self._onLine(f"light-the-torch install {' '.join(wanted)}")
        command = self._interpreter.command(("-m", "light_the_torch", "install", *self._options, *wanted), seconds=PIP_SECONDS)
        self._cancelTorch = self._run(command, self._onLine, self._torchEnded)

    def _torchEnded(self, finished: Finished) -> None:
        if finished.code is None:
            self._onLine(f"ERROR: {finished.errors.strip()}")
        self._onEnd(finished.code)
