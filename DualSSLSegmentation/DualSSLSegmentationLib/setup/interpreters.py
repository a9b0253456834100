"""Who computes: the application's own Python or one that a person chose, each with an environment that fits it.

The application's environment is made for its own programs. A foreign interpreter that inherits it looks for its standard
library in Slicer (PYTHONHOME), imports Slicer's packages (PYTHONPATH), loads Slicer's libraries, and fails in ways that point
nowhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from DualSSLSegmentationLib.setup.commands import Command

WORKER = "dualssl.worker"

# Lists of folders of which those inside the application are taken out; a person's own, of CUDA for instance, stay.
_FOLDER_LISTS = {
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FRAMEWORK_PATH",
    "LIBRARYPATHS",
    "QT_PLUGIN_PATH",
    "QT_QPA_PLATFORM_PLUGIN_PATH",
    "QML2_IMPORT_PATH",
    "ITK_AUTOLOAD_PATH",
    "TCL_LIBRARY",
    "TK_LIBRARY",
}
# What else speaks to the application's Python or launcher alone.
_FOREIGN_PREFIXES = ("PYTHON", "SLICER_", "APPLAUNCHER_", "PIP_")
# A certificate file inside the application stays valid for a foreign interpreter, so SSL_CERT_FILE is left.

_ALWAYS = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8",
    # Without it a file such as `random.py` in the folder that the application was started from would be imported.
    "PYTHONSAFEPATH": "1",
}


@dataclass(frozen=True)
class Interpreter:
    """A Python program and the environment it is run in.

    Attributes:
        program: path of the executable.
        own: whether it is the application's, into which packages may be installed after a yes. A person's own Python is never
            changed.
        environment: all variables, without the path to the engine.
    """

    program: Path
    own: bool
    environment: Mapping[str, str] = field(repr=False)

    def command(self, arguments: Iterable[str], engine: Path | None = None, seconds: float = 60.0) -> Command:
        """A command of this interpreter.

        Args:
            arguments: behind the program.
            engine: folder that holds the package `dualssl`; None where it is not imported.
            seconds: after which it is ended.
        """
        environment = dict(self.environment) if engine is None else self.environmentWith(engine)
        return Command((str(self.program), *arguments), environment, seconds)

    def environmentWith(self, engine: Path) -> dict[str, str]:
        """All variables for a process that imports `dualssl` from the folder `engine`."""
        earlier = self.environment.get("PYTHONPATH", "")
        paths = [str(engine), *(entry for entry in earlier.split(os.pathsep) if entry and entry != str(engine))]
        return {**self.environment, "PYTHONPATH": os.pathsep.join(paths)}

    def workerArguments(self, log: Path | None = None) -> tuple[str, ...]:
        """Program and arguments of the worker; its environment is that of `environmentWith`."""
        return (str(self.program), "-m", WORKER, *(() if log is None else ("--log", str(log))))


def ownInterpreter(program: Path, environment: Mapping[str, str]) -> Interpreter:
    """The application's Python.

    Args:
        program: `PythonSlicer`.
        environment: of the running application, which its Python needs.
    """
    return Interpreter(program, True, {**environment, **_ALWAYS})


def foreignInterpreter(program: Path, environment: Mapping[str, str], applicationHome: Path | None) -> Interpreter:
    """A person's own Python, such as that of a virtual or conda environment.

    Args:
        program: its executable.
        environment: the one the application was started in, or of the running application where that is not known.
        applicationHome: folder of the application, whose parts are taken out; None where there is none.
    """
    return Interpreter(program, False, {**_withoutApplication(environment, applicationHome), **_ALWAYS})


def programIn(chosen: Path) -> Path | None:
    """The Python that a person means by a path: an executable, or the folder of an environment that holds one."""
    if chosen.is_file():
        return chosen
    names = ("python.exe", "Scripts/python.exe") if sys.platform == "win32" else ("bin/python3", "bin/python", "python3")
    return next((chosen / name for name in names if (chosen / name).is_file()), None)


def _withoutApplication(environment: Mapping[str, str], home: Path | None) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in environment.items():
        if name.upper().startswith(_FOREIGN_PREFIXES):
            continue
        if name.upper() in _FOLDER_LISTS:
            folders = [folder for folder in value.split(os.pathsep) if folder and not _inside(folder, home)]
            if not folders:
                continue
            value = os.pathsep.join(folders)
        kept[name] = value
    return kept


def _inside(folder: str, home: Path | None) -> bool:
    if home is None:
        return False
    resolved, top = os.path.realpath(folder), os.path.realpath(home)
    return resolved == top or resolved.startswith(top.rstrip(os.sep) + os.sep)
