"""Which interpreter runs the engine, whether it can, and how its worker is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from DualSSLSegmentationLib.compat import (
    chosenInterpreter,
    hasTorchExtension,
    pip,
    refuseSecondInstallation,
    slicerInterpreter,
)
from DualSSLSegmentationLib.enginePath import engineDescription, engineFolder
from DualSSLSegmentationLib.setup.commands import Cancel, Runner
from DualSSLSegmentationLib.setup.downloads import Downloads, Removal
from DualSSLSegmentationLib.setup.engineInstall import Installation, SetupOutcome, remove
from DualSSLSegmentationLib.setup.engineRequirements import readRequirements
from DualSSLSegmentationLib.setup.engineSetup import InstallPlan, InterpreterState, SetupError, look, plan
from DualSSLSegmentationLib.setup.interpreters import Interpreter
from DualSSLSegmentationLib.setup.torchInstall import torchInstallerOf


class EngineHost:
    """One for an application.

    Args:
        home: the person's own folder.
        run: runs child processes.
        chosen: interpreter that a person chose, or None for the application's.
    """

    def __init__(self, home: Path, run: Runner, chosen: Path | None = None) -> None:
        self.downloads = Downloads(home)
        self.state: InterpreterState | None = None
        self._run = run
        self._chosen = chosen
        self._requirements = readRequirements(engineDescription())

    @property
    def chosen(self) -> Path | None:
        """The interpreter that a person chose, or None for the application's."""
        return self._chosen

    def choose(self, program: Path | None) -> None:
        """Use another interpreter from the next start of the worker on; what is known of the old one is forgotten."""
        self._chosen = program
        self.state = None

    def interpreter(self) -> Interpreter:
        """The interpreter that runs the engine.

        Raises:
            SetupError: it is not found.
        """
        if self._chosen is None:
            return slicerInterpreter()
        if not self._chosen.is_file():
            raise SetupError(f"The interpreter {self._chosen} is not there any more: choose another one.")
        return chosenInterpreter(self._chosen)

    def workerCommand(self) -> tuple[list[str], dict[str, str]]:
        """Program with arguments, and environment, of the worker.

        Raises:
            SetupError: the interpreter is not found.
        """
        interpreter = self.interpreter()
        return list(interpreter.workerArguments()), interpreter.environmentWith(engineFolder())

    def check(self, onState: Callable[[InterpreterState], None], onError: Callable[[str], None]) -> Cancel:
        """Ask the interpreter what it has. Of one that is not the chosen one any more when it answers, nothing is told."""
        asked = self._chosen

        def seen(state: InterpreterState) -> None:
            if self._chosen == asked:
                self.state = state
                onState(state)

        def failed(text: str) -> None:
            if self._chosen == asked:
                onError(text)

        try:
            interpreter = self.interpreter()
        except SetupError as error:
            onError(str(error))
            return lambda: None
        return look(self._run, interpreter, self._requirements, seen, failed)

    def plan(self, wheels: Path | None = None) -> InstallPlan:
        """What would be installed.

        Raises:
            SetupError: it cannot be mended by installing, or the interpreter has not been looked at.
        """
        if self.state is None:
            raise SetupError("The interpreter has not answered yet: wait a moment, then try again.")
        return plan(self.state, self._chosen is None, hasTorchExtension(), wheels)

    def install(
        self, agreed: InstallPlan, onLine: Callable[[str], None], onEnd: Callable[[SetupOutcome], None]
    ) -> Installation:
        """Carry out a plan that a person said yes to.

        Raises:
            SetupError: somebody else installs right now, or the interpreter has not been looked at.
        """
        refuseSecondInstallation()
        if self.state is None:
            raise SetupError("The interpreter has not answered yet: wait a moment, then try again.")
        interpreter, asked = self.interpreter(), self._chosen
        runPip = pip(interpreter, self._run)

        def ended(outcome: SetupOutcome) -> None:
            if self._chosen == asked:
                self.state = outcome.state
            onEnd(outcome)

        return Installation(
            agreed,
            self.state,
            interpreter,
            self._run,
            runPip,
            self.downloads,
            onLine,
            ended,
            torchInstallerOf(interpreter, self._run, runPip),
        )

    def removal(self) -> Removal:
        """What was installed or downloaded and could be removed.

        Raises:
            DownloadsError: the record cannot be read.
        """
        return self.downloads.removal(self.state if self._chosen is None else None)

    def remove(self, agreed: Removal, onLine: Callable[[str], None], onEnd: Callable[[SetupOutcome], None]) -> Cancel:
        """Remove what a person said yes to."""
        self.state = None
        return remove(agreed, self.downloads, pip(self.interpreter(), self._run), onLine, onEnd)
