"""One text about this installation for whoever helps with a fault: versions, devices, places, log. It names nobody."""

from __future__ import annotations

import logging
import os
import platform
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from DualSSLSegmentationLib.setup.anonymousLines import withoutNames, withoutPerson

LINES = 200
LOGGERS = ("dualssl", "DualSSLSegmentationLib", "DualSSLSegmentation")


class RecentLog(logging.Handler):
    """Keeps the last lines that the module, the engine's packages and the worker have logged.

    Args:
        lines: how many.
    """

    def __init__(self, lines: int = LINES) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=lines)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; called by `logging`."""
        self.add(self.format(record))

    def add(self, text: str) -> None:
        """Keep lines that came another way, such as the worker's standard error."""
        self._lines.extend(line for line in text.splitlines() if line.strip())

    def lines(self) -> tuple[str, ...]:
        """What is kept, the oldest first."""
        return tuple(self._lines)

    def attach(self, names: Iterable[str] = LOGGERS) -> None:
        """Listen to loggers; they go on telling everybody else."""
        for name in names:
            logging.getLogger(name).addHandler(self)

    def detach(self, names: Iterable[str] = LOGGERS) -> None:
        """End what `attach` began."""
        for name in names:
            logging.getLogger(name).removeHandler(self)


@dataclass(frozen=True)
class Diagnostics:
    """What is told.

    Attributes:
        application: such as `Slicer 5.12.3 (revision 34567)`.
        engine: version of `dualssl` in the extension.
        worker: facts about the engine's process, such as its `hello`, torch's version, or why there is none.
        devices: as the worker lists them: id, name, memory_gb.
        places: what is kept where.
        log: lines, the oldest first.
    """

    application: str
    engine: str
    worker: Mapping[str, Any] = field(default_factory=dict)
    devices: Sequence[Mapping[str, Any]] = ()
    places: Mapping[str, Path] = field(default_factory=dict)
    log: Sequence[str] = ()

    def text(self) -> str:
        """All of it, ready for the clipboard."""
        lines = ["DualSSLSegmentation diagnostics", ""]
        lines += [f"{name}: {value}" for name, value in self._versions()]
        lines += ["", "Engine process"]
        lines += [f"  {name}: {withoutPerson(str(value))}" for name, value in self.worker.items()] or ["  none has run yet"]
        lines += [f"  device {d.get('id')}: {d.get('name')}, {d.get('memory_gb')} GB" for d in self.devices]
        lines += ["", "Places"]
        lines += [f"  {name}: {placeText(path)}" for name, path in self.places.items()] or ["  none"]
        lines += ["", f"Log, at most {LINES} lines; names, paths, dates and long numbers are left out"]
        lines += [f"  {withoutPerson(line)}" for line in list(self.log)[-LINES:]] or ["  nothing was logged"]
        return "\n".join(lines) + "\n"

    def _versions(self) -> list[tuple[str, str]]:
        return [
            ("Application", self.application),
            ("Engine", f"dualssl {self.engine}"),
            ("Python", f"{platform.python_version()}, {64 if sys.maxsize > 2**32 else 32} bit"),
            *((module, _version(module)) for module in ("numpy", "SimpleITK", "vtk")),
            ("System", platform.platform()),
            ("Processors", str(os.cpu_count())),
        ]


def placeText(path: Path) -> str:
    """A path with `~` for the home folder, and without the names of user and computer."""
    home = str(Path.home()).rstrip(os.sep)
    text = str(path)
    if text == home or text.startswith(home + os.sep):
        text = "~" + text[len(home) :]
    return withoutNames(text)


def _version(module: str) -> str:
    """Of what this process has imported; importing it for the sake of its version would be slow."""
    loaded = sys.modules.get(module)
    if loaded is None:
        return "not imported"
    if module == "vtk":
        return str(loaded.vtkVersion.GetVTKVersion())
    return str(getattr(loaded, "__version__", "unknown"))
