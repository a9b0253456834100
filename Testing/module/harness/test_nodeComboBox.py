"""The node selector offers, selects and tells as Slicer's."""

import pytest
import slicer


@pytest.fixture
def a_selector(no_main_window):
    """A selector of scalar volumes that also offers none; what it tells goes to its second element."""

    def make(**properties):
        selector, got = slicer.qMRMLNodeComboBox(), []
        selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        values = {"noneEnabled": True, "addEnabled": False, "removeEnabled": False, **properties}
        for name, value in values.items():
            setattr(selector, name, value)
        assert selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: got.append(node and node.GetName()))
        return selector, got

    return make


def _volume(scene, name, className="vtkMRMLScalarVolumeNode"):
    return scene.AddNewNodeByClass(className, name)


def test_nothing_is_offered_before_the_scene_is_set(a_selector, scene):
    _volume(scene, "one")
    selector, _got = a_selector()
    assert selector.nodeCount() == 0
    assert not selector.enabled
    selector.setMRMLScene(scene)
    assert selector.nodeCount() == 1
    assert selector.enabled


def test_only_nodes_of_its_types_are_offered(a_selector, scene):
    selector, _got = a_selector()
    selector.setMRMLScene(scene)
    _volume(scene, "one")
    _volume(scene, "label", "vtkMRMLLabelMapVolumeNode")
    _volume(scene, "model", "vtkMRMLModelNode")
    assert selector.nodeCount() == 2
    selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert selector.nodeCount() == 1
    selector.hideChildNodeTypes = []
    selector.showChildNodeTypes = False
    assert selector.nodeCount() == 1


def test_hidden_nodes_are_not_offered(a_selector, scene):
    selector, _got = a_selector()
    selector.setMRMLScene(scene)
    node = _volume(scene, "one")
    node.SetHideFromEditors(True)
    assert selector.nodeCount() == 0
    node.SetHideFromEditors(False)
    assert selector.nodeCount() == 1


def test_nodes_can_be_asked_for_an_attribute(a_selector, scene):
    selector, _got = a_selector()
    selector.setMRMLScene(scene)
    _volume(scene, "one")
    _volume(scene, "two").SetAttribute("DualSSL.role", "entropy")
    selector.addAttribute("vtkMRMLScalarVolumeNode", "DualSSL.role", "entropy")
    assert selector.nodeFromIndex(0).GetName() == "two"
    selector.removeAttribute("vtkMRMLScalarVolumeNode", "DualSSL.role")
    assert selector.nodeCount() == 2


def test_an_attribute_of_a_type_that_is_not_offered_yet_is_ignored(no_main_window, scene):
    _volume(scene, "one")
    selector = slicer.qMRMLNodeComboBox()
    selector.addAttribute("vtkMRMLScalarVolumeNode", "DualSSL.role", "entropy")
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(scene)
    assert selector.nodeCount() == 1


def test_a_choice_is_told_once(a_selector, scene):
    node = _volume(scene, "one")
    selector, got = a_selector()
    selector.setMRMLScene(scene)
    selector.setCurrentNode(node)
    selector.setCurrentNode(node)
    assert got == ["one"]
    assert selector.currentNodeID == node.GetID()
    selector.setCurrentNode(None)
    assert got == ["one", None]


def test_a_choice_made_before_the_scene_is_kept(a_selector, scene):
    node = _volume(scene, "one")
    selector, _got = a_selector()
    selector.setCurrentNode(node)
    assert selector.currentNode() is None
    selector.setMRMLScene(scene)
    assert selector.currentNode() is node


def test_a_removed_node_is_no_longer_chosen(a_selector, scene):
    node = _volume(scene, "one")
    selector, got = a_selector()
    selector.setMRMLScene(scene)
    selector.setCurrentNode(node)
    scene.RemoveNode(node)
    assert selector.currentNode() is None
    assert got == ["one", None]


def test_a_closed_scene_leaves_nothing(a_selector, scene, application):
    _volume(scene, "one")
    selector, got = a_selector()
    selector.setMRMLScene(scene)
    selector.setCurrentNode(_volume(scene, "two"))
    application.clearScene()
    assert selector.nodeCount() == 0
    assert got[-1] is None


def test_the_first_node_is_chosen_where_there_must_be_one(a_selector, scene):
    selector, got = a_selector(noneEnabled=False)
    selector.setMRMLScene(scene)
    _volume(scene, "one")
    _volume(scene, "two")
    assert got == ["one"]


def test_a_new_name_is_shown(a_selector, scene):
    node = _volume(scene, "one")
    selector, _got = a_selector()
    selector.setMRMLScene(scene)
    node.SetName("Left atrium")
    assert selector.findChild("QComboBox").itemText(1) == "Left atrium"


def test_a_person_chooses_from_the_list(a_selector, scene):
    node = _volume(scene, "one")
    selector, got = a_selector()
    selector.setMRMLScene(scene)
    selector.findChild("QComboBox").currentIndex = 1
    assert got == ["one"]
    assert selector.currentNode() is node


def test_a_person_makes_a_node(a_selector, scene):
    selector, got = a_selector(addEnabled=True)
    selector.baseName = "New"
    selector.setMRMLScene(scene)
    made = []
    assert selector.connect("nodeAddedByUser(vtkMRMLNode*)", made.append)
    combo = selector.findChild("QComboBox")
    assert combo.itemText(combo.count - 1) == "Create new"
    node = selector.addNode()
    assert made == [node]
    assert selector.currentNode() is node
    assert got == [node.GetName()]


@pytest.mark.parametrize("name", ["setNodeTypes", "setNoneEnabled", "nodes", "model", "comboBox", "_refill", "nodeChanged_"])
def test_what_is_no_slot_is_not_there(a_selector, name):
    selector, _got = a_selector()
    with pytest.raises(AttributeError):
        getattr(selector, name)


def test_both_signatures_of_the_signal_are_there_and_no_other(a_selector, scene, faults):
    node = _volume(scene, "one")
    selector, _got = a_selector()
    valid = []
    assert selector.connect("currentNodeChanged(bool)", valid.append)
    assert not selector.connect("currentNodeChanged(vtkMRMLVolumeNode*)", valid.append)
    assert not selector.connect("currentNodeChanged()", valid.append)
    faults.take("signal")
    selector.setMRMLScene(scene)
    selector.setCurrentNode(node)
    assert valid == [True]


def test_an_exception_in_what_is_told_is_recorded(a_selector, scene, faults):
    node = _volume(scene, "one")
    selector, _got = a_selector()
    selector.setMRMLScene(scene)
    selector.currentNodeChanged.connect(lambda _node: 1 / 0)
    selector.setCurrentNode(node)
    assert "ZeroDivisionError" in faults.take("slot")[0].text


def test_a_selector_that_is_gone_hears_nothing(a_selector, scene):
    selector, _got = a_selector()
    selector.setMRMLScene(scene)
    selector.delete()
    _volume(scene, "one")
