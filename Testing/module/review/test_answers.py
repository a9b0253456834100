"""An answer for a region changes that region's voxels, in every structure, and nothing else; undo takes it back in one step."""

import numpy as np
import pytest
import slicer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from DualSSLSegmentationLib.review.answers import takeAnswer
from DualSSLSegmentationLib.review.editTracking import EditTracker
from DualSSLSegmentationLib.scene.caseNodes import CaseError, removeWithParts
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, segmentIdOf, showSurface
from DualSSLSegmentationLib.scene.segmentLayers import closedSurface
from DualSSLSegmentationLib.scene.volumes import volumeOf
from eventTurns import EventTurns
from sampleCases import segmentedCase
from segmentEditor import SegmentEditor

ROLES = {"a": "networkA", "b": "networkB", "mean": "prediction"}


class Answering:
    """A case whose networks say different things of region 1, in several structures, and a person at the editor."""

    def __init__(self, scene):
        self.case = segmentedCase(scene)
        self.node = self.case.node
        self.editor = SegmentEditor(self.node, self.case.image)
        self.editor.select(segmentIdOf(self.node, 1))
        self.saved = 0
        self.region = volumeOf(self.case.regionMap).array == 1
        places = np.argwhere(self.region)
        # Network A: all three labels in the region, and nonsense elsewhere that nobody asked for.
        answer = volumeOf(self.case.networkA).array
        answer[...] = 2
        for label, part in enumerate(np.array_split(places, 3)):
            answer[tuple(part.T)] = label

    def labels(self):
        return labelMapOf(self.case, self.case.labels, self.case.image).array

    def save(self, node):
        assert node is self.node
        self.saved += 1
        self.editor.saveState()

    def take(self, source, region=1):
        return takeAnswer(self.case, region, source, self.save)


@pytest.fixture
def answering(scene):
    return Answering(scene)


@pytest.mark.parametrize("source", ["a", "b", "mean"])
def test_the_region_takes_the_answer_and_nothing_else_changes(answering, source):
    answering.editor.erase(np.s_[:, :, 15:])
    before = answering.labels()
    answer = volumeOf(answering.case.reference(ROLES[source])).array.copy()
    changed = answering.take(source)
    after = answering.labels()
    np.testing.assert_array_equal(after[answering.region], answer[answering.region])
    np.testing.assert_array_equal(after[~answering.region], before[~answering.region])
    assert changed == np.count_nonzero(after != before)
    assert changed > 0


def test_an_answer_may_hold_several_structures_and_background(answering):
    answering.take("a")
    assert set(np.unique(answering.labels()[answering.region])) == {0, 1, 2}


@pytest.mark.parametrize("source", ["a", "b"])
def test_an_answer_is_undone_and_redone_in_one_step(answering, source):
    before = answering.labels()
    answering.take(source)
    after = answering.labels()
    assert answering.saved == 1
    answering.editor.undo()
    np.testing.assert_array_equal(answering.labels(), before)
    assert not answering.editor.canUndo
    answering.editor.redo()
    np.testing.assert_array_equal(answering.labels(), after)


def test_an_answer_that_changes_nothing_is_no_step(answering):
    answering.editor.paint(np.s_[0, 0, :])
    answering.editor.undo()
    assert answering.take("mean") == 0
    assert answering.saved == 0
    assert answering.editor.canRedo


def test_taking_the_same_answer_again_is_no_step(answering):
    assert answering.take("a") > 0
    assert answering.take("a") == 0
    assert answering.saved == 1


def test_answers_one_after_the_other_are_undone_one_by_one(answering):
    states = [answering.labels()]
    for source in ("a", "b", "a", "mean"):
        answering.take(source)
        states.append(answering.labels())
    for state in states[-2::-1]:
        answering.editor.undo()
        np.testing.assert_array_equal(answering.labels(), state)


def test_an_answer_replaces_what_a_person_painted_there_and_undo_brings_it_back(answering):
    answering.editor.erase(np.s_[:])
    erased = answering.labels()
    answering.take("mean")
    assert (answering.labels()[answering.region] != 0).any()
    answering.editor.undo()
    np.testing.assert_array_equal(answering.labels(), erased)


def test_segments_of_the_persons_own_stay_as_they_are(answering):
    segmentation = answering.node.GetSegmentation()
    own = segmentation.AddEmptySegment("", "Scar")
    voxels = np.zeros(answering.region.shape, np.uint8)
    voxels[np.roll(answering.region, 1, axis=2)] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, answering.node, own, answering.case.image)
    for source in ("a", "b", "mean"):
        answering.take(source)
        again = slicer.util.arrayFromSegmentBinaryLabelmap(answering.node, own, answering.case.image)
        np.testing.assert_array_equal(again, voxels)
    assert answering.labels()[answering.region].any()


def test_a_structure_whose_segment_was_removed_comes_back_where_the_answer_has_it(answering):
    answering.node.GetSegmentation().RemoveSegment(segmentIdOf(answering.node, 2))
    answer = volumeOf(answering.case.networkA).array[answering.region]
    answering.take("a")
    np.testing.assert_array_equal(answering.labels()[answering.region], answer)
    answering.editor.undo()
    assert segmentIdOf(answering.node, 2) is None


def test_surfaces_follow_the_answer(answering):
    showSurface(answering.node, True)
    segment = answering.node.GetSegmentation().GetSegment(segmentIdOf(answering.node, 1))
    before = segment.GetRepresentation(closedSurface()).GetNumberOfPoints()
    answering.take("a")
    segment = answering.node.GetSegmentation().GetSegment(segmentIdOf(answering.node, 1))
    assert segment.GetRepresentation(closedSurface()).GetNumberOfPoints() != before


def test_an_answer_is_a_persons_edit_except_where_it_is_the_prediction(answering):
    tracker = EditTracker(answering.case, EventTurns(), lambda _: None)
    prediction = volumeOf(answering.case.prediction).array.copy()
    answering.take("a")
    answer = volumeOf(answering.case.networkA).array
    np.testing.assert_array_equal(tracker.editMask() != 0, answering.region & (answer != prediction))
    answering.take("mean")
    assert not tracker.editMask().any()
    tracker.stop()


def test_a_region_of_no_voxels_changes_nothing(answering):
    before = answering.labels()
    assert answering.take("a", region=99) == 0
    np.testing.assert_array_equal(answering.labels(), before)
    assert answering.saved == 0


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("networkA", "answer of network A"),
        ("regionMap", "map of uncertain regions"),
        ("image", "image"),
    ],
)
def test_a_deleted_node_is_told_and_nothing_changes(answering, role, words):
    saved = answering.node.GetSegmentation().GetMTime()
    removeWithParts(answering.case.reference(role))
    with pytest.raises(CaseError, match=f"The {words} .*was deleted"):
        answering.take("a")
    assert answering.saved == 0
    assert answering.node.GetSegmentation().GetMTime() == saved


def test_an_answer_that_does_not_fit_is_told(answering):
    slicer.util.updateVolumeFromArray(answering.case.networkA, np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(CaseError, match=r"network A for .* does not fit its image"):
        answering.take("a")


def test_an_unknown_answer_is_refused(answering):
    with pytest.raises(ValueError, match="one of a, b, mean"):
        answering.take("c")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    regions=hnp.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 2)),
    answers=hnp.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 2)),
    painted=hnp.arrays(bool, (3, 4, 5)),
)
def test_whatever_the_region_the_answer_goes_there_and_nowhere_else(application, regions, answers, painted):
    application.clearScene()
    answering = Answering(application.scene)
    corner = np.s_[10:13, 12:16, 16:21]
    answering.editor.erase(tuple((np.argwhere(painted) + np.array([10, 12, 16])).T))
    volumeOf(answering.case.regionMap).array[...] = 0
    volumeOf(answering.case.regionMap).array[corner] = regions
    volumeOf(answering.case.networkB).array[corner] = answers
    before = answering.labels()
    changed = takeAnswer(answering.case, 2, "b", answering.save)
    expected = before.copy()
    expected[corner][regions == 2] = answers[regions == 2]
    np.testing.assert_array_equal(answering.labels(), expected)
    assert changed == np.count_nonzero(expected != before)
    assert answering.saved == (changed > 0)
    if changed:
        answering.editor.undo()
    np.testing.assert_array_equal(answering.labels(), before)
