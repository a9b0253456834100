"""torch as the PyTorch extension installs it: by light-the-torch in a process of its own, which can be stopped."""

import json

import pytest

from DualSSLSegmentationLib.setup.commands import Finished, runAndWait
from DualSSLSegmentationLib.setup.downloads import Downloads
from DualSSLSegmentationLib.setup.engineInstall import Installation
from DualSSLSegmentationLib.setup.enginePip import pipOf
from DualSSLSegmentationLib.setup.engineRequirements import Requirement
from DualSSLSegmentationLib.setup.engineSetup import look, plan
from DualSSLSegmentationLib.setup.interpreters import ownInterpreter
from DualSSLSegmentationLib.setup.torchInstall import torchInstallerOf
from pythonEnvironments import makeEnvironment, makeWheel, plainEnvironment, unpack

REQUIREMENTS = (
    Requirement("numpy", "1.26", "3", "arrays", "20 MB"),
    Requirement("torch", "2.6", "3", "networks", "200 MB"),
    Requirement("monai", "1.5", "1.7", "medical images", "3 MB"),
)
# Light-the-torch is pip that takes torch from another index; this one takes it from a folder, and notes what it was asked.
LIGHT_THE_TORCH = """
import json, sys
from pathlib import Path
from pip._internal.cli.main import main
asked = sys.argv[1:]
constraints = Path(asked[asked.index("--constraint") + 1]).read_text(encoding="utf-8").split()
Path({note!r}).write_text(json.dumps([asked, constraints]), encoding="utf-8")
print("Looking at the GPU")
sys.exit(main([*asked, "--no-index", "--find-links", {wheels!r}]))
"""


class SlicerWithTheExtension:
    """A Python of Slicer's that has numpy and light-the-torch, and a folder in place of the index of torch."""

    def __init__(self, folder):
        self.wheels = folder / "wheels"
        self.note = folder / "asked.json"
        installed = [
            makeWheel(folder / "bundled", name, version) for name, version in (("numpy", "2.0.1"), ("light-the-torch", "0.8"))
        ]
        self.program = makeEnvironment(folder / "python", installed)
        (package,) = (folder / "python").rglob("light_the_torch")
        code = LIGHT_THE_TORCH.format(note=str(self.note), wheels=str(self.wheels))
        (package / "__main__.py").write_text(code, encoding="utf-8")
        self.interpreter = ownInterpreter(self.program, plainEnvironment())
        self.downloads = Downloads(folder / "home")
        self.pip = pipOf(self.interpreter, runAndWait)
        self.lines = []
        for name, version, needs in (
            ("torch", "2.13.0", ["helper"]),
            ("torchvision", "0.28.0", ["torch"]),
            ("helper", "1.0", []),
        ):
            makeWheel(self.wheels, name, version, needs)
        makeWheel(self.wheels, "monai", "1.6.1", ["numpy", "torch>=2.4"])

    def state(self):
        states = []
        look(runAndWait, self.interpreter, REQUIREMENTS, states.append, pytest.fail)
        return states[0]

    def unpackingPip(self, action, arguments, onLine, onEnd):
        """The real pip for light-the-torch, which is there; monai it has without an index."""
        if arguments[-1].startswith("light-the-torch"):
            return self.pip(action, arguments, onLine, onEnd)
        unpack(self.program.parents[1], next(self.wheels.glob("monai-*.whl")))
        onEnd(0)
        return lambda: None

    def install(self, run=runAndWait, pip=None):
        """Install as a person said yes to; returns the installation and its outcomes."""
        outcomes, before, runPip = [], self.state(), pip or self.unpackingPip
        installation = Installation(
            plan(before, own=True, torchExtension=True),
            before,
            self.interpreter,
            runAndWait,
            runPip,
            self.downloads,
            self.lines.append,
            outcomes.append,
            torchInstallerOf(self.interpreter, run, runPip),
        )
        return installation, outcomes


@pytest.fixture
def slicer_with_the_extension(tmp_path):
    return SlicerWithTheExtension(tmp_path)


class Waiting:
    """A runner or pip whose process goes on until the test ends it."""

    def __init__(self):
        self.started = []
        self.cancelled = 0

    def run(self, command, onLine, onFinished):
        self.started.append((command.arguments, onFinished))
        return self.cancel

    def pip(self, action, arguments, onLine, onEnd):
        self.started.append((arguments, onEnd))
        return self.cancel

    def cancel(self):
        self.cancelled += 1


def test_torch_comes_from_light_the_torch_under_our_constraints_and_is_not_ours_to_remove(slicer_with_the_extension):
    _, (outcome,) = slicer_with_the_extension.install()
    assert outcome.ok, outcome.message
    asked, constraints = json.loads(slicer_with_the_extension.note.read_text(encoding="utf-8"))
    assert asked[0] == "install"
    assert asked[-2:] == ["torch>=2.6,<3", "torchvision"]
    assert asked[asked.index("--only-binary") + 1] == ":all:"
    assert constraints == ["numpy==2.0.1"]
    assert {"torch", "torchvision", "helper"} <= set(outcome.state.versions)
    assert outcome.installed == {"monai": "1.6.1"}
    assert slicer_with_the_extension.downloads.removal(outcome.state).packages == {"monai": "1.6.1"}
    assert "Looking at the GPU" in slicer_with_the_extension.lines


def test_a_torch_that_needs_another_numpy_is_not_installed_nor_anything_after_it(slicer_with_the_extension):
    makeWheel(slicer_with_the_extension.wheels, "torch", "2.13.0", ["numpy>=2.4"])
    makeWheel(slicer_with_the_extension.wheels, "numpy", "2.4.6")
    _, (outcome,) = slicer_with_the_extension.install()
    assert not outcome.ok
    assert "torch could not be installed: the packages need other versions of what Slicer brings" in outcome.message
    assert outcome.state.versions["numpy"] == "2.0.1"
    assert not {"torch", "monai"} & set(outcome.state.versions)


def test_where_light_the_torch_cannot_come_torch_is_not_tried(slicer_with_the_extension):
    def offline(action, arguments, onLine, onEnd):
        onLine("ERROR: NewConnectionError")
        onEnd(1)
        return lambda: None

    _, (outcome,) = slicer_with_the_extension.install(pip=offline)
    assert "torch could not be installed: the internet cannot be reached" in outcome.message
    assert not slicer_with_the_extension.note.exists()


def test_it_can_be_stopped_while_torch_is_downloaded_and_nothing_comes_after_it(slicer_with_the_extension):
    waiting = Waiting()
    installation, outcomes = slicer_with_the_extension.install(run=waiting.run)
    assert outcomes == []
    (arguments, onFinished) = waiting.started[0]
    assert arguments[1:4] == ("-m", "light_the_torch", "install")
    installation.cancel()
    assert waiting.cancelled == 1
    onFinished(Finished(None, "", "cancelled"))
    (outcome,) = outcomes
    assert (outcome.ok, outcome.cancelled) == (False, True)
    assert not {"torch", "monai"} & set(outcome.state.versions)


def test_a_pip_that_cannot_be_stopped_ends_and_torch_does_not_begin(slicer_with_the_extension):
    waiting = Waiting()
    installation, outcomes = slicer_with_the_extension.install(pip=waiting.pip)
    (arguments, onEnd) = waiting.started[0]
    assert arguments[-1] == "light-the-torch>=0.5"
    installation.cancel()
    onEnd(0)
    assert outcomes[0].cancelled
    assert len(waiting.started) == 1
    assert not slicer_with_the_extension.note.exists()


def test_a_process_that_cannot_be_started_is_told(slicer_with_the_extension):
    def broken(command, onLine, onFinished):
        onFinished(Finished(None, "", "No such file"))
        return lambda: None

    _, (outcome,) = slicer_with_the_extension.install(run=broken)
    assert "torch could not be installed (ERROR: No such file)" in outcome.message
