"""A person at work on a case: from region to region, their decisions and edits, and nothing of it left behind."""

import numpy as np
import pytest
import slicer

from DualSSLSegmentationLib.display.views import Views
from DualSSLSegmentationLib.review.caseSession import CaseSession
from DualSSLSegmentationLib.review.regionMask import regionVoxels
from DualSSLSegmentationLib.scene.caseNodes import CaseError
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, segmentIdOf
from DualSSLSegmentationLib.scene.structureSegments import isHelper
from DualSSLSegmentationLib.scene.volumes import volumeOf
from eventTurns import EventTurns
from sampleCases import segmentedCase
from segmentEditor import SegmentEditor
from workspaceBench import nodesIn


class Working:
    """A case with its session, a slice view's node, the segment editor, and what was told."""

    def __init__(self, scene):
        self.scene = scene
        self.case = segmentedCase(scene)
        self.editor = SegmentEditor(self.case.node, self.case.image)
        self.editor.select(segmentIdOf(self.case.node, 1))
        self.sliceNode = slicer.vtkMRMLSliceNode()
        self.sliceNode.SetLayoutName("Red")
        scene.AddNode(self.sliceNode)
        self.before = nodesIn(scene)
        self.turns = EventTurns()
        self.askedForEditor = 0
        self.session = CaseSession(
            self.case, Views(lambda: [self.sliceNode], list, self._editorNode, self.editor.saveState), self.turns
        )
        self.reviews = 0
        self.edits = []
        self.session.onReview.add(self._reviewed)
        self.session.onEdits.add(self.edits.append)

    def _editorNode(self):
        self.askedForEditor += 1
        return self.editor.node

    def _reviewed(self):
        self.reviews += 1

    def labels(self):
        return labelMapOf(self.case, self.case.labels, self.case.image).array

    def states(self):
        return [entry.state for entry in self.session.review.entries()]

    def helpers(self):
        segmentation = self.case.node.GetSegmentation()
        return [i for i in segmentation.GetSegmentIDs() if isHelper(segmentation.GetSegment(i))]

    def centre(self):
        return [self.sliceNode.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)]


@pytest.fixture
def working(scene):
    return Working(scene)


def test_at_first_no_region_is_in_front(working):
    assert working.session.current is None
    assert working.session.take("a") == 0
    working.session.accept()
    working.session.flag()
    working.session.reopen()
    assert set(working.states()) == {"open"}
    assert nodesIn(working.scene) == working.before


def test_going_to_a_region_centres_the_views_and_outlines_it(working):
    working.session.goTo(2)
    assert working.session.current.id == 2
    np.testing.assert_allclose(working.centre(), working.session.current.centre_ras, atol=1e-3)
    assert {kind for kind, _ in nodesIn(working.scene) - working.before} == {"vtkMRMLModelNode", "vtkMRMLModelDisplayNode"}
    assert working.reviews == 1


def test_accepting_and_flagging_go_on_to_the_next_open_region(working):
    count = len(working.states())
    assert count >= 2
    working.session.next()
    working.session.accept()
    assert working.states()[0] == "accepted"
    assert working.session.current.id == 2
    working.session.flag()
    assert working.states()[1] == "flagged"
    assert working.session.current.id == (3 if count > 2 else 2)


def test_a_decision_can_be_taken_back(working):
    working.session.goTo(1)
    working.session.accept()
    working.session.goTo(1)
    working.session.reopen()
    assert working.states()[0] == "open"


def test_previous_goes_back(working):
    working.session.goTo(2)
    working.session.previous()
    assert working.session.current.id == 1


def test_an_unknown_region_is_refused_and_the_one_in_front_stays(working):
    working.session.goTo(1)
    with pytest.raises(CaseError):
        working.session.goTo(99)
    assert working.session.current.id == 1


def test_an_answer_is_taken_in_the_region_in_front_and_undone(working):
    networkB = volumeOf(working.case.networkB).array
    before = working.labels()
    conflict = next(e.region.id for e in working.session.review.entries() if e.region.kind == "conflict")
    working.session.goTo(conflict)
    changed = working.session.take("b")
    inside = regionVoxels(working.case, conflict)
    assert changed == np.count_nonzero((before != networkB) & inside) > 0
    np.testing.assert_array_equal(working.labels(), np.where(inside, networkB, before))
    working.turns.turn()
    assert working.edits[-1].voxels == changed
    working.editor.undo()
    working.turns.turn()
    np.testing.assert_array_equal(working.labels(), before)
    assert working.session.edits.voxels == 0
    assert set(working.states()) == {"open"}


def test_a_stroke_is_told(working):
    working.editor.paint(np.s_[1, 1, :4])
    working.turns.turn()
    assert [summary.voxels for summary in working.edits] == [4]


def test_edits_are_held_inside_the_region_in_front_and_follow_it(working):
    working.session.editOnlyInside(True)
    assert not working.session.onlyInsideRegion  # no region is in front
    working.session.goTo(1)
    working.session.editOnlyInside(True)
    assert working.session.onlyInsideRegion
    working.session.goTo(2)
    before = working.labels()
    working.editor.paint(np.s_[:])
    changed = working.labels() != before
    assert changed.any()
    assert not (changed & ~regionVoxels(working.case, 2)).any()
    working.session.editOnlyInside(False)
    assert working.helpers() == []


def test_choosing_another_editable_area_in_the_editor_ends_the_mask_and_is_told(working):
    working.session.goTo(1)
    working.session.editOnlyInside(True)
    reviews = working.reviews
    working.editor.node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
    assert not working.session.onlyInsideRegion
    assert working.reviews == reviews + 1
    assert working.helpers() == []


def test_a_scene_is_saved_without_the_mask_and_work_goes_on_inside_it(working):
    working.session.goTo(1)
    working.session.editOnlyInside(True)
    seen = []
    working.scene.AddObserver(working.scene.StartSaveEvent, lambda *_: seen.append(working.helpers()))
    working.scene.InvokeEvent(working.scene.StartSaveEvent)
    assert seen == [[]]
    working.scene.InvokeEvent(working.scene.EndSaveEvent)
    assert len(working.helpers()) == 1
    assert working.session.onlyInsideRegion


def test_a_mask_that_came_with_the_scene_is_removed_when_the_case_is_opened(working):
    working.session.goTo(1)
    working.session.editOnlyInside(True)
    [helper] = working.helpers()
    left = slicer.vtkSegment()
    left.DeepCopy(working.case.node.GetSegmentation().GetSegment(helper))
    working.session.close()
    working.case.node.GetSegmentation().AddSegment(left)
    assert len(working.helpers()) == 1
    CaseSession(working.case, Views(list, list, lambda: None, lambda node: None), working.turns).close()
    assert working.helpers() == []


def test_hiding_the_marks_leaves_the_review_as_it_is(working):
    working.session.goTo(2)
    working.session.editOnlyInside(True)
    working.session.hideMarks()
    assert nodesIn(working.scene) == working.before
    assert working.helpers() == []
    assert working.session.current.id == 2


def test_closing_leaves_nothing_but_the_case(working):
    attributes = working.case.node.GetAttributeNames()
    working.session.goTo(1)
    working.session.editOnlyInside(True)
    working.session.close()
    working.session.close()
    assert nodesIn(working.scene) == working.before
    assert working.helpers() == []
    assert working.case.node.GetAttributeNames() == attributes
    reviews, edits = working.reviews, len(working.edits)
    working.editor.paint(np.s_[1, 1, 1])
    working.case.setJson("scores", {"a": 1})
    working.turns.turn()
    assert (working.reviews, len(working.edits)) == (reviews, edits)


def test_without_the_segment_editor_nothing_is_held(scene):
    case = segmentedCase(scene)
    session = CaseSession(case, Views(list, list, lambda: None, lambda node: None), EventTurns())
    session.goTo(1)
    session.editOnlyInside(True)
    assert not session.onlyInsideRegion
    session.close()


def test_a_segmentation_is_replaced_without_the_mask_and_work_goes_on_inside_it(working):
    working.session.goTo(1)
    working.session.editOnlyInside(True)
    with working.session.maskSuspended():
        assert working.helpers() == []
        copy = slicer.vtkSegmentation()
        copy.DeepCopy(working.case.node.GetSegmentation())
        working.case.node.GetSegmentation().DeepCopy(copy)
    assert working.session.onlyInsideRegion
    assert len(working.helpers()) == 1
    working.session.editOnlyInside(False)
    with working.session.maskSuspended():
        assert working.helpers() == []
    assert working.helpers() == []


def test_the_editors_node_is_not_asked_for_when_marks_are_hidden(working):
    asked = working.askedForEditor
    working.session.goTo(1)
    working.session.close()
    assert working.askedForEditor == asked


def test_a_segmentation_that_is_deleted_under_the_session_harms_nothing(working):
    working.session.goTo(1)
    working.session.editOnlyInside(True)
    working.scene.RemoveNode(working.case.node)
    working.turns.turn()
    working.session.close()
    working.turns.turn()


def test_a_scene_that_is_closed_under_the_session_harms_nothing(working, application):
    working.session.goTo(1)
    working.session.editOnlyInside(True)
    application.clearScene()
    working.turns.turn()
    working.session.close()
