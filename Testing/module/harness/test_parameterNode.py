"""Parameters are typed, checked, and kept in the scene."""

from enum import Enum
from typing import Annotated, Optional

import pytest
import slicer
from slicer import vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import Choice, Default, Minimum, WithinRange, parameterNodeWrapper


class Overlay(Enum):
    off = 1
    entropy = 2


@parameterNodeWrapper
class Parameters:
    """Of a test."""

    image: vtkMRMLScalarVolumeNode
    roi: Optional[vtkMRMLMarkupsROINode] = None  # noqa: UP045 - as modules for older versions write it
    other: vtkMRMLScalarVolumeNode | None
    model: str = "left-atrium"
    surface: bool
    count: Annotated[int, Minimum(1), Default(3)]
    opacity: Annotated[float, WithinRange(0.0, 1.0), Default(0.6)]
    device: Annotated[str, Choice(["auto", "cpu"])] = "auto"
    overlay: Overlay = Overlay.entropy


@pytest.fixture
def a_node(scene):
    return scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "parameters")


@pytest.fixture
def parameters(a_node):
    return Parameters(a_node)


def test_each_parameter_begins_with_its_default(parameters):
    assert parameters.image is None
    assert parameters.roi is None
    assert parameters.other is None
    assert parameters.model == "left-atrium"
    assert parameters.surface is False
    assert (parameters.count, parameters.opacity, parameters.device) == (3, 0.6, "auto")
    assert parameters.overlay is Overlay.entropy


def test_values_live_in_the_node(parameters, a_node, scene):
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")
    parameters.image = volume
    parameters.other = volume
    parameters.opacity = 0.25
    parameters.surface = True
    parameters.overlay = Overlay.off
    again = Parameters(a_node)
    assert again.image is volume
    assert again.other is volume
    assert (again.opacity, again.surface, again.overlay) == (0.25, True, Overlay.off)
    assert a_node.GetParameter("surface") == "True"
    assert a_node.GetNodeReferenceID("other.0") == volume.GetID()


def test_values_survive_saving_the_scene(parameters, scene, application, tmp_path):
    parameters.image = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")
    parameters.model = "cine"
    slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    application.clearScene()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    loaded = Parameters(slicer.util.getNode("parameters"))
    assert loaded.model == "cine"
    assert loaded.image.GetName() == "image"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("model", 5, TypeError),
        ("model", None, ValueError),
        ("surface", 1, TypeError),
        ("count", 2.5, TypeError),
        ("count", 0, ValueError),
        ("opacity", 1.5, ValueError),
        ("opacity", "0.5", TypeError),
        ("device", "gpu", ValueError),
        ("image", "vtkMRMLScalarVolumeNode1", TypeError),
        ("overlay", "off", TypeError),
    ],
)
def test_a_wrong_value_is_refused_and_changes_nothing(parameters, name, value, error):
    before = getattr(parameters, name)
    with pytest.raises(error):
        setattr(parameters, name, value)
    assert getattr(parameters, name) == before


def test_a_node_of_another_type_is_refused(parameters, scene):
    with pytest.raises(TypeError):
        parameters.image = scene.AddNewNodeByClass("vtkMRMLModelNode", "model")


def test_an_optional_node_is_unset_again(parameters, scene):
    parameters.other = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")
    parameters.other = None
    assert parameters.other is None


def test_observers_see_the_new_value(parameters):
    got = []
    parameters.AddObserver("ModifiedEvent", lambda *_: got.append(parameters.model))
    parameters.model = "cine"
    assert got == ["cine"]


def test_a_change_made_elsewhere_is_seen(parameters, a_node):
    Parameters(a_node).model = "cine"
    assert parameters.model == "cine"


def test_a_closed_scene_brings_the_defaults_back(scene, application):
    node = slicer.vtkMRMLScriptedModuleNode()
    node.SetSingletonTag("Test")
    parameters = Parameters(scene.AddNode(node))
    parameters.opacity = 0.1
    parameters.image = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")
    application.clearScene()
    assert parameters.opacity == 0.6
    assert parameters.image is None


def test_names_that_the_wrapper_needs_are_refused(scene):
    with pytest.raises(ValueError, match="reserved name"):

        @parameterNodeWrapper
        class _Bad:
            default: str


def test_a_parameter_by_its_name(parameters):
    parameters.setValue("model", "cine")
    assert parameters.getValue("model") == "cine"
    with pytest.raises(ValueError, match="Cannot find"):
        parameters.getValue("models")
