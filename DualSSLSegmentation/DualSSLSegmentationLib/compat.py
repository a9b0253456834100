"""What differs between versions of Slicer, and what of the application the rest of the Lib is given as plain values.

Slicer 5.10 and later are supported. Each function looks the application up when it is called, so that importing this is safe in
PythonSlicer, in trame-slicer and in tests.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import slicer

from DualSSLSegmentationLib.setup.commands import Cancel, OnLine, Runner
from DualSSLSegmentationLib.setup.enginePip import Pip, pipOf
from DualSSLSegmentationLib.setup.engineSetup import SetupError
from DualSSLSegmentationLib.setup.interpreters import Interpreter, foreignInterpreter, ownInterpreter

REQUESTER = "DualSSLSegmentation"

_log = logging.getLogger(__name__)


def applicationVersion() -> str:
    """The application and its version, such as `Slicer 5.12.3 (revision 34567)`."""
    app = getattr(slicer, "app", None)
    version = getattr(app, "applicationVersion", None)
    if not version:
        return "no Slicer application"
    return f"{getattr(app, 'applicationName', 'Slicer')} {version} (revision {getattr(app, 'revision', 'unknown')})"


def applicationHome() -> Path | None:
    """The application's folder, or None without an application."""
    home = getattr(getattr(slicer, "app", None), "slicerHome", None) or os.environ.get("SLICER_HOME")
    return Path(str(home)) if home else None


def homeFolder() -> Path:
    """The person's own folder for models, cases and records, beside Slicer's settings: other versions of Slicer find it too.

    The environment variable `DUALSSL_HOME` names another one, as for tests in an application that somebody works with.
    """
    named = os.environ.get("DUALSSL_HOME")
    if named:
        return Path(named)
    settings = getattr(getattr(slicer, "app", None), "slicerUserSettingsFilePath", None)
    return (Path(str(settings)).parent if settings else Path.home()) / "DualSSLSegmentation"


def startupEnvironment() -> dict[str, str]:
    """The environment that the application was started in; the present one where that is not on record."""
    try:
        environment: Mapping[str, str] = slicer.util.startupEnvironment()
    except (AttributeError, ImportError):  # no application, or one without a launcher
        environment = os.environ
    return {str(name): str(value) for name, value in environment.items()}


def slicerInterpreter() -> Interpreter:
    """The application's own Python.

    `sys.executable` is the application itself there, not Python.

    Raises:
        SetupError: it is not found.
    """
    name = "PythonSlicer.exe" if os.name == "nt" else "PythonSlicer"
    home = applicationHome()
    program = None if home is None else next((p for p in (home / "bin" / name, home / name) if p.is_file()), None)
    # The application puts it on its PATH; a build tree has it elsewhere than an installation.
    found = program or shutil.which("PythonSlicer")
    if not found:
        raise SetupError("PythonSlicer is not found in this Slicer: install Slicer again, or choose another interpreter.")
    return ownInterpreter(Path(found), os.environ)


def chosenInterpreter(program: Path) -> Interpreter:
    """An interpreter that a person chose, with nothing of the application in its environment."""
    return foreignInterpreter(program, startupEnvironment(), applicationHome())


def pip(interpreter: Interpreter, run: Runner) -> Pip:
    """How pip is run for the application's Python.

    5.12 has `slicer.packaging`, which tells other extensions that an installation is going on and does not block. 5.10 has
    `slicer.util.pip_install`, which blocks the application until pip has ended: there pip is a child process of ours.
    """
    return _slicerPip if hasattr(_packaging(), "isPipInstallInProgress") else pipOf(interpreter, run)


def refuseSecondInstallation() -> None:
    """See that nobody else installs right now.

    Only 5.12 knows (`slicer.packaging.isPipInstallInProgress`).

    Raises:
        SetupError: another extension installs packages.
    """
    busy = getattr(_packaging(), "isPipInstallInProgress", None)
    if busy is not None and busy():
        raise SetupError("Another extension is installing Python packages: wait until it has ended, then try again.")


def hasTorchExtension() -> bool:
    """Whether the PyTorch extension is there, which other extensions share their torch by."""
    return importlib.util.find_spec("PyTorchUtils") is not None


def registerSampleDataCategory(sampleDataLogic: Any, category: str, title: str) -> None:
    """Give a category of sample data a title; 5.10 shows the category's own name."""
    register = getattr(sampleDataLogic, "registerCustomSampleDataCategory", None)
    if register is not None:
        register(category, title=title)


def _packaging() -> Any:
    try:
        import slicer.packaging
    except ImportError:
        return None
    return slicer.packaging


def _slicerPip(action: str, arguments: Sequence[str], onLine: OnLine, onEnd: Callable[[int | None], None]) -> Cancel:
    """Pip through `slicer.packaging` (5.12)."""
    packaging = _packaging()
    call = packaging.pip_install if action == "install" else packaging.pip_uninstall
    options: dict[str, Any] = {"show_progress": False, "requester": REQUESTER} if action == "install" else {}
    if slicer.app.testingEnabled() and action == "install":
        # There it blocks whatever it is asked for, and calls nobody back.
        try:
            call(list(arguments), **options)
        except Exception as error:
            onLine(f"ERROR: {error}")
            onEnd(1)
        else:
            onEnd(0)
    else:
        call(list(arguments), blocking=False, logCallback=onLine, completedCallback=onEnd, **options)
    return _cannotCancel


def _cannotCancel() -> None:
    _log.warning("slicer.packaging cannot stop pip: it goes on to its end.")
