"""The review list of a case in work: it is saved, follows edits and undo, and segments show how far it has come."""

import numpy as np
import pytest
import slicer
from hypothesis import given
from hypothesis import strategies as st

from DualSSLSegmentationLib.review.answers import takeAnswer
from DualSSLSegmentationLib.review.editTracking import EditTracker
from DualSSLSegmentationLib.review.reviewEntries import STATES, ReviewEntry
from DualSSLSegmentationLib.review.reviewList import ReviewList, statusOf
from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
from DualSSLSegmentationLib.scene.segmentation import segmentIdOf
from DualSSLSegmentationLib.scene.volumes import volumeOf
from eventTurns import EventTurns
from reviewRegions import aRegion, rows
from sampleCases import segmentedCase
from segmentEditor import SegmentEditor

NOT_STARTED, IN_PROGRESS, COMPLETED, FLAGGED = range(4)


class Working:
    """A real case, followed and edited."""

    def __init__(self, scene):
        self.case = segmentedCase(scene)
        self.list = ReviewList(self.case)
        self.turns = EventTurns()
        self.tracker = EditTracker(self.case, self.turns, lambda _: self.list.edited(self.tracker))
        self.editor = SegmentEditor(self.case.node, self.case.image)
        self.editor.select(segmentIdOf(self.case.node, 1))

    def take(self, region, source):
        changed = takeAnswer(self.case, region, source, self.editor.saveState)
        self.list.setAnswer(region, source)
        self.turns.turn()
        return changed

    def status(self, label):
        segment = self.case.node.GetSegmentation().GetSegment(segmentIdOf(self.case.node, label))
        return slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentStatus(segment)

    def step(self, function):
        function()
        self.turns.turn()


@pytest.fixture
def working(scene):
    return Working(scene)


def test_the_list_survives_saving_and_loading(working, application, tmp_path):
    working.take(1, "b")
    working.list.flag(2)
    entries = working.list.entries()
    working.tracker.stop()
    assert slicer.util.saveScene(str(tmp_path / "case.mrb"))
    application.clearScene()
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    case = SegmentedCase(slicer.util.getNode("Case"))
    again = ReviewList(case)
    tracker = EditTracker(case, EventTurns(), lambda _: None)
    again.edited(tracker)
    assert again.entries() == entries
    assert again.entry(1).touched
    status = slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentStatus
    assert status(case.node.GetSegmentation().GetSegment(segmentIdOf(case.node, 1))) == FLAGGED
    tracker.stop()


def test_a_region_with_an_edited_voxel_is_touched(working):
    k, j, i = (int(n) for n in np.argwhere(volumeOf(working.case.regionMap).array == 1)[0])
    working.step(lambda: working.editor.erase(np.s_[k, j, i]))
    assert [entry.touched for entry in working.list.entries()] == [n == 1 for n in range(1, len(working.list.entries()) + 1)]
    assert working.list.progress().touched == 1
    working.step(working.editor.undo)
    assert working.list.progress().touched == 0


def test_listeners_are_told_that_a_region_was_touched(working):
    told = []
    working.list.changed.add(lambda: told.append(working.list.progress().touched))
    k, j, i = (int(n) for n in np.argwhere(volumeOf(working.case.regionMap).array == 1)[0])
    working.step(lambda: working.editor.erase(np.s_[k, j, i]))
    assert told == [1]
    working.step(lambda: working.editor.paint(np.s_[0, 0, 0]))  # of no region
    assert told == [1]


def test_undoing_an_answer_opens_its_region_again_and_redo_decides_it(working):
    assert working.take(1, "b") > 0
    assert working.list.entry(1).state == "accepted"
    working.step(working.editor.undo)
    assert (working.list.entry(1).state, working.list.entry(1).answer) == ("open", None)
    working.step(working.editor.redo)
    assert (working.list.entry(1).state, working.list.entry(1).answer) == ("accepted", "b")


def test_undoing_the_second_answer_brings_the_first_back(working):
    working.take(1, "b")
    working.take(1, "a")
    working.step(working.editor.undo)
    assert working.list.entry(1).answer == "b"
    working.step(working.editor.undo)
    assert working.list.entry(1).answer is None


def test_undoing_something_else_leaves_an_answer_alone(working):
    working.take(1, "b")
    working.step(lambda: working.editor.paint(np.s_[0, 0, :]))
    working.step(working.editor.undo)
    assert working.list.entry(1).answer == "b"


def test_an_answer_that_changed_nothing_is_not_undone_with_something_else(working):
    working.step(lambda: working.editor.paint(np.s_[0, 0, :]))
    assert working.take(1, "mean") == 0
    working.step(working.editor.undo)
    assert (working.list.entry(1).state, working.list.entry(1).answer) == ("accepted", "mean")


def test_a_region_that_was_opened_again_stays_open_whatever_is_undone(working):
    working.take(1, "b")
    working.list.reopen(1)
    working.step(working.editor.undo)
    working.step(working.editor.redo)
    assert (working.list.entry(1).state, working.list.entry(1).answer) == ("open", None)


def test_a_flag_outlives_the_undoing_of_the_answer(working):
    working.take(1, "b")
    working.list.flag(1)
    working.step(working.editor.undo)
    assert (working.list.entry(1).state, working.list.entry(1).answer) == ("flagged", None)


def test_a_list_that_is_opened_later_still_follows_undo(working):
    working.take(1, "b")
    working.list = ReviewList(working.case)
    working.step(working.editor.undo)
    assert working.list.entry(1).answer is None


def test_new_regions_have_nothing_to_do_with_answers_to_old_ones(working):
    working.take(1, "b")
    working.case.setJson("regions", rows(1, 2))
    working.tracker.newBaseline(volumeOf(working.case.prediction), None)
    working.turns.turn()
    working.list.accept(1)
    assert working.take(1, "b") == 0
    working.step(lambda: working.editor.paint(np.s_[0, 0, :]))
    while working.editor.canUndo:
        working.step(working.editor.undo)
    assert (working.list.entry(1).state, working.list.entry(1).answer) == ("accepted", "b")


def entry(state, labels=(1,), number=1):
    return ReviewEntry(aRegion(number, labels), state)


@pytest.mark.parametrize(
    ("entries", "edited", "status"),
    [
        pytest.param([], False, NOT_STARTED, id="nothing to review"),
        pytest.param([], True, IN_PROGRESS, id="nothing to review but edited"),
        pytest.param([entry("open")], False, NOT_STARTED, id="open"),
        pytest.param([entry("open")], True, IN_PROGRESS, id="open and edited"),
        pytest.param([entry("open"), entry("accepted")], False, IN_PROGRESS, id="half done"),
        pytest.param([entry("accepted"), entry("accepted")], True, COMPLETED, id="done"),
        pytest.param([entry("accepted"), entry("flagged")], True, FLAGGED, id="one flagged"),
        pytest.param([entry("accepted", (2,)), entry("open")], False, NOT_STARTED, id="others' regions do not count"),
        pytest.param([entry("accepted", (1, 2)), entry("flagged", (2,))], False, COMPLETED, id="others' flags do not count"),
        pytest.param([entry("flagged", ())], False, NOT_STARTED, id="a region of no structure"),
    ],
)
def test_the_status_of_a_structure_says_how_far_it_has_come(entries, edited, status):
    assert statusOf(entries, 1, edited) == status


@given(st.lists(st.sampled_from(STATES), max_size=6), st.booleans())
def test_a_structure_is_completed_only_when_all_its_regions_are_accepted(states, edited):
    entries = [entry(state, number=n) for n, state in enumerate(states, start=1)]
    completed = statusOf(entries, 1, edited) == COMPLETED
    assert completed == (bool(states) and set(states) == {"accepted"})


def test_segments_show_how_far_the_review_has_come(working):
    assert working.status(1) == NOT_STARTED
    ids = [e.region.id for e in working.list.entries() if 1 in e.region.labels]
    working.list.accept(ids[0])
    assert working.status(1) == (COMPLETED if len(ids) == 1 else IN_PROGRESS)
    for number in ids:
        working.list.accept(number)
    assert working.status(1) == COMPLETED
    working.list.flag(ids[0])
    assert working.status(1) == FLAGGED
    for number in ids:
        working.list.reopen(number)
    assert working.status(1) == NOT_STARTED


def test_an_edited_structure_is_in_progress_until_it_is_undone(working):
    working.step(lambda: working.editor.paint(np.s_[0, 0, :]))
    assert working.status(1) == IN_PROGRESS
    assert working.status(2) == NOT_STARTED
    working.step(working.editor.undo)
    assert working.status(1) == NOT_STARTED


def test_showing_the_status_leaves_the_steps_forward_alone(working):
    working.step(lambda: working.editor.paint(np.s_[0, 0, :]))
    for e in working.list.entries():
        working.list.accept(e.region.id)
    working.step(working.editor.undo)
    assert working.status(1) == COMPLETED
    assert working.editor.canRedo
    working.list.flag(1)
    assert working.status(1) == FLAGGED
    assert working.editor.canRedo


def test_lists_of_segments_are_told_the_status(working):
    told = []
    working.case.node.AddObserver(slicer.vtkSegmentation.SegmentModified, lambda *_: told.append(True))
    working.list.flag(1)
    assert told


def test_a_new_status_is_worth_saving(working, tmp_path):
    working.case.node.AddDefaultStorageNode()
    storage = working.case.node.GetStorageNode()
    storage.SetFileName(str(tmp_path / "case.seg.nrrd"))
    assert storage.WriteData(working.case.node)
    assert not working.case.node.GetModifiedSinceRead()
    working.list.flag(1)
    assert working.case.node.GetModifiedSinceRead()


def test_a_structure_without_a_segment_does_no_harm(working):
    working.case.node.GetSegmentation().RemoveSegment(segmentIdOf(working.case.node, 2))
    working.turns.turn()
    working.list.flag(1)
    assert working.status(1) == FLAGGED
