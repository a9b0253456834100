"""3D Slicer module: segment a volume, see where the result is uncertain, correct there, and hand over to fine-tuning."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import slicer
import vtk
from slicer import vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if TYPE_CHECKING:
    from DualSSLSegmentationLib.application.qtWorkspace import QtWorkspace


class DualSSLSegmentation(ScriptedLoadableModule):
    """What the application shows of the module in its lists."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("DualSSL Segmentation")
        self.parent.categories = ["Segmentation"]
        self.parent.dependencies = ["Segmentations", "Volumes"]
        self.parent.contributors = ["DualSSLSegmentation developers"]
        self.parent.helpText = _(
            "Two unlike networks segment a volume. Heatmaps show where the result is ambiguous and where the networks are in "
            "conflict. Correct there, save the case, and fine-tune: a new model is used only once it has proved better."
        )
        self.parent.acknowledgementText = _("The method is that of arXiv 2509.13084. For research. Not a medical device.")
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData() -> None:
    """Offer generated cases in the Sample Data module."""
    from DualSSLSegmentationLib.application.sampleData import register

    register()


def forgetLibrary() -> None:
    """Have the files of the library and of the engine's light packages read again when they are next imported."""
    for name in tuple(sys.modules):
        if name.partition(".")[0] in ("DualSSLSegmentationLib", "dualssl"):
            del sys.modules[name]


@parameterNodeWrapper
class DualSSLSegmentationParameterNode:
    """What a scene keeps of the panels. What goes on, and what belongs to the person rather than to the scene, is not here."""

    image: vtkMRMLScalarVolumeNode | None = None
    segmentation: vtkMRMLSegmentationNode | None = None
    roi: vtkMRMLMarkupsROINode | None = None
    model: str = ""
    device: str = "auto"
    overlay: str = "entropy"
    opacity: Annotated[float, WithinRange(0.0, 1.0), Default(0.6)]
    entropyThreshold: Annotated[float, WithinRange(0.0, 1.0), Default(0.2)]
    klThreshold: Annotated[float, WithinRange(0.0, 3.0), Default(0.1)]
    surface: bool = False


class DualSSLSegmentationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel: it makes the panels of the library and tells them what the application does."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panels = None
        self._parameterNode = None

    def setup(self) -> None:
        """Called when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        from DualSSLSegmentationLib.panels.modulePanel import ModulePanel

        self.logic = DualSSLSegmentationLogic()
        self.panels = ModulePanel(self.logic, self.layout)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.initializeParameterNode()
        if self.parent.isEntered:
            # Reloaded while it is shown, which is followed by no `enter`.
            self.enter()

    def cleanup(self) -> None:
        """Called when the application closes, and when the module is reloaded."""
        if self.panels is not None:
            self.setParameterNode(None)
            self.panels.close()
            self.panels = None
        self.removeObservers()
        if self.logic is not None:
            self.logic.close()
        # Slicer's reload has read this file again by now, but no other.
        if getattr(sys.modules.get(__name__), type(self).__name__, None) is not type(self):
            forgetLibrary()

    def enter(self) -> None:
        """Called each time the module is shown."""
        self.initializeParameterNode()
        self.panels.enter()

    def exit(self) -> None:
        """Called each time another module is shown instead."""
        if self.panels is not None:
            self.panels.exit()

    def onSceneStartClose(self, _caller: Any, _event: str) -> None:
        """Nothing of ours may hold on to nodes that are about to go."""
        self.setParameterNode(None)
        self.panels.sceneClosing()

    def onSceneEndClose(self, _caller: Any, _event: str) -> None:
        """A new scene has its own parameters."""
        self.panels.sceneClosed()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneStartImport(self, _caller: Any, _event: str) -> None:
        """What is loaded comes bit by bit, and selectors choose among it meanwhile: nobody may follow them.

        A node that is added or removed while a selector of the application fills itself crashes the application.
        """
        self.setParameterNode(None)

    def onSceneEndImport(self, _caller: Any, _event: str) -> None:
        """A scene was loaded; the application's own widgets know its nodes only a little later."""
        from DualSSLSegmentationLib.application.qtTimers import soon

        soon(self.onSceneLoaded)

    def onSceneLoaded(self) -> None:
        """Take up the case that the loaded scene's parameters name."""
        if self.panels is not None:
            self.initializeParameterNode()
            self.panels.sceneLoaded()

    def initializeParameterNode(self) -> None:
        """Have a parameter node, and the first volume in it if none was chosen."""
        self.setParameterNode(self.logic.getParameterNode())
        if self._parameterNode.image is None:
            first = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            if first is not None and not first.GetHideFromEditors():
                self._parameterNode.image = first

    def setParameterNode(self, parameterNode: DualSSLSegmentationParameterNode | None) -> None:
        """Show what another parameter node says, or nothing."""
        if self._parameterNode is not None:
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self.panels.setParameters(parameterNode)

    def onParametersModified(self, _caller: Any = None, _event: str = "") -> None:
        """The panels follow, whoever changed the parameters."""
        self.panels.refresh()


class DualSSLSegmentationLogic(ScriptedLoadableModuleLogic):
    """The module without its panel. What it can do is in `application.workspace`, see `DualSSLSegmentationLib.workspace`."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._application = None

    def getParameterNode(self) -> DualSSLSegmentationParameterNode:
        """The scene's parameters."""
        return DualSSLSegmentationParameterNode(super().getParameterNode())

    @property
    def application(self) -> "QtWorkspace":
        """The workspace and what it stands on; made at first use, for making it imports the engine's light packages."""
        if self._application is None:
            from DualSSLSegmentationLib.application.qtWorkspace import QtWorkspace

            self._application = QtWorkspace()
        return self._application

    def close(self) -> None:
        """End the engine and everything that is bound to the scene."""
        if self._application is not None:
            self._application.close()
            self._application = None


class DualSSLSegmentationTest(ScriptedLoadableModuleTest):
    """The module's own test in the real application, see `DualSSLSegmentationLib.application.qtSelfTest`."""

    def runTest(self) -> None:
        """Run all parts."""
        self.setUp()
        self.test_journey()

    def setUp(self) -> None:
        """Begin with nothing loaded."""
        slicer.mrmlScene.Clear(0)

    def test_journey(self) -> None:
        """Segment, review, edit, undo, save, fine-tune and cancel on a generated case."""
        from DualSSLSegmentationLib.application.qtSelfTest import journey

        journey(self.delayDisplay)
