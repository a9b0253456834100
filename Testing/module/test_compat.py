"""What differs between Slicer 5.10 and 5.12, against small stand-ins of each."""

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import slicer

from DualSSLSegmentationLib import compat
from DualSSLSegmentationLib.setup.commands import Finished
from DualSSLSegmentationLib.setup.engineSetup import SetupError
from DualSSLSegmentationLib.setup.interpreters import ownInterpreter

INTERPRETER = ownInterpreter(Path("PythonSlicer"), {"PATH": "/bin"})
ARGUMENTS = ("--only-binary", ":all:", "--constraint", "a folder/c.txt", "monai>=1.5,<1.7")


class Packaging(ModuleType):
    """`slicer.packaging` as 5.12 has it: remembers its calls and ends them as told."""

    def __init__(self):
        super().__init__("slicer.packaging")
        self.calls = []
        self.busy = False

    def isPipInstallInProgress(self):
        return self.busy

    def pip_install(self, requirements, constraints=None, blocking=True, show_progress=True, requester=None, **callbacks):
        if not isinstance(requirements, list):
            raise ValueError("pip_install requirement input must be string or list")
        self.calls.append(("install", requirements, blocking, show_progress, requester))
        # In a test the application blocks here and calls nobody back.
        if not slicer.app.testingEnabled():
            self.end(**callbacks)

    def pip_uninstall(self, requirements, blocking=True, logCallback=None, completedCallback=None):
        self.calls.append(("uninstall", requirements, blocking))
        self.end(logCallback, completedCallback)

    def end(self, logCallback, completedCallback):
        logCallback("Collecting monai")
        completedCallback(0)


class App(SimpleNamespace):
    """`slicer.app` as far as it is asked."""

    testing = False

    def testingEnabled(self):
        return self.testing


@pytest.fixture
def slicer_510(monkeypatch, tmp_path):
    """An application without `slicer.packaging`."""
    (tmp_path / "bin").mkdir()
    app = App(applicationName="Slicer", applicationVersion="5.10.0", revision="33905", slicerHome=str(tmp_path))
    app.slicerUserSettingsFilePath = str(tmp_path / "settings" / "Slicer.ini")
    monkeypatch.setattr(slicer, "app", app, raising=False)
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    monkeypatch.delattr(slicer, "packaging", raising=False)
    return app


@pytest.fixture
def slicer_512(slicer_510, monkeypatch):
    """An application with `slicer.packaging`."""
    slicer_510.applicationVersion = "5.12.3"
    packaging = Packaging()
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setattr(slicer, "packaging", packaging, raising=False)
    return slicer_510


@pytest.fixture
def run():
    """A runner that remembers its commands and ends each at once."""
    commands = []

    def start(command, onLine, onFinished):
        commands.append(command)
        onLine("Collecting monai")
        onFinished(Finished(0, "", ""))
        return lambda: commands.append("cancelled")

    start.commands = commands
    return start


def use_pip(run, action="install"):
    lines, ends = [], []
    cancel = compat.pip(INTERPRETER, run)(action, ARGUMENTS, lines.append, ends.append)
    return lines, ends, cancel


def test_on_510_pip_is_a_child_process_that_can_be_cancelled(slicer_510, run):
    lines, ends, cancel = use_pip(run)
    assert run.commands[0].arguments == ("PythonSlicer", "-m", "pip", "install", *ARGUMENTS)
    assert (lines, ends) == (["Collecting monai"], [0])
    cancel()
    assert run.commands[-1] == "cancelled"


def test_on_512_pip_is_slicers_and_does_not_block(slicer_512, run):
    lines, ends, cancel = use_pip(run)
    assert slicer.packaging.calls == [("install", list(ARGUMENTS), False, False, "DualSSLSegmentation")]
    assert (lines, ends, run.commands) == (["Collecting monai"], [0], [])
    cancel()


def test_on_512_in_a_test_the_end_is_told_although_slicer_tells_nobody(slicer_512, run):
    slicer_512.testing = True
    assert use_pip(run)[1] == [0]
    slicer.packaging.pip_install = lambda *_, **__: 1 / 0
    lines, ends, _ = use_pip(run)
    assert (lines, ends) == (["ERROR: division by zero"], [1])


@pytest.mark.parametrize("testing", [False, True])
def test_packages_are_removed_without_a_question_on_either(slicer_512, run, testing, monkeypatch):
    slicer_512.testing = testing
    assert use_pip(run, "uninstall")[1] == [0]
    assert slicer.packaging.calls[0][:2] == ("uninstall", list(ARGUMENTS))
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    use_pip(run, "uninstall")
    assert run.commands[0].arguments[:5] == ("PythonSlicer", "-m", "pip", "uninstall", "--yes")


def test_only_512_knows_that_another_extension_installs(slicer_512, monkeypatch):
    compat.refuseSecondInstallation()
    slicer.packaging.busy = True
    with pytest.raises(SetupError, match="Another extension is installing"):
        compat.refuseSecondInstallation()
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    compat.refuseSecondInstallation()


def test_the_application_names_itself(slicer_512, monkeypatch):
    assert compat.applicationVersion() == "Slicer 5.12.3 (revision 33905)"
    monkeypatch.delattr(slicer, "app")
    assert compat.applicationVersion() == "no Slicer application"


def test_the_persons_folder_is_beside_the_settings_whatever_the_version(slicer_510, tmp_path, monkeypatch):
    assert compat.homeFolder() == tmp_path / "settings" / "DualSSLSegmentation"
    monkeypatch.delattr(slicer, "app")
    assert compat.homeFolder() == Path.home() / "DualSSLSegmentation"


def test_pythonslicer_is_found_in_the_application_or_on_the_path(slicer_510, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    with pytest.raises(SetupError, match="PythonSlicer is not found"):
        compat.slicerInterpreter()
    name = "PythonSlicer.exe" if os.name == "nt" else "PythonSlicer"
    for folder in ("elsewhere", "bin"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text("")
        (tmp_path / folder / name).chmod(0o755)
        assert compat.slicerInterpreter().program == tmp_path / folder / name
    assert compat.slicerInterpreter().own


def test_a_chosen_interpreter_gets_the_environment_slicer_was_started_in(slicer_510, tmp_path, monkeypatch):
    monkeypatch.setattr(slicer.util, "startupEnvironment", lambda: {"PATH": "/usr/bin", "HOME": "/home"})
    monkeypatch.setenv("QT_PLUGIN_PATH", str(tmp_path / "lib"))
    chosen = compat.chosenInterpreter(Path("python"))
    assert not chosen.own
    assert chosen.environment["PATH"] == "/usr/bin"
    assert "QT_PLUGIN_PATH" not in chosen.environment


def test_without_that_record_what_is_slicers_is_taken_out(slicer_510, tmp_path, monkeypatch):
    monkeypatch.setattr(slicer.util, "startupEnvironment", lambda: slicer.app.startupEnvironment())
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), "/usr/bin"]))
    assert compat.chosenInterpreter(Path("python")).environment["PATH"] == "/usr/bin"


def test_the_pytorch_extension_is_found_without_being_imported(monkeypatch, tmp_path):
    assert compat.hasTorchExtension() is False
    (tmp_path / "PyTorchUtils.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert compat.hasTorchExtension() is True


def test_the_title_of_a_category_is_for_those_who_show_it():
    titles = []
    compat.registerSampleDataCategory(SimpleNamespace(), "Category", "Title")
    new = SimpleNamespace(registerCustomSampleDataCategory=lambda category, title: titles.append((category, title)))
    compat.registerSampleDataCategory(new, "Category", "Title")
    assert titles == [("Category", "Title")]


def test_the_persons_folder_can_be_named(slicer_510, tmp_path, monkeypatch):
    monkeypatch.setenv("DUALSSL_HOME", str(tmp_path / "Büro"))
    assert compat.homeFolder() == tmp_path / "Büro"
