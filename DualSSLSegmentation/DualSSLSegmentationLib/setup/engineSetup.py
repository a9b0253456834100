"""Whether an interpreter can run the engine, what it lacks, and what would be installed, as a list for a person to say yes to.

Nothing is imported or installed here. An interpreter is asked in a child process, so that the application never imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.setup import engineProbe
from DualSSLSegmentationLib.setup.commands import Command, Finished, Runner
from DualSSLSegmentationLib.setup.engineRequirements import Requirement, normalised, release
from DualSSLSegmentationLib.setup.interpreters import Interpreter

PROTECTED = ("numpy", "scipy", "simpleitk", "vtk", "torch", "torchvision", "torchaudio")
"""What Slicer brings or other extensions compute with: installed, these stay exactly as they are."""

OLDEST_PYTHON = (3, 10)
_LOOK_SECONDS = 60.0
# The first import of torch after it was installed may wait for a virus scanner.
_IMPORT_SECONDS = 300.0

PIP_OPTIONS = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--only-binary", ":all:")


class SetupError(DualSSLError):
    """An interpreter cannot be used as it is. The message is for a person."""


@dataclass(frozen=True)
class InterpreterState:
    """What an interpreter has.

    Attributes:
        python: its version.
        versions: normalised name of each distribution to its version.
        needs: the same to the names of those it needs.
        broken: requirement names to what went wrong when they were imported, or looked for.
        requirements: what the engine needs.
        bundled: names of modules that are there without a record of their version, such as a built-in vtk.
    """

    python: str
    versions: dict[str, str]
    needs: dict[str, list[str]]
    broken: dict[str, str]
    requirements: tuple[Requirement, ...]
    bundled: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[Requirement, ...]:
        """What is not installed."""
        return tuple(r for r in self.requirements if r.key not in self.versions and r.key not in self.bundled)

    @property
    def unsuitable(self) -> tuple[Requirement, ...]:
        """What is installed in a version that will not do."""
        return tuple(r for r in self.requirements if r.key in self.versions and not r.fits(self.versions[r.key]))

    @property
    def ready(self) -> bool:
        """Whether the engine can run."""
        return not (self.missing or self.unsuitable or self.broken or self.tooOld)

    @property
    def tooOld(self) -> bool:
        """Whether its Python is older than the engine's."""
        return release(self.python) < OLDEST_PYTHON

    def sentence(self) -> str:
        """How it stands, for a person."""
        if self.tooOld:
            return f"This is Python {self.python}, and the engine needs {'.'.join(map(str, OLDEST_PYTHON))} or newer."
        if self.ready:
            return f"Everything the engine needs is there (Python {self.python})."
        parts = []
        if self.missing:
            parts.append(f"Not installed: {', '.join(r.name for r in self.missing)}.")
        for requirement in self.unsuitable:
            parts.append(f"{requirement.name} is {self.versions[requirement.key]}, needed is {requirement.versions}.")
        for name, error in self.broken.items():
            parts.append(f"{name} is installed but does not work ({error}).")
        return " ".join(parts)


@dataclass(frozen=True)
class PlannedPackage:
    """A line of the list that a person is shown.

    Attributes:
        requirement: name, versions, purpose and size.
        replaces: version that is there now and will not do, or None.
    """

    requirement: Requirement
    replaces: str | None

    @property
    def text(self) -> str:
        """The line."""
        wanted = self.requirement
        replaced = f", replaces {self.replaces}" if self.replaces else ""
        return f"{wanted.name} {wanted.versions}: {wanted.purpose}, {wanted.size}{replaced}"


@dataclass(frozen=True)
class InstallPlan:
    """What would be installed; nothing happens before a person has seen it.

    Attributes:
        packages: the list.
        constraints: lines of a pip constraints file.
        wheels: folder with wheels, for a computer without internet; None takes them from the internet.
        torchByExtension: whether torch is installed as the PyTorch extension does it, with the build for the GPU.
    """

    packages: tuple[PlannedPackage, ...]
    constraints: tuple[str, ...]
    wheels: Path | None = None
    torchByExtension: bool = False

    @property
    def torch(self) -> Requirement | None:
        """The torch that is installed as the PyTorch extension does it, or None."""
        found = (p.requirement for p in self.packages if p.requirement.key == "torch")
        return next(found, None) if self.torchByExtension else None

    def text(self) -> str:
        """The list for a person, with what it does not touch."""
        kept = ", ".join(line.partition("==")[0] for line in self.constraints if "==" in line)
        lines = ["These Python packages will be installed into Slicer:", ""]
        lines += [f"- {package.text}" for package in self.packages]
        lines += ["", "They bring along what they need themselves."]
        if self.torch is not None:
            lines.append(
                "torch is installed as the PyTorch extension does it: light-the-torch, which is installed first where it is "
                "missing, picks the build for this computer's GPU on download.pytorch.org, and torchvision with it."
            )
        source = "from the internet (PyPI)" if self.wheels is None else f"from the folder {self.wheels}, without internet"
        lines.append(f"They come {source}. Unchanged stay: {kept or 'none is there'}.")
        return "\n".join(lines)

    def pipArguments(self, constraintsFile: Path) -> tuple[str, ...] | None:
        """What follows `pip install`, or None where nothing is left for pip.

        Only wheels are taken: a source package runs code of its own when it is built, and needs a compiler.

        Args:
            constraintsFile: with the lines of `constraints`.
        """
        wanted = [str(p.requirement) for p in self.packages if p.requirement is not self.torch]
        if not wanted:
            return None
        offline = () if self.wheels is None else ("--no-index", "--find-links", str(self.wheels))
        return (*PIP_OPTIONS, "--constraint", str(constraintsFile), *offline, *wanted)


def look(
    run: Runner,
    interpreter: Interpreter,
    requirements: tuple[Requirement, ...],
    onState: Callable[[InterpreterState], None],
    onError: Callable[[str], None],
    really: bool = False,
) -> Callable[[], None]:
    """Ask an interpreter what it has.

    Args:
        run: runs the child process.
        interpreter: that is asked.
        requirements: of the engine.
        onState: told the answer.
        onError: told a sentence instead, where it does not answer.
        really: import each package, which finds broken installations and takes some seconds.

    Returns:
        A function that cancels.
    """

    def ended(finished: Finished) -> None:
        try:
            state = _readState(finished, requirements)
        except SetupError as error:
            onError(f"{interpreter.program} {error}")
            return
        onState(state)

    return run(_lookCommand(interpreter, requirements, really), lambda _: None, ended)


def plan(state: InterpreterState, own: bool, torchExtension: bool = False, wheels: Path | None = None) -> InstallPlan:
    """What to install so that the engine can run.

    Args:
        state: of the interpreter.
        own: whether it is the application's.
        torchExtension: whether the PyTorch extension is there.
        wheels: folder with wheels to install from instead of the internet.

    Raises:
        SetupError: it cannot be mended by installing; the message says what to do instead.
    """
    wanted = (*state.missing, *state.unsuitable)
    if state.tooOld:
        raise SetupError(f"{state.sentence()} Choose another interpreter.")
    if not own:
        names = " ".join(f'"{requirement}"' for requirement in wanted)
        raise SetupError(f"{state.sentence()} Another interpreter is never changed from here: run  pip install {names}  there.")
    for requirement in state.unsuitable:
        if requirement.key in PROTECTED:
            raise SetupError(_fixed(requirement, state.versions[requirement.key]))
    if not wanted and state.broken:
        raise SetupError(f"{state.sentence()} Remove it with pip, restart Slicer, and set up the engine again.")
    if wheels is not None and not any(wheels.glob("*.whl")):
        raise SetupError(f"{wheels} holds no wheels: choose a folder with .whl files of the packages.")
    packages = tuple(PlannedPackage(r, state.versions.get(r.key)) for r in wanted)
    byExtension = torchExtension and wheels is None and any(r.key == "torch" for r in state.missing)
    return InstallPlan(packages, constraintLines(state), wheels, byExtension)


def constraintLines(state: InterpreterState) -> tuple[str, ...]:
    """Lines of a constraints file that keep what must not change exactly as it is.

    What is there without a version on record must not be installed a second time: no release lies below 0.
    """
    lines = [f"{name}=={state.versions[name]}" for name in PROTECTED if state.versions.get(name)]
    return (*lines, *(f"{name}<0" for name in PROTECTED if name in state.bundled))


def changesOf(
    before: InterpreterState, after: InterpreterState, names: Iterable[str] | None = None
) -> dict[str, tuple[str, str]]:
    """Distributions that were there and are now another version, or gone: name to the version before and after.

    Args:
        before, after: of one interpreter.
        names: which to look at; by default all.
    """
    looked = before.versions if names is None else [name for name in names if name in before.versions]
    return {
        name: (before.versions[name], after.versions.get(name, ""))
        for name in looked
        if after.versions.get(name) != before.versions[name]
    }


def addedTo(before: InterpreterState, after: InterpreterState) -> dict[str, str]:
    """Distributions that were not there before, with their versions."""
    return {name: version for name, version in after.versions.items() if name not in before.versions}


def _lookCommand(interpreter: Interpreter, requirements: tuple[Requirement, ...], really: bool) -> Command:
    # Those that no requirement names, but that might be there without a record.
    modules = [*(r.module for r in requirements), *(() if really else ("vtk", "torchvision"))]
    arguments = (engineProbe.__file__, "import" if really else "look", *modules)
    return interpreter.command(arguments, seconds=_IMPORT_SECONDS if really else _LOOK_SECONDS)


def _readState(finished: Finished, requirements: tuple[Requirement, ...]) -> InterpreterState:
    # Whatever else a start-up file of that interpreter prints.
    answers = [line for line in finished.output.splitlines() if line.startswith(engineProbe.MARK)]
    if finished.code != 0 or not answers:
        last = next((line.strip() for line in reversed(finished.errors.splitlines()) if line.strip()), "it said nothing")
        raise SetupError(f"did not answer as a Python interpreter ({last}): choose another one.")
    try:
        facts = json.loads(answers[-1][len(engineProbe.MARK) :])
        modules = {str(name): str(state) for name, state in facts["modules"].items()}
        versions = {normalised(name): str(version) for name, version in facts["versions"].items()}
        needs = {normalised(name): [str(n) for n in names] for name, names in facts["needs"].items()}
        python = str(facts["python"])
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise SetupError("gave an answer that makes no sense: choose another one.") from error
    broken = {r.name: modules[r.module] for r in requirements if modules.get(r.module, "there") not in ("there", "missing")}
    broken |= {r.name: "its files are gone" for r in requirements if modules.get(r.module) == "missing" and r.key in versions}
    bundled = tuple(normalised(m) for m, state in modules.items() if state == "there" and normalised(m) not in versions)
    return InterpreterState(python, versions, needs, broken, requirements, bundled)


def _fixed(requirement: Requirement, version: str) -> str:
    if requirement.key.startswith("torch"):
        return (
            f"{requirement.name} is {version}, needed is {requirement.versions}, and others may rely on it: change it in "
            "the module PyTorch Utils, or choose another interpreter for the engine."
        )
    return (
        f"This Slicer brings {requirement.name} {version}, needed is {requirement.versions}, and what Slicer brings is never "
        "replaced: use another version of Slicer, or choose another interpreter for the engine."
    )
