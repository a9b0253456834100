"""A person at work on a case, and a workspace whose engine answers what a test says."""

import importlib
from pathlib import Path

import pytest

from recordedClient import RecordedClient


@pytest.fixture
def session(scene):
    """The sample case in hand; `session.editor` is the segment editor, `session.turn` the event loop."""
    slicer = importlib.import_module("slicer")
    case = importlib.import_module("sampleCases").segmentedCase(scene)
    turns = importlib.import_module("eventTurns").EventTurns()
    editor = importlib.import_module("segmentEditor").SegmentEditor(case.node, case.image)
    editor.select(importlib.import_module("DualSSLSegmentationLib.scene.segmentation").segmentIdOf(case.node, 1))
    Views = importlib.import_module("DualSSLSegmentationLib.display.views").Views
    node = slicer.vtkMRMLSliceNode()
    node.SetLayoutName("Red")
    scene.AddNode(node)
    views = Views(lambda: [node], list, lambda: editor.node, editor.saveState)
    found = importlib.import_module("DualSSLSegmentationLib.review.caseSession").CaseSession(case, views, turns)
    found.editor, found.turn = editor, turns.turn
    yield found
    found.close()


@pytest.fixture
def client():
    return RecordedClient()


@pytest.fixture
def workspace(scene, client, tmp_path):
    """A workspace of the empty scene; what is scheduled happens in `workspace.turn`."""
    Workspace = importlib.import_module("DualSSLSegmentationLib.workspace").Workspace
    Places = importlib.import_module("DualSSLSegmentationLib.workspace").Places
    Views = importlib.import_module("DualSSLSegmentationLib.display.views").Views
    turns = importlib.import_module("eventTurns").EventTurns()
    views = Views(list, list, lambda: None, lambda _node: None)
    found = Workspace(scene, client, turns, views, Places(Path("nowhere"), tmp_path))
    found.messages = []
    found.onMessage.add(lambda kind, text, _detail: found.messages.append((kind, text)))

    def turn():
        while turns.turn():
            pass

    found.turn = turn
    yield found
    found.close()


def verdict(decision="better", gain=0.05):
    """What the gate says of a child of `parent`, as plain data."""
    from dataclasses import replace

    from dualssl.registry.verdict import PairedDifference, SetComparison, StructureComparison, Verdict

    dice = PairedDifference(0.80, 0.80 + gain, gain, 0.01, 0.09, 0.02)
    hd95 = PairedDifference(9.0, 7.5, -1.5, -2.0, -1.0, 0.02)
    atrium = StructureComparison("left atrium", dice, hd95)
    held = SetComparison("", ("a", "b", "c"), replace(atrium, name="mean"), (atrium,), None, None)
    reason = {"better": "Dice rose on the held-out cases.", "worse": "Dice fell."}.get(decision, "Too few cases tell.")
    return Verdict(decision, reason, "parent", "child", (), held, None, {}).to_json()


@pytest.fixture
def a_verdict():
    return verdict
