"""Opens a scripted module's file as the application does: lists it, makes its panel, shows and hides it, and ends it.

As in the application an exception in the module's own methods is printed and forgotten; here it is a fault of the kind "slot".
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets
from shiboken6 import isValid

import guard
from mrmlWidget import qMRMLWidget
from pythonqtMembers import scripted
from pythonqtObject import wrap
from windows import Windows

Property = QtCore.Property


class qSlicerScriptedLoadableModule(QtCore.QObject):
    """What the application knows of a module: the texts it was given, its path and its panel."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._values: dict[str, Any] = {"path": str(path), "moduleName": path.stem}
        self._logic = slicer.vtkSlicerScriptedLoadableModuleLogic()
        self.panel: qSlicerScriptedLoadableModuleWidget | None = None

    def _get(self, name: str, otherwise: Any) -> Any:
        return self._values.get(name, otherwise)

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = value

    @scripted
    def logic(self) -> Any:
        """The C++ logic of a scripted module; the Python one is the widget's."""
        return self._logic

    @scripted
    def widgetRepresentation(self) -> Any:
        """The panel."""
        return self.panel

    @scripted
    def setWidgetRepresentationCreationEnabled(self, enabled: bool) -> None:
        """Whether the module has a panel."""
        self._values["widgetRepresentationCreationEnabled"] = enabled

    title = Property(str, lambda self: self._get("title", ""), lambda self, v: self._set("title", v))
    categories = Property("QStringList", lambda self: self._get("categories", []), lambda self, v: self._set("categories", v))
    dependencies = Property(
        "QStringList", lambda self: self._get("dependencies", []), lambda self, v: self._set("dependencies", v)
    )
    contributors = Property(
        "QStringList", lambda self: self._get("contributors", []), lambda self, v: self._set("contributors", v)
    )
    helpText = Property(str, lambda self: self._get("helpText", ""), lambda self, v: self._set("helpText", v))
    acknowledgementText = Property(
        str, lambda self: self._get("acknowledgementText", ""), lambda self, v: self._set("acknowledgementText", v)
    )
    associatedNodeTypes = Property(
        "QStringList", lambda self: self._get("nodeTypes", []), lambda self, v: self._set("nodeTypes", v)
    )
    hidden = Property(bool, lambda self: self._get("hidden", False), lambda self, v: self._set("hidden", v))
    index = Property(int, lambda self: self._get("index", -1), lambda self, v: self._set("index", v))
    icon = Property(QtGui.QIcon, lambda self: self._get("icon", QtGui.QIcon()), lambda self, v: self._set("icon", v))
    path = Property(str, lambda self: self._values["path"])
    name = Property(str, lambda self: self._values["moduleName"])


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The application's widget around a module's panel."""

    def __init__(self) -> None:
        super().__init__()
        QtWidgets.QVBoxLayout(self)
        self.entered = False
        self.pythonSelf: Any = None

    @scripted
    def self(self) -> Any:
        """The module's own panel, a Python object."""
        return self.pythonSelf

    isEntered = Property(bool, lambda self: self.entered)


class OpenedModule:
    """A module that was opened.

    Args:
        path: its file.
        windows: the application's windows.

    Attributes:
        name: of the file, without its ending.
        module: the Python module.
        instance: the module's instance of ScriptedLoadableModule.
        widget: the module's own panel; None before `open`.
        panel: the application's widget around it, of PySide.
    """

    def __init__(self, path: Path, windows: Windows) -> None:
        self.name = path.stem
        self._windows = windows
        self._path = path
        self._folder = str(path.parent)
        self.widget: Any = None
        self.panel: qSlicerScriptedLoadableModuleWidget | None = None
        if self._folder not in sys.path:
            sys.path.append(self._folder)
        self.module = self._load(path)
        self._representation = qSlicerScriptedLoadableModule(path)
        setattr(slicer.modules, self.name.lower(), wrap(self._representation))
        self.instance = self._call(getattr(self.module, self.name), wrap(self._representation))
        setattr(slicer.modules, f"{self.name}Instance", self.instance)

    def _load(self, path: Path) -> Any:
        specification = importlib.util.spec_from_file_location(self.name, path)
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        sys.modules[self.name] = module
        specification.loader.exec_module(module)
        return module

    def _call(self, method: Any, *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except Exception:
            guard.log.addException("slot", f"Exception in {self.name}.{getattr(method, '__name__', method)}:")
            return None

    def open(self) -> Any:
        """Make the panel, as when the module is chosen for the first time: `setup` comes before the scene.

        Returns:
            The module's own panel.
        """
        self.panel = qSlicerScriptedLoadableModuleWidget()
        self._representation.panel = self.panel
        self.widget = self._call(getattr(self.module, f"{self.name}Widget"), wrap(self.panel))
        self.panel.pythonSelf = self.widget
        setattr(slicer.modules, f"{self.name}Widget", self.widget)
        self.panel.setObjectName(f"{self.name}ModuleWidget")
        if self.widget is not None:
            self._call(self.widget.setup)
        self.panel.setMRMLScene(slicer.mrmlScene)
        if self._windows.mainWindow is not None:
            self._windows.mainWindow.panel.setWidget(self.panel)
        self._windows.turn()
        return self.widget

    def enter(self) -> None:
        """Show the module."""
        assert self.panel is not None
        self.panel.entered = True
        self._call(getattr(self.widget, "enter", lambda: None))
        self.panel.show()
        self._windows.turn()

    def exit(self) -> None:
        """Show another module instead."""
        assert self.panel is not None
        self.panel.entered = False
        self._call(getattr(self.widget, "exit", lambda: None))
        self.panel.hide()
        self._windows.turn()

    def reload(self) -> Any:
        """Read the file again, as the developers' button does: what was in the panel is only hidden, and `enter` is not called.

        Returns:
            The module's new panel.
        """
        assert self.panel is not None
        self.module = self._load(self._path)
        for child in self.panel.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            child.hide()
        self._call(self.widget.cleanup)
        slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self.widget._onModuleAboutToBeUnloaded)
        layout = self.panel.layout()
        while layout.count():
            layout.takeAt(0)
        self.widget = self._call(getattr(self.module, f"{self.name}Widget"), wrap(self.panel))
        self.panel.pythonSelf = self.widget
        setattr(slicer.modules, f"{self.name}Widget", self.widget)
        self._call(self.widget.setup)
        self._windows.turn()
        return self.widget

    def close(self) -> None:
        """End the module, as when the application ends: exit, then cleanup."""
        if self.panel is not None and isValid(self.panel):
            if self.panel.entered:
                self.exit()
            self._windows.application.moduleManager().moduleAboutToBeUnloaded.emit(self.name)
            if self._windows.mainWindow is not None:
                self._windows.mainWindow.panel.takeWidget()
            self.panel.deleteLater()
        self.panel = None
        for attribute in (self.name.lower(), f"{self.name}Instance", f"{self.name}Widget"):
            if attribute in vars(slicer.modules):
                delattr(slicer.modules, attribute)
        sys.modules.pop(self.name, None)
        self.widget = self.instance = None
        self._windows.turn()
