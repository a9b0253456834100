"""A module's file is opened as the application opens it, and what it does wrong is told."""

import textwrap

import pytest
import slicer

SOURCE = """
import qt
import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule, ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest, ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

EVENTS = []


class Example(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Example")
        self.parent.categories = ["Examples"]
        {inModule}


@parameterNodeWrapper
class ExampleParameterNode:
    image: slicer.vtkMRMLScalarVolumeNode
    count: int = 1


class ExampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        EVENTS.append("setup")
        self.selector = slicer.qMRMLNodeComboBox()
        self.selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        self.layout.addWidget(self.selector)
        self.selector.setMRMLScene(slicer.mrmlScene)
        self.button = qt.QPushButton(_("Apply"))
        self.button.connect("clicked()", self.onApply)
        self.layout.addWidget(self.button)
        self.logic = ExampleLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)

    def onApply(self):
        self.logic.getParameterNode().count += 1
        {inSlot}

    def onSceneEndClose(self, caller, event):
        EVENTS.append("closed")

    def enter(self):
        EVENTS.append(("enter", self.parent.isEntered))

    def exit(self):
        EVENTS.append(("exit", self.parent.isEntered))

    def cleanup(self):
        self.removeObservers()
        EVENTS.append("cleanup")


class ExampleLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return ExampleParameterNode(super().getParameterNode())


class ExampleTest(ScriptedLoadableModuleTest):
    def test_it(self):
        self.delayDisplay("testing")
        EVENTS.append("tested")
"""


@pytest.fixture
def example(tmp_path, open_module):
    """Opens an example module; its code can be given more lines."""

    def make(inModule="pass", inSlot="pass"):
        path = tmp_path / "Example.py"
        path.write_text(textwrap.dedent(SOURCE.format(inModule=inModule, inSlot=inSlot)), encoding="utf-8")
        return open_module(path)

    return make


def test_a_module_goes_through_its_life(example):
    opened = example()
    events = opened.module.EVENTS
    opened.enter()
    opened.exit()
    opened.enter()
    opened.close()
    assert events == ["setup", ("enter", True), ("exit", False), ("enter", True), ("exit", False), "cleanup"]


def test_an_opened_module_is_known_to_the_application(example):
    opened = example()
    assert slicer.modules.example.title == "Example"
    assert slicer.modules.example.categories == ("Examples",)
    assert slicer.modules.ExampleWidget is opened.widget
    assert slicer.modules.ExampleInstance is opened.instance
    assert slicer.util.modulePath("Example").endswith("Example.py")
    opened.close()
    with pytest.raises(AttributeError):
        _ = slicer.modules.example


def test_the_panel_is_in_the_main_window(example, windows):
    opened = example()
    opened.enter()
    assert opened.widget.button.visible
    assert windows.mainWindow.panel.widget() is opened.panel
    opened.exit()
    assert not opened.widget.button.visible


def test_parameters_are_kept_by_the_scene(example):
    opened = example()
    opened.widget.button.click()
    assert opened.widget.logic.getParameterNode().count == 2
    assert slicer.mrmlScene.GetSingletonNode("Example", "vtkMRMLScriptedModuleNode").GetParameter("count") == "2"


def test_observers_of_the_scene_act_until_cleanup(example, application):
    opened = example()
    application.clearScene()
    assert opened.module.EVENTS.count("closed") == 1
    events = opened.module.EVENTS
    opened.close()
    application.clearScene()
    assert events.count("closed") == 1


def test_an_exception_in_setup_is_a_fault(tmp_path, open_module, faults):
    path = tmp_path / "Broken.py"
    path.write_text(
        "from slicer.ScriptedLoadableModule import *\n"
        "class Broken(ScriptedLoadableModule): pass\n"
        "class BrokenWidget(ScriptedLoadableModuleWidget):\n"
        "    def setup(self): raise ZeroDivisionError('in setup')\n",
        encoding="utf-8",
    )
    open_module(path)
    assert "in setup" in faults.take("slot")[0].text


def test_an_exception_in_a_slot_of_the_panel_is_a_fault(example, faults):
    opened = example(inSlot="raise ZeroDivisionError('in the slot')")
    opened.widget.button.click()
    assert "in the slot" in faults.take("slot")[0].text


def test_what_a_module_is_given_to_say_of_itself_is_checked(example, faults):
    example(inModule="self.parent.titel = 'x'")
    assert "creating new attributes" in faults.take("slot")[0].text


def test_the_modules_own_test_runs(example):
    opened = example()
    slicer.selfTests["Example"]()
    assert opened.module.EVENTS[-1] == "tested"


def test_a_module_opens_without_a_main_window(no_main_window, tmp_path):
    from moduleHost import OpenedModule

    path = tmp_path / "Example.py"
    path.write_text(SOURCE.format(inModule="pass", inSlot="pass"), encoding="utf-8")
    opened = OpenedModule(path, no_main_window)
    opened.open()
    opened.enter()
    opened.close()
    assert opened.module.EVENTS[-1] == "cleanup"


def test_an_observer_that_is_not_there_is_a_fault(example, faults):
    opened = example(inSlot="self.removeObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAddedEvent, self.onApply)")
    opened.widget.button.click()
    assert "does not have observer" in faults.take("slot")[0].text


def test_sample_data_are_registered_at_the_start_of_the_application(example, windows):
    example(
        inModule="slicer.app.connect('startupCompleted()', lambda: __import__('SampleData').SampleDataLogic"
        ".registerCustomSampleDataSource(category='Examples', sampleName='Ball', customDownloader=EVENTS.append))"
    )
    windows.application.startupCompleted.emit()
    from SampleData import SampleDataLogic

    (source,) = SampleDataLogic.sampleDataSourcesByCategory("Examples")
    assert source.sampleName == "Ball"
    windows.close()
    windows.application.startupCompleted.emit()


@pytest.mark.parametrize("text", ["{case.name}", "{items[0]}", "{count()}"])
def test_a_text_for_translators_holds_plain_names_only(scene, text):
    from slicer.i18n import tr

    with pytest.raises(ValueError, match="plain name"):
        tr(text)
    assert tr("{count} voxels") == "{count} voxels"
