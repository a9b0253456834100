"""`slicer.app` with windows: the one application object of Qt, with what qSlicerApplication adds to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# Without a screen; to be set before the application object is made.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtWidgets

import guard
import slicerCore
from pythonqtMembers import scripted

Property = QtCore.Property
# Said by Qt on every machine without a screen.
_HARMLESS = ("propagateSizeHints", "XDG_RUNTIME_DIR")


class qSlicerModuleManager(QtCore.QObject):
    """Tells which module goes."""

    moduleAboutToBeUnloaded = QtCore.Signal(str)

    @scripted
    def module(self, name: str) -> Any:
        """A module by its name, None where there is none."""
        return getattr(slicerCore.application().modules, name.lower(), None)


class qSlicerApplication(QtWidgets.QApplication):
    """The application. What has no stand-in here is no attribute.

    Attributes:
        testing: whether `testingEnabled` says so: message boxes answer themselves then. A test of a question switches it off.
        windows: the windows, while there are any; see windows.py.
        renderPauses: how often `pauseRender` was called without its end.
    """

    startupCompleted = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self.core = slicerCore.application()
        self.testing = True
        self.windows: Any = None
        self.renderPauses = 0
        self._moduleManager = qSlicerModuleManager(self)
        self.setApplicationName("Slicer")
        self.setOrganizationName("NA-MIC")
        self.setApplicationVersion(self.core.app.applicationVersion)
        self._settings()

    def _settings(self) -> None:
        kind = QtCore.QSettings.Format.IniFormat
        QtCore.QSettings.setDefaultFormat(kind)
        for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
            QtCore.QSettings.setPath(kind, scope, str(self.core.folder / "settings"))

    @scripted
    def mrmlScene(self) -> Any:
        """The scene of the application."""
        return self.core.scene

    @scripted
    def applicationLogic(self) -> Any:
        """The real vtkSlicerApplicationLogic."""
        return self.core.applicationLogic

    @scripted
    def moduleLogic(self, name: str) -> Any:
        """The logic of a module by its name."""
        return getattr(self.core.modules, name.lower()).logic()

    @scripted
    def coreIOManager(self) -> Any:
        """The stand-in of reading and writing files."""
        return self.core.app.coreIOManager()

    @scripted
    def ioManager(self) -> Any:
        """As `coreIOManager`."""
        return self.coreIOManager()

    @scripted
    def layoutManager(self) -> Any:
        """The views; None without windows."""
        return self.windows.layoutManager if self.windows is not None else None

    @scripted
    def mainWindow(self) -> Any:
        """The main window; None without windows."""
        return self.windows.mainWindow if self.windows is not None else None

    @scripted
    def moduleManager(self) -> Any:
        """Tells which module goes."""
        return self._moduleManager

    @scripted
    def userSettings(self) -> Any:
        """Settings of the person, in a temporary folder."""
        return QtCore.QSettings()

    @scripted
    def settings(self) -> Any:
        """As `userSettings`."""
        return QtCore.QSettings()

    @scripted
    def startupEnvironment(self) -> Any:
        """The environment the application was started in."""
        return QtCore.QProcessEnvironment.systemEnvironment()

    @scripted
    def environment(self) -> Any:
        """The environment of the application."""
        return QtCore.QProcessEnvironment.systemEnvironment()

    @scripted
    def testingEnabled(self) -> bool:
        """Whether the application runs for a test."""
        return self.testing

    @scripted
    def pauseRender(self) -> None:
        """No view is drawn anew until `resumeRender` was called as often."""
        self.renderPauses += 1

    @scripted
    def resumeRender(self) -> None:
        """See `pauseRender`. Views that asked for it meanwhile are drawn."""
        if self.renderPauses == 0:
            guard.log.add("qt", "Cannot resume rendering, pause render count is already 0!")
            return
        self.renderPauses -= 1
        if self.windows is not None and self.renderPauses == 0:
            for view in (*self.windows.sliceViews.values(), self.windows.threeDView):
                if view is not None and view.needsRender:
                    view.onRenderRequested()

    @scripted
    def toSlicerHomeAbsolutePath(self, path: str) -> str:
        """A path below the application's folder."""
        return str(Path(self.core.app.slicerHome) / path)

    temporaryPath = Property(str, lambda self: self.core.app.temporaryPath)
    slicerHome = Property(str, lambda self: self.core.app.slicerHome)
    slicerUserSettingsFilePath = Property(str, lambda self: self.core.app.slicerUserSettingsFilePath)
    majorVersion = Property(int, lambda self: self.core.app.majorVersion)
    minorVersion = Property(int, lambda self: self.core.app.minorVersion)
    revision = Property(str, lambda self: self.core.app.revision)
    repositoryRevision = Property(str, lambda self: self.core.app.revision)
    platform = Property(str, lambda self: self.core.app.platform)
    os = Property(str, lambda self: "linux")
    arch = Property(str, lambda self: "amd64")


def _onMessage(kind: QtCore.QtMsgType, _context: QtCore.QMessageLogContext, text: str) -> None:
    bad = (QtCore.QtMsgType.QtWarningMsg, QtCore.QtMsgType.QtCriticalMsg)
    if kind in bad and not any(harmless in text for harmless in _HARMLESS):
        guard.log.add("qt", text)


def qtApplication() -> qSlicerApplication:
    """The application object of this process; the first call makes it."""
    existing = QtWidgets.QApplication.instance()
    if isinstance(existing, qSlicerApplication):
        return existing
    QtCore.qInstallMessageHandler(_onMessage)
    return qSlicerApplication()
