"""The harness as the application: windows, a folder of the person's own with a model, and the engine in this very Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from module_speed.engine import ROOT
from module_speed.timings import Timing

MODULE_FILE = ROOT / "DualSSLSegmentation" / "DualSSLSegmentation.py"


class HarnessHost:
    """The application without the module; see `open`."""

    def __init__(self, home: Path) -> None:
        import scripted
        import slicerCore

        scripted.install()
        slicerCore.application()
        from PySide6 import QtCore

        import windows

        self.windows = windows.Windows()
        self.windows.mainWindow.resize(1500, 1120)  # type: ignore[union-attr]
        self.windows.core.app.slicerUserSettingsFilePath = str(home / "Slicer.ini")
        QtCore.QSettings().setValue("DualSSLSegmentation/Interpreter", sys.executable)
        self._module: Any = None

    def start(self) -> Timing:
        """List the module, as the application does when it starts; how long that took."""
        from moduleHost import OpenedModule

        began = perf_counter(), process_time()
        self._module = OpenedModule(MODULE_FILE, self.windows)
        self.windows.application.startupCompleted.emit()
        return Timing(perf_counter() - began[0], process_time() - began[1])

    def open(self) -> tuple[Any, Timing]:
        """Open the module, until its panel is drawn; its widget, and how long that took."""
        began = perf_counter(), process_time()
        widget = self._module.open()
        self._module.enter()
        self.windows.turn()
        return widget, Timing(perf_counter() - began[0], process_time() - began[1])

    def faults(self) -> list[str]:
        """Errors that nobody was told of."""
        import guard

        return [str(entry) for entry in guard.log.faults]

    def close(self) -> None:
        """End the module and the application's windows."""
        self._module.close()
        self.windows.close()


@contextmanager
def harness(home: Path) -> Iterator[HarnessHost]:
    """The application for as long as the block runs."""
    host = HarnessHost(home)
    try:
        yield host
    finally:
        host.close()
