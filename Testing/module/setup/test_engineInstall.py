"""Installing with the real pip: only what was listed comes in, what Slicer brings stays, and all of it can be removed again."""

import os
import sys

import pytest

from DualSSLSegmentationLib.setup.commands import runAndWait
from DualSSLSegmentationLib.setup.downloads import Downloads
from DualSSLSegmentationLib.setup.engineInstall import Installation, remove
from DualSSLSegmentationLib.setup.enginePip import pipOf, reasonOf
from DualSSLSegmentationLib.setup.engineRequirements import Requirement
from DualSSLSegmentationLib.setup.engineSetup import look, plan
from DualSSLSegmentationLib.setup.interpreters import ownInterpreter
from pythonEnvironments import makeEnvironment, makeWheel, plainEnvironment, unpack

REQUIREMENTS = (
    Requirement("numpy", "1.26", "3", "arrays", "20 MB"),
    Requirement("torch", "2.6", "3", "networks", "200 MB"),
    Requirement("monai", "1.5", "1.7", "medical images", "3 MB"),
)


class SlicerInAFolder:
    """A Python of Slicer's with a bundled numpy, a folder of wheels, and a person's own folder."""

    def __init__(self, folder, **more):
        self.wheels = folder / "wheels é"
        self.home = folder / "home"
        bundled = {"numpy": "2.0.1"} | more
        installed = [makeWheel(folder / "bundled", name, version) for name, version in bundled.items()]
        self.program = makeEnvironment(folder / "python", installed)
        self.interpreter = ownInterpreter(self.program, plainEnvironment())
        self.downloads = Downloads(self.home)
        self.pip = pipOf(self.interpreter, runAndWait)
        self.lines = []
        makeWheel(self.wheels, "torch", "2.13.0", ["helper"])
        makeWheel(self.wheels, "helper", "1.0")
        makeWheel(self.wheels, "monai", "1.6.1", ["numpy", "torch>=2.4"])
        # What pip would take if nothing held it back.
        makeWheel(self.wheels, "numpy", "2.4.6")

    def state(self):
        states = []
        look(runAndWait, self.interpreter, REQUIREMENTS, states.append, pytest.fail)
        return states[0]

    def plan(self, torchExtension=False):
        return plan(self.state(), own=True, torchExtension=torchExtension, wheels=None if torchExtension else self.wheels)

    def install(self, torch=None, pip=None, plan=None):
        """Install and return the outcome."""
        outcomes = []
        Installation(
            plan or self.plan(),
            self.state(),
            self.interpreter,
            runAndWait,
            pip or self.pip,
            self.downloads,
            self.lines.append,
            outcomes.append,
            torch,
        )
        assert len(outcomes) == 1
        return outcomes[0]

    def unpackingPip(self, *names):
        """A stand-in of pip that installs the wheels of these names, whatever it is asked for, and takes no time."""

        def pip(action, arguments, onLine, onEnd):
            for name in names:
                self.unpack(name)
            onEnd(0)
            return lambda: None

        return pip

    def unpack(self, name):
        (wheel,) = self.wheels.glob(f"{name}-*.whl")
        unpack(self.program.parents[1], wheel)


@pytest.fixture
def slicer_in_a_folder(tmp_path):
    return SlicerInAFolder(tmp_path)


@pytest.fixture
def temporary_files(tmp_path, monkeypatch):
    """The folder of temporary files of this process, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_what_was_listed_is_installed_numpy_stays_and_all_of_it_can_be_removed(slicer_in_a_folder, temporary_files):
    outcome = slicer_in_a_folder.install()
    assert outcome.ok, outcome.message
    assert outcome.message == "The engine is set up."
    assert outcome.state.ready
    assert outcome.installed == {"torch": "2.13.0", "monai": "1.6.1", "helper": "1.0"}
    assert outcome.state.versions["numpy"] == "2.0.1"
    assert any("Successfully installed" in line for line in slicer_in_a_folder.lines)
    assert list(temporary_files.iterdir()) == []

    removal = slicer_in_a_folder.downloads.removal(outcome.state)
    assert removal.packages == outcome.installed
    removed = []
    remove(removal, slicer_in_a_folder.downloads, slicer_in_a_folder.pip, print, removed.append)
    assert removed[0].ok, removed[0].message
    assert slicer_in_a_folder.state().versions == {"numpy": "2.0.1"}
    assert slicer_in_a_folder.downloads.removal(slicer_in_a_folder.state()).empty


def test_a_package_that_needs_another_numpy_is_not_installed_and_nothing_changes(slicer_in_a_folder):
    makeWheel(slicer_in_a_folder.wheels, "monai", "1.6.1", ["numpy>=2.4", "torch"])
    before = slicer_in_a_folder.state().versions
    outcome = slicer_in_a_folder.install()
    assert not outcome.ok
    assert "need other versions of what Slicer brings, which is never changed" in outcome.message
    assert slicer_in_a_folder.state().versions == before
    assert not slicer_in_a_folder.home.exists()


def test_a_source_package_is_never_built(slicer_in_a_folder):
    (slicer_in_a_folder.wheels / "monai-1.6.1-py3-none-any.whl").unlink()
    source = slicer_in_a_folder.wheels / "monai-1.6.1.tar.gz"
    source.write_bytes(b"never opened")
    outcome = slicer_in_a_folder.install()
    assert not outcome.ok
    assert "no wheel of monai" in outcome.message
    assert "torch" not in outcome.state.versions


def test_a_change_of_what_was_to_stay_is_told_with_its_remedy(slicer_in_a_folder):
    careless = slicer_in_a_folder.unpackingPip("torch", "monai", "helper", "numpy")
    outcome = slicer_in_a_folder.install(pip=careless)
    assert not outcome.ok
    assert "numpy was changed from 2.0.1 to 2.4.6, although it was to stay" in outcome.message
    assert 'PythonSlicer -m pip install --force-reinstall --no-deps "numpy==2.0.1"' in outcome.message


def test_a_change_of_something_else_is_mentioned(tmp_path):
    slicer_in_a_folder = SlicerInAFolder(tmp_path, helper="1.0")
    (slicer_in_a_folder.wheels / "helper-1.0-py3-none-any.whl").unlink()
    makeWheel(slicer_in_a_folder.wheels, "helper", "2.0")
    outcome = slicer_in_a_folder.install(pip=slicer_in_a_folder.unpackingPip("torch", "monai", "helper"))
    assert outcome.ok
    assert outcome.message == "The engine is set up. pip also changed helper from 1.0 to 2.0."
    assert "helper" not in outcome.installed


def test_an_installed_package_that_does_not_work_is_told(slicer_in_a_folder):
    makeWheel(slicer_in_a_folder.wheels, "torch", "2.13.0", code="raise OSError('a library is missing')")
    outcome = slicer_in_a_folder.install(pip=slicer_in_a_folder.unpackingPip("torch", "monai"))
    assert not outcome.ok
    assert "torch is installed but does not work (OSError: a library is missing)" in outcome.message
    assert outcome.installed["torch"] == "2.13.0"


def test_cancelling_stops_pip_and_what_is_there_by_then_is_recorded(slicer_in_a_folder):
    ends, outcomes, cancelled = [], [], []

    def waiting_pip(action, arguments, onLine, onEnd):
        ends.append(onEnd)
        return lambda: cancelled.append(True)

    before = slicer_in_a_folder.state()
    made = slicer_in_a_folder.plan()
    installation = Installation(
        made,
        before,
        slicer_in_a_folder.interpreter,
        runAndWait,
        waiting_pip,
        slicer_in_a_folder.downloads,
        lambda _: None,
        outcomes.append,
    )
    slicer_in_a_folder.unpack("helper")
    installation.cancel()
    ends[0](None)
    assert cancelled == [True]
    assert outcomes[0].cancelled
    assert not outcomes[0].ok
    assert slicer_in_a_folder.downloads.removal(slicer_in_a_folder.state()).packages == {"helper": "1.0"}


def test_a_removal_that_pip_refuses_stays_on_record(slicer_in_a_folder):
    slicer_in_a_folder.downloads.addPackages({"numpy": "2.0.1"})
    removal = slicer_in_a_folder.downloads.removal(slicer_in_a_folder.state())

    def failing_pip(action, arguments, onLine, onEnd):
        onLine("ERROR: [WinError 5] Access is denied")
        onEnd(1)
        return lambda: None

    outcomes = []
    remove(removal, slicer_in_a_folder.downloads, failing_pip, lambda _: None, outcomes.append)
    assert not outcomes[0].ok
    assert "The packages could not be removed: files of Slicer's Python cannot be written" in outcomes[0].message
    assert not slicer_in_a_folder.downloads.removal(slicer_in_a_folder.state()).empty


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'", "restart Slicer"),
        (
            "WARNING: Retrying after NewConnectionError\nERROR: No matching distribution found for torch",
            "internet cannot be reached",
        ),
        ("ERROR: No matching distribution found for torch<3,>=2.6", "no wheel of torch<3,>=2.6"),
        ("Something\nERROR: what nobody has seen before\nafterwards", "(ERROR: what nobody has seen before)"),
        ("", "pip said nothing"),
    ],
)
def test_what_pip_says_becomes_a_sentence(said, words):
    sentence = reasonOf(said.splitlines())
    assert words in sentence
    assert sentence.endswith(".")


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="where the folder of programs can be closed this way")
def test_a_pip_that_cannot_be_started_is_told(slicer_in_a_folder):
    made, before = slicer_in_a_folder.plan(), slicer_in_a_folder.state()
    slicer_in_a_folder.program.unlink()
    outcomes = []
    Installation(
        made,
        before,
        slicer_in_a_folder.interpreter,
        runAndWait,
        slicer_in_a_folder.pip,
        slicer_in_a_folder.downloads,
        lambda _: None,
        outcomes.append,
    )
    assert not outcomes[0].ok
    assert "No such file" in outcomes[0].message
