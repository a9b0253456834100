"""Stand-ins of `slicer.ScriptedLoadableModule` and `slicer.i18n`: what a scripted module derives from.

The behaviour a module leans on is Slicer's: the widget takes the layout of its parent, a panel's `cleanup` is called when the
module manager says that the module goes, a logic has one parameter node in a scene. Developer mode is off.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
import types
import unittest
from pathlib import Path
from typing import Any

import slicer

import parameterNode


class ScriptedLoadableModule:
    """A module as the application lists it."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = []
        parent.helpText = ""
        parent.acknowledgementText = ""
        icon = Path(parent.path).parent / "Resources" / "Icons" / f"{self.moduleName}.png"
        if icon.is_file():
            import qt

            parent.icon = qt.QIcon(str(icon))
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, fileName: str) -> str:
        """A file below the module's Resources folder."""
        return str(Path(self.parent.path).parent / "Resources" / fileName)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        """A sentence with a link, for the help text."""
        return f'<p>For more information, see the <a href="{docPage or self.moduleName}">online documentation</a>.</p>'

    def runTest(self, msec: int = 100, **keywords: Any) -> None:
        """Run the module's own test."""
        test = getattr(importlib.import_module(type(self).__module__), f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**keywords)


class ScriptedLoadableModuleWidget:
    """A module's panel.

    Attributes:
        parent: the application's widget around the panel.
        layout: its layout.
        developerMode: False.
    """

    def __init__(self, parent: Any = None) -> None:
        if parent is None:
            raise ValueError("The harness makes panels only inside the application's widget; see moduleHost.py.")
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent
        self.layout = parent.layout()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, fileName: str) -> str:
        """A file below the module's Resources folder."""
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / fileName)

    def setup(self) -> None:
        """Make the panel; the base has nothing to show with developer mode off."""

    def cleanup(self) -> None:
        """End the panel."""

    def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
        if moduleName == self.moduleName:
            self.cleanup()
            manager = slicer.app.moduleManager()
            manager.disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    """What a module does, without a panel."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        """The module's parameter node of the scene, made where there is none."""
        scene = slicer.mrmlScene
        if self.isSingletonParameterNode:
            node = scene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node is not None:
                # Closing the scene empties a singleton.
                if node.GetAttribute("ModuleName") != self.moduleName:
                    node.SetAttribute("ModuleName", self.moduleName)
                return node
        else:
            existing = self.getAllParameterNodes()
            if existing:
                return existing[0]
        return scene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[Any]:
        """All parameter nodes of the module in the scene."""
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        """A parameter node, not yet in the scene."""
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A module's own test; messages are logged and take no time."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.moduleTestNames = [name for name in dir(self) if name.startswith("test") and callable(getattr(self, name))]

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        """Say what the test does."""
        logging.getLogger(__name__).info("%s", message)
        slicer.app.processEvents()

    def takeScreenshot(self, name: str, description: str, type: int = -1) -> None:
        """Only the message: pictures are made with windows.Windows.picture."""
        self.delayDisplay(description)

    def runTest(self) -> None:
        """Run all methods whose name begins with test."""
        for name in self.moduleTestNames:
            self.setUp()
            getattr(self, name)()
            self.tearDown()


def tr(text: str) -> str:
    """A text in the application's language; English here."""
    if not isinstance(text, str):
        raise TypeError(f"tr takes a text, not {type(text).__name__}.")
    if re.search(r"\{[^{}]*[.\[(]", text):
        raise ValueError(f"A translator may break an expression in '{text}': put a plain name in the braces.")
    return text


def translate(context: str, text: str) -> str:
    """A text in the application's language; English here."""
    return tr(text)


def install() -> None:
    """Make `slicer.i18n`, `slicer.parameterNodeWrapper` and `slicer.ScriptedLoadableModule` importable."""
    contents: dict[str, tuple[Any, ...]] = {
        "i18n": (tr, translate),
        "ScriptedLoadableModule": (
            ScriptedLoadableModule,
            ScriptedLoadableModuleWidget,
            ScriptedLoadableModuleLogic,
            ScriptedLoadableModuleTest,
        ),
        "parameterNodeWrapper": (
            parameterNode.parameterNodeWrapper,
            parameterNode.Default,
            parameterNode.WithinRange,
            parameterNode.Minimum,
            parameterNode.Maximum,
            parameterNode.Choice,
        ),
    }
    for name, members in contents.items():
        module = types.ModuleType(f"slicer.{name}")
        for member in members:
            setattr(module, member.__name__, member)
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
