"""A new prediction comes to a case with edits: what the person made stays as they chose, and undo brings all of it back."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from dualssl.labels import LabelTable
from DualSSLSegmentationLib.display.views import Views
from DualSSLSegmentationLib.review.adoption import OtherPredictionError, adopt, adoptSteps
from DualSSLSegmentationLib.review.caseSession import CaseSession
from DualSSLSegmentationLib.review.protection import MergeChoice, merged
from DualSSLSegmentationLib.scene.caseNodes import CaseError
from DualSSLSegmentationLib.scene.predictionNodes import buildSteps
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, segmentIdOf
from DualSSLSegmentationLib.scene.volumes import geometryOf, volumeOf
from eventTurns import EventTurns
from sampleCases import LABELS, SHAPE, PredictedArrays, obliqueVolume, predictedArrays, runSteps, segmentedCase, writePrediction
from segmentEditor import SegmentEditor
from workspaceBench import nodesIn

MAPS = ("entropy", "kl", "networkA", "networkB", "regionMap")
PAINTED = np.s_[1:3, 2:6, 2:8]


def newerCase(scene, image, labels=LABELS, created="2026-02-01T10:00:00+00:00"):
    """What a later model makes of the volume: the shell is gone, and the uncertainty is elsewhere."""
    old = predictedArrays()
    label = np.where(old.label == 2, 0, old.label).astype(np.uint8)
    entropy = old.entropy[::-1].copy()
    arrays = PredictedArrays(label, label, label[:, ::-1].copy(), entropy, (old.kl * 0.5).astype(np.float32))
    with tempfile.TemporaryDirectory() as folder:
        result = writePrediction(Path(folder), geometryOf(image), arrays, labels)
        result["provenance"] |= {"model_id": "newer", "created": created}
        return runSteps(buildSteps(scene, result, image, "Newer"))


class Merging:
    """A case on which a person painted and decided about a region, and what it holds."""

    def __init__(self, scene):
        self.scene = scene
        self.case = segmentedCase(scene)
        self.editor = SegmentEditor(self.case.node, self.case.image)
        self.turns = EventTurns()
        views = Views(list, list, lambda: self.editor.node, self.editor.saveState)
        self.session = CaseSession(self.case, views, self.turns)
        self.editor.select(segmentIdOf(self.case.node, 1))
        self.editor.paint(PAINTED)
        self.session.goTo(1)
        self.session.accept()
        self.turns.turn()

    def merge(self, choice, fresh=None):
        changed = adopt(self.session, fresh or newerCase(self.scene, self.case.image), choice, self.editor.saveState)
        self.settle()
        return changed

    def settle(self):
        while self.turns.turn():
            pass

    def labels(self):
        return labelMapOf(self.case, self.case.labels, self.case.image).array

    def state(self):
        """All that belongs to the prediction in force and to the person's work on it."""
        case = self.case
        maps = {role: volumeOf(case.reference(role)).array.copy() for role in (*MAPS, "prediction")}
        protected = None if case.protectedEdits is None else volumeOf(case.protectedEdits).array.copy()
        text = {name: case.node.GetAttribute(f"DualSSL.{name}") for name in ("provenance", "labels", "scores", "regions")}
        return {"voxels": self.labels(), "edits": self.session.tracker.editMask(), "protected": protected, **maps, **text}


def assertSame(state, expected):
    for name, value in expected.items():
        np.testing.assert_array_equal(state[name], value, err_msg=name)


@pytest.fixture
def merging(scene):
    return Merging(scene)


@pytest.mark.parametrize("choice", MergeChoice)
def test_labels_and_protection_are_what_was_chosen(merging, choice):
    before = merging.state()
    newer = np.where(predictedArrays().label == 2, 0, predictedArrays().label)
    reviewed = before["regionMap"] == 1
    labels, protected = merged(before["voxels"], before["edits"], newer, reviewed, choice)
    changed = merging.merge(choice)
    after = merging.state()
    np.testing.assert_array_equal(after["voxels"], labels)
    np.testing.assert_array_equal(after["prediction"], newer)
    np.testing.assert_array_equal(after["edits"] != 0, (labels != newer) | (protected != 0))
    assert changed == np.count_nonzero(labels != before["voxels"]) > 0
    assert (after["edits"][PAINTED] == (0 if choice is MergeChoice.takeModel else 1)).all()


@pytest.mark.parametrize("choice", MergeChoice)
def test_undo_and_redo_bring_everything_back(merging, choice):
    before = merging.state()
    merging.merge(choice)
    after = merging.state()
    assert after["provenance"] != before["provenance"]
    assert after["regions"] != before["regions"]
    for _ in range(2):
        merging.editor.undo()
        merging.settle()
        assertSame(merging.state(), before)
        assert merging.session.review.entries()[0].state == "accepted"
        merging.editor.redo()
        merging.settle()
        assertSame(merging.state(), after)
        assert {entry.state for entry in merging.session.review.entries()} == {"open"}


def test_undo_over_a_merge_without_any_edit_brings_the_maps_back(scene):
    merging = Merging(scene)
    merging.editor.undo()
    merging.settle()
    before = merging.state()
    assert not before["edits"].any()
    merging.merge(MergeChoice.takeModel)
    merging.editor.undo()
    merging.settle()
    assertSame(merging.state(), before)


def test_undo_over_two_merges_goes_back_one_at_a_time(merging):
    states = [merging.state()]
    for day in (1, 2):
        merging.merge(
            MergeChoice.keepMine, newerCase(merging.scene, merging.case.image, created=f"2026-03-0{day}T10:00:00+00:00")
        )
        states.append(merging.state())
    for expected in reversed(states[:-1]):
        merging.editor.undo()
        merging.settle()
        assertSame(merging.state(), expected)


def test_two_predictions_of_one_model_within_a_second_are_told_apart(merging):
    before = merging.state()
    states = []
    for _ in range(2):
        fresh = newerCase(merging.scene, merging.case.image)
        fresh.setJson("provenance", merging.case.provenance)
        merging.merge(MergeChoice.keepMine, fresh)
        states.append(merging.state())
        merging.session.goTo(1)
        merging.session.flag()
        states.append(merging.state())
    for expected in (states[1], before):
        merging.editor.undo()
        merging.settle()
        assertSame(merging.state(), expected)


def test_decisions_after_a_merge_survive_undo_and_redo(merging):
    merging.merge(MergeChoice.keepMine)
    merging.session.goTo(1)
    merging.session.flag()
    merging.editor.undo()
    merging.settle()
    assert merging.session.review.entries()[0].state == "accepted"
    merging.editor.redo()
    merging.settle()
    assert merging.session.review.entries()[0].state == "flagged"


def test_the_nodes_stay_and_those_of_the_new_case_go(merging):
    merging.session.hideMarks()
    kept = nodesIn(merging.scene)
    merging.merge(MergeChoice.takeModel)
    assert nodesIn(merging.scene) == kept
    merging.merge(MergeChoice.keepMine)
    merging.editor.undo()
    merging.settle()
    assert nodesIn(merging.scene) == kept


def test_after_a_merge_no_region_is_in_front_and_all_are_told(merging):
    told = []
    merging.session.onReview.add(lambda: told.append("review"))
    merging.session.onEdits.add(lambda summary: told.append("edits"))
    merging.session.goTo(1)
    merging.session.editOnlyInside(True)
    merging.merge(MergeChoice.keepMine)
    assert merging.session.current is None
    assert not merging.session.onlyInsideRegion
    assert {"review", "edits"} <= set(told)


def test_a_prediction_of_other_structures_is_refused_and_nothing_changes(merging):
    before = merging.state()
    other = newerCase(merging.scene, merging.case.image, LabelTable.from_dataset_json({"background": 0, "liver": 1}))
    with pytest.raises(OtherPredictionError, match="left atrium, wall, the new result liver"):
        merging.merge(MergeChoice.keepMine, other)
    assertSame(merging.state(), before)
    assert other.missing() == ()


def test_a_prediction_of_another_volume_is_refused(merging):
    other = newerCase(merging.scene, obliqueVolume(merging.scene, "Other"))
    with pytest.raises(OtherPredictionError, match="another volume"):
        merging.merge(MergeChoice.keepMine, other)


def test_maps_that_were_deleted_come_with_the_new_prediction(merging):
    merging.scene.RemoveNode(merging.case.entropy)
    merging.scene.RemoveNode(merging.case.regionMap)
    merging.merge(MergeChoice.onlyUntouched)
    assert merging.case.missing() == ()
    np.testing.assert_array_equal(volumeOf(merging.case.entropy).array, predictedArrays(SHAPE).entropy[::-1])


def test_segments_of_the_persons_own_stay(merging):
    own = merging.case.node.GetSegmentation().AddEmptySegment("", "scar")
    merging.editor.select(own)
    merging.editor.paint(np.s_[20:22, 20:24, 20:24])
    merging.merge(MergeChoice.takeModel)
    segment = merging.case.node.GetSegmentation().GetSegment(own)
    assert segment.GetName() == "scar"
    merging.editor.select(segmentIdOf(merging.case.node, 1))
    assert "scar" in labelMapOf(merging.case, LABELS, merging.case.image).unknown


def stepsOf(merging, choice=MergeChoice.keepMine):
    fresh = newerCase(merging.scene, merging.case.image)
    return fresh, adoptSteps(merging.session, fresh, choice, merging.editor.saveState)


ELSEWHERE = np.s_[20:22, 20:24, 20:24]


@pytest.mark.parametrize("stepsBefore", range(1, 6))
def test_what_is_painted_while_a_merge_is_worked_out_stays(merging, stepsBefore):
    _fresh, steps = stepsOf(merging)
    for _ in range(stepsBefore):
        next(steps, None)
    merging.editor.paint(ELSEWHERE)
    for _ in steps:
        pass
    merging.settle()
    assert (merging.labels()[ELSEWHERE] == 1).all()
    assert (merging.labels()[PAINTED] == 1).all()
    assert merging.session.tracker.editMask()[ELSEWHERE].all()


def test_whoever_paints_at_every_step_still_gets_the_new_prediction(merging):
    _fresh, steps = stepsOf(merging)
    for number, _text in enumerate(steps):
        merging.editor.paint(np.s_[20, 20, number : number + 1])
        assert number < 20
    merging.settle()
    assert merging.case.provenance["model_id"] == "newer"
    assert (merging.labels()[PAINTED] == 1).all()


@pytest.mark.parametrize("stepsBefore", range(1, 4))
def test_a_merge_given_up_leaves_the_case_as_it_was_and_nothing_of_the_new_one(merging, stepsBefore):
    before, nodes = merging.state(), nodesIn(merging.scene)
    _fresh, steps = stepsOf(merging)
    for _ in range(stepsBefore):
        next(steps)
    steps.close()
    merging.settle()
    assertSame(merging.state(), before)
    assert nodesIn(merging.scene) == nodes


def test_a_case_that_was_put_away_meanwhile_is_not_written_to(merging):
    labels = merging.labels()
    _fresh, steps = stepsOf(merging, MergeChoice.takeModel)
    next(steps)
    merging.session.close()
    with pytest.raises(CaseError, match="not in hand"):
        for _ in steps:
            pass
    np.testing.assert_array_equal(merging.labels(), labels)
