"""Scenes that come and go while the module is open."""

import pytest
import slicer
import vtk


@pytest.fixture
def at_work(a_person, a_segmented_case):
    """A person with a case in hand."""
    person = a_person()
    person.module.widget._parameterNode.segmentation = a_segmented_case.node
    person.turn()
    return person


def load(person, path, clear=True):
    if clear:
        slicer.mrmlScene.Clear(0)
        person.turn()
    slicer.util.loadScene(str(path))
    person.turn()


def edited(person):
    editor = person.panels.correct.editor
    return editor.segmentationNode(), editor.sourceVolumeNode()


def test_a_loaded_case_can_be_corrected(at_work, tmp_path):
    assert slicer.util.saveScene(str(tmp_path / "case.mrb"))
    load(at_work, tmp_path / "case.mrb")
    case = at_work.workspace.session.case
    assert edited(at_work) == (case.node, case.image)
    assert at_work.widget("SegmentsTableView").rowCount() > 0


def test_a_scene_that_is_loaded_beside_leaves_the_editor_with_the_case_in_hand(at_work, tmp_path):
    assert slicer.util.saveScene(str(tmp_path / "case.mrb"))
    load(at_work, tmp_path / "case.mrb", clear=False)
    case = at_work.workspace.session.case
    assert edited(at_work) == (case.node, case.image)


def test_what_was_chosen_comes_back_and_is_saved_again(at_work, tmp_path):
    parameters = at_work.module.widget._parameterNode
    at_work.click("overlay_both")
    at_work.widget("overlayOpacity").setProperty("value", 0.45)
    at_work.widget("klThreshold").setProperty("value", 0.25)
    at_work.click("nextButton")
    at_work.click("acceptButton")
    states = at_work.reads("regionTable")
    for name in ("first.mrb", "second.mrb"):
        assert slicer.util.saveScene(str(tmp_path / name))
        load(at_work, tmp_path / name)
        parameters = at_work.module.widget._parameterNode
        assert (parameters.overlay, parameters.opacity, parameters.klThreshold) == ("both", 0.45, 0.25)
        assert at_work.reads("regionTable") == states


def test_nothing_is_shown_before_the_module_is(open_module, windows, a_segmented_case):
    module = open_module()
    module.widget._parameterNode.segmentation = a_segmented_case.node
    windows.turn()
    views = [windows.sliceViews[name].compositeNode for name in ("Red", "Green", "Yellow")]
    assert [view.GetNumberOfAdditionalLayers() for view in views] == [0, 0, 0]
    module.enter()
    assert all(view.GetNumberOfAdditionalLayers() for view in views)


def test_opening_the_module_on_a_case_makes_the_layers_once(open_module, windows, a_segmented_case, scene):
    made = []

    def added(_scene, _event, node):
        if "overlay" in node.GetName():
            made.append(node.GetName())

    added.CallDataType = vtk.VTK_OBJECT
    tag = scene.AddObserver(scene.NodeAddedEvent, added)
    module = open_module()
    module.widget._parameterNode.segmentation = a_segmented_case.node
    module.enter()
    windows.turn()
    scene.RemoveObserver(tag)
    assert len(made) == len(set(made)) > 0
