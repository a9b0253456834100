"""Work without windows: segment, correct, segment again, put away and take up again; one scene after another."""

import os
import shutil
import signal
import tempfile

import numpy as np
import psutil
import pytest
import slicer

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.jobs.segmenting import SegmentRequest
from DualSSLSegmentationLib.review.protection import MergeChoice
from DualSSLSegmentationLib.scene.caseNodes import CaseError, SegmentedCase
from DualSSLSegmentationLib.scene.segmentation import labelMapOf
from DualSSLSegmentationLib.scene.volumes import volumeOf
from DualSSLSegmentationLib.workspace import Places
from sampleCases import obliqueVolume, segmentedCase
from trainedModels import FIRST_UNSEEN, LABELS, addSlowVolume, addSphere
from workerTransport import Engine
from workspaceBench import Bench, nodesIn
from workspaceCourse import PAINTED, edited, handover, request, segmented, sharedBench


@pytest.fixture(scope="module")
def shared_bench(application, a_model_that_segments, tmp_path_factory):
    application.clearScene()
    yield from sharedBench(application.scene, a_model_that_segments, tmp_path_factory.mktemp("home of é"))


@pytest.fixture
def bench(shared_bench, scene):
    yield shared_bench
    shared_bench.newScene()
    shared_bench.loop.runUntil(lambda: not shared_bench.exchange)


@pytest.fixture
def own_bench(scene, a_model_that_segments, tmp_path):
    """A workspace with a worker of its own."""
    shutil.copytree(a_model_that_segments, tmp_path / "shipped" / "spheres")
    made = Bench(scene, Engine(), Places(tmp_path / "shipped", tmp_path))
    yield made
    made.close()


def labelsOf(session):
    return labelMapOf(session.case, LABELS, session.case.image).array


def workOf(session):
    case = session.case
    protected = None if case.protectedEdits is None else volumeOf(case.protectedEdits).array.copy()
    return {
        "labels": labelsOf(session),
        "edits": session.tracker.editMask(),
        "protected": protected,
        "provenance": case.provenance,
        "regions": case.regionEntries,
        "entropy": volumeOf(case.entropy).array.copy(),
    }


def assertSame(work, expected):
    for name, value in expected.items():
        np.testing.assert_array_equal(work[name], value, err_msg=name)


# Segmenting


def test_a_segmentation_opens_its_case(bench):
    image = addSphere(bench.scene)
    session = segmented(bench, image)
    assert bench.sessions == [session]
    assert bench.workspace.casesOf(image) == (session.case,)
    assert session.edits.voxels == 0
    assert session.review.entries()
    assert bench.states[-1] == ("segment", None)
    assert bench.messages == []
    assert bench.exchange == []


def test_a_second_volume_takes_the_same_worker_and_puts_the_first_case_away(bench):
    first = segmented(bench)
    started = len(bench.engine.pids)
    second = segmented(bench, addSphere(bench.scene, FIRST_UNSEEN + 1, "Second"))
    assert len(bench.engine.pids) == started
    assert bench.sessions == [first, None, second]
    assert bench.session is second
    assert bench.workspace.openCase(first.case.node) is not first


def test_a_second_segmentation_at_the_same_time_is_refused(bench):
    bench.workspace.segment(request(bench))
    with pytest.raises(CaseError, match="A segmentation is under way already"):
        bench.workspace.segment(request(bench))
    bench.finish()


def test_a_cancelled_segmentation_leaves_nothing(bench):
    image = addSlowVolume(bench.scene)
    before = nodesIn(bench.scene)
    bench.workspace.segment(request(bench, image))
    bench.untilText("Segmenting")
    bench.workspace.cancel("segment")
    bench.workspace.cancel("segment")
    bench.finish()
    assert bench.messages == [("info", "Cancelled.")]
    assert nodesIn(bench.scene) == before
    assert bench.exchange == []
    bench.workspace.cancel("segment")


def test_a_deleted_volume_is_said(bench):
    image = addSphere(bench.scene)
    bench.workspace.segment(request(bench, image))
    bench.untilText("Waiting for the engine" if bench.engine.client.running else "Starting the engine")
    bench.scene.RemoveNode(image)
    bench.finish()
    [(kind, text)] = bench.messages
    assert kind == "error"
    assert "deleted" in text
    assert bench.session is None
    assert bench.exchange == []


@pytest.mark.parametrize("text", ["Handing", "Segmenting", "Loading the KL"])
def test_a_scene_that_is_closed_ends_the_job_without_a_word(bench, application, text):
    bench.workspace.segment(request(bench, addSlowVolume(bench.scene) if text == "Segmenting" else None))
    bench.untilText(text)
    bench.workspace.sceneClosing()
    application.clearScene()
    assert not bench.workspace.busy("segment")
    assert bench.states[-1] == ("segment", None)
    before = nodesIn(bench.scene)
    bench.loop.runUntil(lambda: not bench.exchange)
    bench.loop.runFor(0.2)
    assert nodesIn(bench.scene) == before
    assert bench.messages == []
    assert segmented(bench).edits.voxels == 0


def test_closing_the_scene_with_a_case_in_hand_leaves_nothing_behind(bench, application):
    session = edited(bench)
    session.next()
    session.editOnlyInside(True)
    bench.workspace.sceneClosing()
    application.clearScene()
    assert bench.sessions[-1] is None
    bench.settle()
    bench.newScene()
    assert segmented(bench).edits.voxels == 0


def test_a_killed_worker_is_one_sentence_and_the_next_segmentation_works(bench):
    bench.workspace.segment(request(bench, addSlowVolume(bench.scene)))
    bench.untilText("Segmenting")
    os.kill(bench.engine.client.pid, signal.SIGKILL)
    bench.finish()
    [(kind, text)] = bench.messages
    assert (kind, "\n" in text) == ("error", False)
    bench.messages.clear()
    segmented(bench)


# Segmenting again


@pytest.mark.parametrize("choice", MergeChoice)
def test_segmenting_again_over_edits_keeps_what_was_chosen_and_can_be_undone(bench, choice):
    session = edited(bench)
    before = workOf(session)
    prediction = volumeOf(session.case.prediction).array.copy()
    nodes = nodesIn(bench.scene)
    bench.messages.clear()
    segmented(bench, session.case.image, (session.case.node, choice))
    bench.settle()
    assert bench.session is session
    protected = session.case.protectedEdits
    assert nodesIn(bench.scene) - nodes == (set() if protected is None else {(protected.GetClassName(), protected.GetID())})
    assert nodes <= nodesIn(bench.scene)
    after = workOf(session)
    painted = np.zeros(prediction.shape, bool)
    painted[PAINTED] = True
    expected = prediction if choice is MergeChoice.takeModel else np.where(painted, 1, prediction)
    np.testing.assert_array_equal(after["labels"], expected)
    assert "merged" in after["provenance"]
    assert "merged" not in before["provenance"]
    assert {entry["state"] for entry in after["regions"]} == {"open"}
    editor = bench.editorOf(session.case.node)
    editor.undo()
    bench.settle()
    assertSame(workOf(session), before)
    editor.redo()
    bench.settle()
    assertSame(workOf(session), after)


def test_a_result_of_other_structures_is_a_segmentation_of_its_own(bench):
    case = segmentedCase(bench.scene, obliqueVolume(bench.scene))
    bench.workspace.segment(request(bench, case.image), (case.node, MergeChoice.takeModel))
    bench.finish()
    [(kind, text)] = bench.messages
    assert kind == "info"
    assert "segmentation of its own" in text
    assert len(bench.workspace.casesOf(case.image)) == 2
    assert bench.session.case.node is not case.node
    assert case.missing() == ()


def test_a_case_that_is_deleted_meanwhile_is_made_anew(bench):
    session = edited(bench)
    image, node = session.case.image, session.case.node
    bench.workspace.segment(request(bench, image), (node, MergeChoice.keepMine))
    bench.scene.RemoveNode(node)
    bench.finish()
    assert bench.messages == []
    [case] = bench.workspace.casesOf(image)
    assert bench.session.case == case


def test_forty_segments_of_the_persons_own_stay_through_merging_and_saving(bench):
    session = segmented(bench)
    segmentation = session.case.node.GetSegmentation()
    for number in range(40):
        segmentation.AddEmptySegment("", f"own {number}")
    bench.editorOf(session.case.node).select(segmentation.GetSegmentIdBySegmentName("own 7"))
    bench.editorOf(session.case.node).paint(PAINTED)
    segmented(bench, session.case.image, (session.case.node, MergeChoice.keepMine))
    assert segmentation.GetNumberOfSegments() == 41
    bench.workspace.save(handover(bench, "Forty"))
    bench.finish("save")
    assert bench.saved[0]["version"] == 1, bench.messages


# Cases


def test_only_segmented_cases_can_be_opened(bench):
    other = bench.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    with pytest.raises(CaseError, match="'Mine' was not made by this module"):
        bench.workspace.openCase(other)


def test_a_case_with_parts_missing_is_refused_and_the_one_in_hand_stays(bench):
    session = segmented(bench)
    broken = segmentedCase(bench.scene)
    bench.scene.RemoveNode(broken.entropy)
    with pytest.raises(CaseError, match="the entropy map is gone"):
        bench.workspace.openCase(broken.node)
    bench.scene.RemoveNode(broken.networkA)
    with pytest.raises(CaseError, match="the entropy map and the answer of network A are gone"):
        bench.workspace.openCase(broken.node)
    assert bench.session is session


def test_a_case_can_be_put_away_and_taken_up_again(bench):
    session = edited(bench)
    edits = session.edits
    assert bench.workspace.openCase(session.case.node) is session
    assert bench.workspace.openCase(None) is None
    assert bench.sessions[-1] is None
    assert bench.workspace.openCase(session.case.node).edits == edits


def test_deleting_a_segmentation_removes_what_hangs_on_it(bench):
    image = addSphere(bench.scene)
    before = nodesIn(bench.scene)
    session = segmented(bench, image)
    bench.scene.RemoveNode(session.case.node)
    assert bench.session is None
    assert {kind for kind, _ in nodesIn(bench.scene) - before} <= {
        "vtkMRMLSegmentationDisplayNode",
        "vtkMRMLSubjectHierarchyNode",
    }


def test_deleting_a_copy_of_a_segmentation_leaves_the_original_whole(bench):
    session = segmented(bench)
    copy = slicer.vtkMRMLSegmentationNode()
    copy.Copy(session.case.node)
    bench.scene.AddNode(copy)
    assert SegmentedCase(copy).entropy is session.case.entropy
    bench.scene.RemoveNode(copy)
    assert session.case.missing() == ()
    assert bench.session is session


# The end


def test_closing_in_the_middle_of_a_prediction_leaves_no_process_and_no_file(own_bench):
    own_bench.workspace.segment(request(own_bench, addSlowVolume(own_bench.scene)))
    own_bench.untilText("Segmenting")
    nodes = nodesIn(own_bench.scene)
    folder = own_bench.exchangeFolder
    assert folder.is_dir()
    own_bench.workspace.close()
    own_bench.workspace.close()
    own_bench.engine.waitForEnd()
    assert not any(psutil.pid_exists(pid) for pid in own_bench.engine.pids)
    assert not folder.exists()
    assert nodesIn(own_bench.scene) == nodes
    assert own_bench.messages == []


def test_closing_at_once_leaves_nothing(scene, tmp_path):
    bench = Bench(scene, Engine(), Places(tmp_path / "shipped", tmp_path))
    bench.workspace.segment(SegmentRequest(addSphere(scene), tmp_path / "no model"))
    folder = bench.exchangeFolder
    bench.close()
    assert bench.engine.pids == ()
    assert not folder.exists()


def test_another_engine_takes_over_and_the_one_before_ends(own_bench):
    own_bench.workspace.segment(request(own_bench, addSlowVolume(own_bench.scene)))
    own_bench.untilText("Loading the model")
    [first] = own_bench.engine.pids
    own_bench.engine.client = own_bench.engine.newClient()
    own_bench.workspace.setClient(own_bench.engine.client)
    assert not own_bench.workspace.busy("segment")
    own_bench.loop.runUntil(lambda: not psutil.pid_exists(first))
    own_bench.workspace.segment(request(own_bench))
    own_bench.finish()
    assert own_bench.messages == []
    assert own_bench.session is not None


def test_an_engine_that_cannot_be_started_is_said(scene, tmp_path):
    bench = Bench(scene, Engine((str(tmp_path / "no python"),)), Places(tmp_path / "shipped", tmp_path))
    bench.workspace.segment(SegmentRequest(addSphere(scene), tmp_path / "model"))
    bench.finish()
    [(kind, text)] = bench.messages
    assert kind == "error"
    assert "could not be started" in text
    assert bench.exchange == []
    bench.close()


def test_a_temporary_folder_that_cannot_be_made_is_said_at_once(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    bench = Bench(scene, Engine(), Places(tmp_path / "shipped", tmp_path))
    with pytest.raises(DualSSLError, match="could not be written"):
        bench.workspace.segment(SegmentRequest(addSphere(scene), tmp_path / "model"))
    assert not bench.workspace.busy("segment")
    bench.close()
