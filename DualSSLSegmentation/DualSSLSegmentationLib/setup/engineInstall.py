"""Install what a plan lists and a person said yes to, look at what came of it, and take it away again on request."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.setup.commands import Cancel, OnLine, Runner
from DualSSLSegmentationLib.setup.downloads import Downloads, Removal
from DualSSLSegmentationLib.setup.enginePip import Pip, reasonOf
from DualSSLSegmentationLib.setup.engineSetup import (
    PROTECTED,
    InstallPlan,
    InterpreterState,
    addedTo,
    changesOf,
    constraintLines,
    look,
)
from DualSSLSegmentationLib.setup.interpreters import Interpreter
from DualSSLSegmentationLib.setup.torchInstall import TorchInstaller

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SetupOutcome:
    """How an installation or removal ended.

    Attributes:
        ok: whether the engine can run now, or all is removed.
        message: for a person.
        installed: distributions that are new, with their versions.
        cancelled: whether a person stopped it.
        state: of the interpreter afterwards, or None where it could not be asked.
    """

    ok: bool
    message: str
    installed: Mapping[str, str] = field(default_factory=dict)
    cancelled: bool = False
    state: InterpreterState | None = None


class Installation:
    """Carries out a plan; runs once, from its making on.

    Whatever pip says, the interpreter is asked afterwards: what is new is recorded, and a change of what was to stay is told.

    Args:
        plan: that a person said yes to.
        before: state of the interpreter that the plan was made from.
        interpreter: the application's.
        run: runs child processes.
        pip: runs pip.
        downloads: the record.
        onLine: told what goes on.
        onEnd: told once how it ended.
        torch: installs torch as the PyTorch extension does it; needed where the plan says so.
    """

    def __init__(
        self,
        plan: InstallPlan,
        before: InterpreterState,
        interpreter: Interpreter,
        run: Runner,
        pip: Pip,
        downloads: Downloads,
        onLine: OnLine,
        onEnd: Callable[[SetupOutcome], None],
        torch: TorchInstaller | None = None,
    ) -> None:
        self._plan = plan
        self._before = before
        self._interpreter = interpreter
        self._run = run
        self._downloads = downloads
        self._onLine = onLine
        self._onEnd = onEnd
        self._lines: list[str] = []
        self._cancelled = False
        self._failure = ""
        self._ofExtension: frozenset[str] = frozenset()
        self._folder = Path(tempfile.mkdtemp(prefix="dualssl-setup-"))
        self._cancelPip: Cancel = lambda: None
        self._constraints = self._folder / "constraints.txt"
        self._constrain(plan.constraints)
        if plan.torch is None:
            self._startPip(pip)
        else:
            self._startTorch(torch, plan.torch.versions, lambda: self._startPip(pip))

    def cancel(self) -> None:
        """Stop pip; what it had finished by then stays and is recorded. A second call does nothing more."""
        self._cancelled = True
        self._cancelPip()

    def _constrain(self, lines: Sequence[str]) -> None:
        self._constraints.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _startTorch(self, torch: TorchInstaller | None, versions: str, then: Callable[[], None]) -> None:
        if torch is None:
            raise ValueError("the plan leaves torch to light-the-torch, and there is nothing to run it")
        over = False

        def ended(code: int | None) -> None:
            nonlocal over
            over = True
            if code == 0 and not self._cancelled:
                self._lookAtTorch(then)
                return
            if not self._cancelled:
                self._failure = reasonOf(self._lines, "torch could not be installed")
            self._look()

        self._tell("Installing torch as the PyTorch extension does.")
        cancel = torch(versions, self._constraints, self._tell, ended)
        # It may have ended before it returned, and by now something else would be cancelled.
        if not over:
            self._cancelPip = cancel

    def _lookAtTorch(self, then: Callable[[], None]) -> None:
        """What came with torch is the PyTorch extension's, which finds it there and removes it itself."""

        def seen(state: InterpreterState) -> None:
            self._ofExtension = frozenset(addedTo(self._before, state))
            # From now on that torch is to stay as well.
            self._constrain(constraintLines(state))
            then()

        def unseen(message: str) -> None:
            self._failure = message
            self._look()

        look(self._run, self._interpreter, self._before.requirements, seen, unseen)

    def _startPip(self, pip: Pip) -> None:
        arguments = self._plan.pipArguments(self._constraints)
        if arguments is None or self._cancelled:
            self._look()
            return
        # A runner may end before it returns, so this comes first.
        self._tell(f"pip install {' '.join(str(package.requirement) for package in self._plan.packages)}")
        self._cancelPip = pip("install", arguments, self._tell, self._pipEnded)

    def _pipEnded(self, code: int | None) -> None:
        if code != 0 and not self._cancelled:
            self._failure = reasonOf(self._lines)
        self._look()

    def _look(self) -> None:
        self._cancelPip = lambda: None
        shutil.rmtree(self._folder, ignore_errors=True)
        self._tell("Looking at what is installed now.")
        really = not (self._failure or self._cancelled)
        look(self._run, self._interpreter, self._before.requirements, self._judge, self._unanswered, really)

    def _judge(self, after: InterpreterState) -> None:
        added = {name: v for name, v in addedTo(self._before, after).items() if name not in self._ofExtension}
        problems = [self._failure] if self._failure else []
        try:
            if added:
                self._downloads.addPackages(added)
        except DualSSLError as error:
            problems.append(str(error))
        harm = changesOf(self._before, after, PROTECTED)
        problems += [_harmText(name, *versions) for name, versions in harm.items()]
        if self._cancelled and not problems:
            self._onEnd(SetupOutcome(False, "Cancelled. What was installed by then stays.", added, True, after))
            return
        if not problems and not after.ready:
            problems.append(after.sentence())
        others = {n: v for n, v in changesOf(self._before, after).items() if n not in harm and n not in self._planned()}
        notes = [f"pip also changed {name} from {old} to {new or 'nothing'}." for name, (old, new) in others.items()]
        message = " ".join([*(problems or ["The engine is set up."]), *notes])
        self._onEnd(SetupOutcome(not problems, message, added, False, after))

    def _unanswered(self, message: str) -> None:
        self._onEnd(SetupOutcome(False, " ".join(part for part in (self._failure, message) if part)))

    def _planned(self) -> set[str]:
        return {package.requirement.key for package in self._plan.packages}

    def _tell(self, line: str) -> None:
        _log.info("Set-up: %s", line)
        self._lines.append(line)
        self._onLine(line)


def remove(removal: Removal, downloads: Downloads, pip: Pip, onLine: OnLine, onEnd: Callable[[SetupOutcome], None]) -> Cancel:
    """Remove what a person said yes to: files first, then packages. What cannot be removed stays on record.

    Returns:
        A function that cancels pip.
    """
    try:
        downloads.removeFiles(removal)
    except DualSSLError as error:
        onEnd(SetupOutcome(False, str(error)))
        return lambda: None
    if not removal.packages:
        onEnd(SetupOutcome(True, "Removed."))
        return lambda: None
    lines: list[str] = []

    def tell(line: str) -> None:
        _log.info("Removal: %s", line)
        lines.append(line)
        onLine(line)

    def ended(code: int | None) -> None:
        if code != 0:
            onEnd(SetupOutcome(False, reasonOf(lines, "The packages could not be removed")))
            return
        try:
            downloads.forgetPackages(removal.packages)
        except DualSSLError as error:
            onEnd(SetupOutcome(False, str(error)))
            return
        onEnd(SetupOutcome(True, "Removed. Restart Slicer before you set up the engine again."))

    return pip("uninstall", tuple(removal.packages), tell, ended)


def _harmText(name: str, before: str, after: str) -> str:
    now = f"was changed from {before} to {after}" if after else f"{before} was removed"
    return (
        f"{name} {now}, although it was to stay: Slicer or other extensions may not work. Restore it in a terminal with  "
        f'PythonSlicer -m pip install --force-reinstall --no-deps "{name}=={before}"  or install Slicer again.'
    )
