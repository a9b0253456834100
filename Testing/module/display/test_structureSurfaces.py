"""The coloured surfaces of a case, made while the event loop turns."""

import pytest
import slicer

from DualSSLSegmentationLib.display.structureSurfaces import StructureSurfaces
from DualSSLSegmentationLib.scene.segmentation import segmentIdOf
from eventTurns import EventTurns
from sampleCases import segmentedCase
from workspaceBench import nodesIn


@pytest.fixture
def case(scene):
    return segmentedCase(scene)


@pytest.fixture
def turns():
    return EventTurns()


@pytest.fixture
def problems():
    return []


@pytest.fixture
def surfaces(problems, turns):
    shown = StructureSurfaces(problems.append, turns)
    yield shown
    shown.remove()


def inTheScene():
    return [node for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if " surface by " in node.GetName()]


def settle(turns):
    while turns.turn():
        pass


def test_one_comes_after_the_other_and_the_loop_turns_in_between(surfaces, case, turns):
    surfaces.show(case, "entropy")
    seen = []
    while turns.turn():
        seen.append(len(inTheScene()))
    assert seen[0] == 0
    assert len(seen) > 4
    assert [seen.index(count) for count in (1, 2)] == sorted(seen.index(count) for count in (1, 2))
    assert len(inTheScene()) == 2


def test_without_a_loop_they_are_there_at_once(case, problems):
    shown = StructureSurfaces(problems.append)
    shown.show(case, "kl")
    assert len(inTheScene()) == 2
    shown.remove()
    assert not inTheScene()


@pytest.mark.parametrize("turnsBefore", range(7))
def test_removed_in_the_middle_nothing_of_them_stays(surfaces, case, turns, turnsBefore):
    display = case.node.GetDisplayNode()
    before = nodesIn(case.scene)
    surfaces.show(case, "entropy")
    for _ in range(turnsBefore):
        turns.turn()
    surfaces.remove()
    settle(turns)
    assert [entry for entry in nodesIn(case.scene) - before if "ColorTable" not in entry[0]] == []
    assert all(display.GetSegmentVisibility3D(segmentIdOf(case.node, value)) for value in (1, 2))


def test_the_same_again_is_not_made_anew(surfaces, case, turns):
    surfaces.show(case, "entropy")
    settle(turns)
    before = turns.scheduled
    surfaces.show(case, "entropy")
    assert turns.scheduled == before
    surfaces.show(case, "kl")
    settle(turns)
    assert {node.GetName().split()[-1] for node in inTheScene()} == {"kl"}


def test_a_structure_without_voxels_has_none_and_the_others_are_shown(surfaces, case, turns, problems):
    case.node.GetSegmentation().RemoveSegment(segmentIdOf(case.node, 2))
    surfaces.show(case, "entropy")
    settle(turns)
    assert len(inTheScene()) == 1
    assert problems == []


def test_only_where_none_can_be_made_something_is_said(surfaces, case, turns, problems):
    case.scene.RemoveNode(case.entropy)
    surfaces.show(case, "entropy")
    settle(turns)
    assert len(problems) == 1
    assert "deleted" in problems[0]


def test_the_segmentation_deleted_meanwhile_leaves_nothing_behind(surfaces, case, turns, problems):
    scene = case.scene
    before = nodesIn(scene)
    surfaces.show(case, "entropy")
    turns.turn()
    turns.turn()
    scene.RemoveNode(case.node)
    settle(turns)
    surfaces.remove()
    assert not inTheScene()
    assert {entry for entry in nodesIn(scene) - before if "ColorTable" not in entry[0]} == set()
