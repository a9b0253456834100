"""The application without its windows: a real MRML scene, the real logics of the modules, and `slicer` filled with them.

`application()` brings everything up once a process. What lies behind it is the C++ of the `slicer-core` wheel. Stand-ins are
only `slicer.app` (class `CoreApplication`), `slicer.modules` and the reading and writing of files (fileReading.py).
Names that the real application has and this one has not raise an AttributeError that says so.
"""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import Any

# VTK reads this when the first render window is made: no X server is needed then.
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import slicer
import vtk

import scripted
from fileReading import FileReading
from sharedFiles import writeSharedFiles

# Module name -> class of its logic. The segmentations logic comes before any segment is made: it registers the converters.
MODULE_LOGICS: dict[str, str] = {
    "terminologies": "vtkSlicerTerminologiesModuleLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "colors": "vtkSlicerColorLogic",
    "volumes": "vtkSlicerVolumesLogic",
    "models": "vtkSlicerModelsLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "volumerendering": "vtkSlicerVolumeRenderingLogic",
    "data": "vtkSlicerDataModuleLogic",
    "cropvolume": "vtkSlicerCropVolumeLogic",
    "tables": "vtkSlicerTablesLogic",
    "texts": "vtkSlicerTextsLogic",
    "units": "vtkSlicerUnitsLogic",
}
# What the application logic calls a module, where that is more than the name with a capital letter.
_LOGIC_NAMES = {"subjecthierarchy": "SubjectHierarchy", "volumerendering": "VolumeRendering", "cropvolume": "CropVolume"}
# What of `slicer.app` is worth a better answer than "has no attribute": it needs windows, which sliceView and moduleHost bring.
_NEEDS_WINDOWS = frozenset({"layoutManager", "mainWindow", "moduleManager", "processEvents", "setOverrideCursor", "settings"})


class StandInLacks(AttributeError):
    """The stand-in of a part of the application lacks what was asked of it."""


class Module:
    """What `slicer.modules.NAME` is as far as MRML code needs it: a name, a path and a logic."""

    def __init__(self, name: str, logic: Any, path: str = "") -> None:
        self.name = name
        self.path = path
        self._logic = logic

    def logic(self) -> Any:
        """The module's logic, as in the application."""
        return self._logic


class Modules:
    """`slicer.modules`: the modules by their names in lower case."""

    def __getattr__(self, name: str) -> Any:
        raise StandInLacks(f"The harness has no module '{name}'. Add its logic to MODULE_LOGICS in slicerCore.py.")


class Environment:
    """What of a QProcessEnvironment `slicer.util.startupEnvironment` asks for, where there is no Qt."""

    def keys(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(os.environ)

    def value(self, name: str, default: str = "") -> str:
        """Value of a variable."""
        return os.environ.get(name, default)


class CoreApplication:
    """`slicer.app` without windows: what the application core answers when no main window was made."""

    applicationName = "Slicer"
    applicationVersion = "5.11.0"
    majorVersion = 5
    minorVersion = 11
    revision = "0"
    platform = "linux-amd64"

    def __init__(self, scene: Any, applicationLogic: Any, folder: Path) -> None:
        self._scene = scene
        self._applicationLogic = applicationLogic
        self._fileReading = FileReading(scene, applicationLogic, folder / "cache")
        self.temporaryPath = str(folder / "temporary")
        self.slicerHome = str(folder)
        self.slicerUserSettingsFilePath = str(folder / "Slicer.ini")
        Path(self.temporaryPath).mkdir(parents=True, exist_ok=True)

    def mrmlScene(self) -> Any:
        """The scene of the application."""
        return self._scene

    def applicationLogic(self) -> Any:
        """The real vtkSlicerApplicationLogic."""
        return self._applicationLogic

    def coreIOManager(self) -> FileReading:
        """The stand-in of reading and writing files."""
        return self._fileReading

    def testingEnabled(self) -> bool:
        """Whether the application runs for a test: message boxes answer themselves then."""
        return True

    def startupEnvironment(self) -> Environment:
        """The environment the application was started in."""
        return Environment()

    def pauseRender(self) -> None:
        """Nothing to pause: a view of the harness renders when it is asked for pixels."""

    def resumeRender(self) -> None:
        """Nothing to resume, see `pauseRender`."""

    def __getattr__(self, name: str) -> Any:
        why = "it needs windows; use the fixture `windows`" if name in _NEEDS_WINDOWS else "the stand-in lacks it"
        raise StandInLacks(f"slicer.app.{name}: {why}.")


class Application:
    """All parts of the running application.

    Attributes:
        scene: the real scene, also `slicer.mrmlScene`.
        applicationLogic: the real application logic.
        folder: a temporary folder of this process.
        app: what `slicer.app` is.
        modules: what `slicer.modules` is.
    """

    def __init__(self) -> None:
        self._keptFolder = tempfile.TemporaryDirectory(prefix="slicer-")
        self.folder = Path(self._keptFolder.name)
        writeSharedFiles(self.folder / "share")
        self.scene = slicer.vtkMRMLScene()
        self.applicationLogic = self._makeApplicationLogic()
        self.modules = Modules()
        for name, className in MODULE_LOGICS.items():
            self._addModule(name, getattr(slicer, className)())
        self.app = CoreApplication(self.scene, self.applicationLogic, self.folder)
        slicer.mrmlScene = self.scene
        slicer.app = self.app
        slicer.modules = self.modules
        scripted.install()
        _hideUtilities()
        self.startScene()
        self._ownNodes = self._nodeIds()

    def _makeApplicationLogic(self) -> Any:
        logic = slicer.vtkSlicerApplicationLogic()
        logic.SetHomeDirectory(str(self.folder))
        logic.SetShareDirectory("share")  # the application logic takes it as relative to its home
        logic.SetMRMLScene(self.scene)
        # The factories make displayable managers in views only where they know the application logic.
        logic.SetSliceLogics(vtk.vtkCollection())
        logic.SetViewLogics(vtk.vtkCollection())
        for factory in (slicer.vtkMRMLSliceViewDisplayableManagerFactory, slicer.vtkMRMLThreeDViewDisplayableManagerFactory):
            factory.GetInstance().SetMRMLApplicationLogic(logic)
        return logic

    def _addModule(self, name: str, logic: Any) -> None:
        if hasattr(logic, "SetModuleShareDirectory"):
            logic.SetModuleShareDirectory(str(self.folder / "share"))
        logic.SetMRMLApplicationLogic(self.applicationLogic)
        logic.SetMRMLScene(self.scene)
        self.applicationLogic.SetModuleLogic(_LOGIC_NAMES.get(name, name.capitalize()), logic)
        setattr(self.modules, name, Module(name, logic))

    def startScene(self) -> None:
        """Put into the scene what the application has in every new scene."""
        if self.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode") is None:
            crosshair = slicer.vtkMRMLCrosshairNode()
            crosshair.SetCrosshairName("default")
            self.scene.AddNode(crosshair)
        if self.scene.GetDefaultNodeByClass("vtkMRMLSliceNode") is None:
            slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        if self.scene.GetFirstNodeByClass("vtkMRMLColorTableNode") is None:
            self.applicationLogic.GetColorLogic().AddDefaultColorNodes()

    def clearScene(self) -> None:
        """Close the scene as File / Close scene does; singletons such as view nodes stay."""
        self.scene.Clear(0)
        self.scene.ClearUndoStack()
        self.scene.ClearRedoStack()
        self.scene.SetURL("")
        self.startScene()

    def startOver(self) -> None:
        """As `clearScene`, and without what a closed scene keeps: nodes of views, of the segment editor, of modules."""
        self.clearScene()
        for identity in self._nodeIds() - self._ownNodes:
            node = self.scene.GetNodeByID(identity)
            if node is not None:
                self.scene.RemoveNode(node)

    def _nodeIds(self) -> set[str]:
        return {self.scene.GetNthNode(index).GetID() for index in range(self.scene.GetNumberOfNodes())}


def _hideUtilities() -> None:
    """Take away what the wheel puts into `slicer` beside `slicer.util`, where alone the application has it."""
    for name, value in list(vars(slicer.util).items()):
        if getattr(value, "__module__", "") == "slicer.util" and getattr(slicer, name, None) is value:
            delattr(slicer, name)


@functools.cache
def application() -> Application:
    """The application of this process; the first call brings it up and fills `slicer`."""
    return Application()
