"""What the tests of the Slicer module share: the application with and without windows, and the record of unnoticed faults."""

import importlib
import logging
from pathlib import Path

import pytest

OURS = ("DualSSLSegmentation", "DualSSLSegmentationLib", "dualssl")
MODULE_FILE = Path(__file__).parents[2] / "DualSSLSegmentation" / "DualSSLSegmentation.py"
HOW_TO_INSTALL = (
    "`make setup` installs what it needs, or: python -m pip install 'train[slicer-test]'; "
    "on a bare Debian first: apt-get install libegl1 libgl1 libglib2.0-0 libxkbcommon0 libfontconfig1 libdbus-1-3"
)


def _missing():
    try:
        for name in ("slicer", "PySide6.QtWidgets"):
            importlib.import_module(name)
    except ImportError as error:
        return f"{error}. {HOW_TO_INSTALL}"
    return ""


MISSING = _missing()


class _SkippedModule(pytest.Module):
    """A file of tests that cannot even be imported here."""

    def collect(self):
        pytest.skip(MISSING, allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    return _SkippedModule.from_parent(parent, path=module_path) if MISSING else None


if not MISSING:
    import guard
    import scripted
    import slicerCore

    # Files that import slicer.i18n can be imported by tests; `qt` and `ctk` are there with the fixture `windows` only.
    scripted.install()


@pytest.fixture(autouse=True)
def no_unnoticed_fault():
    """Fails a test that leaves behind an error nobody was told of; a fault that is meant is taken from `guard.log`."""
    guard.watchVtk()
    guard.log.clear()
    yield guard.log
    guard.log.assertNone()


@pytest.fixture(scope="session")
def application():
    """The application without windows: scene, logics and modules."""
    return slicerCore.application()


@pytest.fixture
def scene(application):
    """The application's scene with nothing loaded, before and after the test."""
    application.startOver()
    yield application.scene
    application.startOver()


@pytest.fixture
def a_segmented_case(scene):
    """A case of two structures, as a prediction leaves it."""
    return importlib.import_module("sampleCases").segmentedCase(scene)


@pytest.fixture
def labels_of(a_segmented_case):
    """The case's label map as it is now."""
    read = importlib.import_module("DualSSLSegmentationLib.scene.segmentation").labelMapOf
    labels = importlib.import_module("sampleCases").LABELS
    return lambda: read(a_segmented_case, labels, a_segmented_case.image)


@pytest.fixture
def windows(scene):
    """The application with its main window: `slicer.app`, `qt`, `ctk` and Slicer's widgets are there."""
    yield from _opened(withMainWindow=True)


@pytest.fixture
def no_main_window(scene):
    """The application with widgets, but started without a main window and without views."""
    yield from _opened(withMainWindow=False)


def _opened(withMainWindow):
    opened = importlib.import_module("windows").Windows(withMainWindow)
    with guard.noThreads():
        yield opened
    opened.close()
    importlib.import_module("modalDialogs").answers.forget()


@pytest.fixture
def answers(windows):
    """What the person answers in the next dialogs, and what the dialogs asked."""
    return importlib.import_module("modalDialogs").answers


@pytest.fixture
def open_module(windows):
    """Opens a module's file in the application's main window; `open_module()` is this extension's module."""
    OpenedModule = importlib.import_module("moduleHost").OpenedModule
    opened = []

    def openFile(path=MODULE_FILE):
        module = OpenedModule(path, windows)
        opened.append(module)
        module.open()
        return module

    yield openFile
    for module in opened:
        module.close()


@pytest.fixture(scope="session")
def a_model_that_segments(tmp_path_factory):
    """Folder of a small model that finds the spheres of `trainedModels`; trained once, in seconds. Copy it to change it."""
    return importlib.import_module("trainedModels").trainModel(tmp_path_factory.mktemp("trained") / "spheres")


@pytest.fixture
def home(windows, tmp_path, monkeypatch):
    """The person's own folder; the engine runs in this Python."""
    return _settledIn(windows, tmp_path, monkeypatch)


def _settledIn(windows, tmp_path, monkeypatch):
    import sys

    from PySide6 import QtCore

    monkeypatch.setattr(windows.core.app, "slicerUserSettingsFilePath", str(tmp_path / "Slicer.ini"))
    QtCore.QSettings().setValue("DualSSLSegmentation/Interpreter", sys.executable)
    # The models that a person has are those that a test gives them, whatever ships.
    workspaces = importlib.import_module("DualSSLSegmentationLib.application.qtWorkspace")
    monkeypatch.setattr(workspaces, "shippedModels", lambda: tmp_path / "shipped")
    return tmp_path / "DualSSLSegmentation"


@pytest.fixture
def a_person(open_module, windows, home, caplog):
    """Opens the module with the small model in the person's registry, and looks at it."""
    Person = importlib.import_module("person").Person

    def sitDown():
        module = open_module()
        module.enter()
        return Person(module, windows)

    yield sitDown
    # What goes wrong in a listener or a job is only logged. `caplog.records` are those of the present phase alone.
    records = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    failed = [r for r in records if r.levelno >= logging.ERROR and r.name.partition(".")[0] in OURS]
    assert not failed, [record.exc_text or record.getMessage() for record in failed]


@pytest.fixture
def a_model_at_home(home, a_model_that_segments):
    """The small model is the active version of the person's registry."""
    from dualssl.registry.versions import ModelRegistry

    home.mkdir(parents=True, exist_ok=True)
    registry = ModelRegistry.create(home / "models")
    version = registry.register(a_model_that_segments, without_parent=True)
    registry.activate(version.id)
    return home / "models"
