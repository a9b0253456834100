"""A corrected case on its way to the library: checked, written a file a step, and accepted by the worker."""

import json
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest
import slicer
import vtk

from dualssl.case_files import EDITED, LEFT, UNSEEN
from dualssl.cases import CaseLibrary
from dualssl.errors import LibraryError, OutputError
from dualssl.volumes.read import read_volume as readFile
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import read_volume
from dualssl.worker.jobs.save_case import save_case
from dualssl.worker.requests import Params
from dualssl.worker.task import Task
from DualSSLSegmentationLib.jobs.handover import Handover, collect, collectSteps, findingsOf
from DualSSLSegmentationLib.review.editTracking import EditTracker
from DualSSLSegmentationLib.scene.caseNodes import CaseError
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import addHiddenLabelMap, volumeOf
from sampleCases import LABELS, SHAPE, obliqueGeometry, runSteps, segmentedCase

KEPT = {"image", "labels", "prediction", "entropy", "kl", "edit_mask"}


@pytest.fixture
def a_segmented_case(scene):
    return segmentedCase(scene)


@pytest.fixture
def a_corrected_case(a_segmented_case):
    """A person painted a box, accepted one region, took network A's answer in another, and began at ten past four."""
    case = a_segmented_case
    labels = labelMapOf(case, LABELS, case.image).array
    labels[2:5, 3:9, 4:12] = 2
    writeLabels(case.node, Volume(labels, obliqueGeometry()), LABELS, None, None)
    entries = case.regionEntries
    entries[0] |= {"state": "accepted", "changed": "2026-02-03T04:12:00+00:00"}
    entries[1] |= {"answer": "a", "changed": "2026-02-03T04:13:00+00:00"}
    case.setJson("regions", entries)
    case.setJson("started", "2026-02-03T04:10:00+00:00")
    return case


@pytest.fixture
def a_handover(tmp_path):
    return Handover(tmp_path / "Bibliothek 左", "Fall_01", "Dr. Müller", "rim of the wall", "patient_1")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "exchange"


@pytest.fixture
def saved():
    """The worker's own `save_case`, fed as by a client."""

    def saving(params):
        params = json.loads(json.dumps(params, allow_nan=False))
        return save_case(Task(1, "save_case", params, None, lambda progress: None), Params(params))

    return saving


def collected(case, handover, folder, tracker=None):
    return runSteps(collectSteps(case, handover, tracker, folder))


def separated(case, segmentId):
    case.node.GetSegmentation().SeparateSegmentLabelmap(segmentId)


def addSegment(case, name, voxels=None):
    segmentId = case.node.GetSegmentation().AddEmptySegment("", name)
    if voxels is not None:
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels.astype(np.uint8), case.node, segmentId, case.image)
    return segmentId


class TestWhatIsHandedOver:
    def test_the_arrays_are_those_of_the_scene(self, a_corrected_case, a_handover, folder):
        case = a_corrected_case
        params = collected(case, a_handover, folder)
        labels = labelMapOf(case, LABELS, case.image).array
        expected = {
            "image": volumeOf(case.image).array,
            "labels": labels,
            "prediction": volumeOf(case.prediction).array,
            "entropy": volumeOf(case.entropy).array,
            "kl": volumeOf(case.kl).array,
            "edit_mask": labels != volumeOf(case.prediction).array,
        }
        files = {
            "image": params["images"][0],
            "labels": params["labels"],
            "prediction": params["prediction"]["label"],
            "entropy": params["prediction"]["entropy"],
            "kl": params["prediction"]["kl"],
            "edit_mask": params["edit_mask"],
        }
        assert {path.stem for path in folder.iterdir()} == KEPT
        for name, file in files.items():
            stored = read_volume(file, name)
            np.testing.assert_array_equal(stored.array, expected[name])
            assert stored.geometry.matches(obliqueGeometry(), 1e-9)
            assert file["file"] == str(folder / f"{name}.npy")
        assert expected["edit_mask"].any()

    def test_the_rest_is_said_in_words_and_numbers(self, a_corrected_case, a_handover, folder):
        params = collected(a_corrected_case, a_handover, folder)
        told = {
            "library": str(a_handover.library),
            "create": True,
            "case": "Fall_01",
            "group": "patient_1",
            "reviewer": "Dr. Müller",
            "started": "2026-02-03T04:10:00+00:00",
            "notes": "rim of the wall",
            "labels_table": LABELS.to_json(),
        }
        assert {name: params[name] for name in told} == told
        assert params["prediction"]["model_id"] == a_corrected_case.provenance["model_id"]
        assert params["prediction"]["model_sha256"] == a_corrected_case.provenance["model_sha256"]
        assert params["prediction"]["scores"] == a_corrected_case.scores

    def test_regions_that_a_person_decided_on_go_along_with_the_decision(self, a_corrected_case, a_handover, folder):
        reviewed = collected(a_corrected_case, a_handover, folder)["regions_reviewed"]
        first, second = (entry["region"] for entry in a_corrected_case.regionEntries)
        assert [{name: value for name, value in region.items() if not name.endswith("_kji")} for region in reviewed] == [
            {**first, "state": "accepted", "answer": None, "changed": "2026-02-03T04:12:00+00:00"},
            {**second, "state": "open", "answer": "a", "changed": "2026-02-03T04:13:00+00:00"},
        ]

    def test_protected_edits_of_before_a_merge_are_edits(self, scene, a_corrected_case, a_handover, folder):
        protected = np.zeros(SHAPE, np.uint8)
        protected[20:, 25:, 30:] = 1
        node = addHiddenLabelMap(scene, Volume(protected, obliqueGeometry()), "x", a_corrected_case.image)
        a_corrected_case.setReference("protectedEdits", node)
        mask = read_volume(collected(a_corrected_case, a_handover, folder)["edit_mask"], "mask").array
        labels = labelMapOf(a_corrected_case, LABELS, a_corrected_case.image).array
        np.testing.assert_array_equal(mask, (labels != volumeOf(a_corrected_case.prediction).array) | (protected != 0))

    def test_a_tracker_is_asked_for_the_edits(self, a_corrected_case, a_handover, folder):
        tracker = EditTracker(a_corrected_case, lambda function: None, lambda summary: None)
        with_tracker = read_volume(collected(a_corrected_case, a_handover, folder, tracker)["edit_mask"], "mask").array
        np.testing.assert_array_equal(with_tracker, tracker.editMask())
        without = read_volume(collected(a_corrected_case, a_handover, folder)["edit_mask"], "mask").array
        np.testing.assert_array_equal(with_tracker, without)
        tracker.stop()

    def test_all_at_once_is_the_same(self, a_corrected_case, a_handover, folder, tmp_path):
        stepwise = collected(a_corrected_case, a_handover, folder)
        h = a_handover
        at_once = collect(a_corrected_case, h.reviewer, h.caseName, h.library, h.group, h.notes, tmp_path / "other")
        assert json.dumps(at_once).replace(str(tmp_path / "other"), str(folder)) == json.dumps(stepwise)

    def test_labels_and_edits_are_of_one_moment(self, a_corrected_case, a_handover, folder):
        """A stroke between two steps must not tear labels and edit mask apart."""
        expected = labelMapOf(a_corrected_case, LABELS, a_corrected_case.image).array
        steps = collectSteps(a_corrected_case, a_handover, None, folder)
        next(steps)
        next(steps)
        painted = Volume(np.zeros(SHAPE, np.uint8), obliqueGeometry())
        writeLabels(a_corrected_case.node, painted, LABELS, None, None)
        params = runSteps(steps)
        np.testing.assert_array_equal(read_volume(params["labels"], "x").array, expected)
        edits = expected != volumeOf(a_corrected_case.prediction).array
        np.testing.assert_array_equal(read_volume(params["edit_mask"], "x").array, edits)

    def test_a_moved_case_is_handed_over_in_the_image_s_own_space(self, scene, a_corrected_case, a_handover, folder):
        parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
        transform = vtk.vtkTransform()
        transform.Translate(100, 0, 0)
        parent.SetMatrixTransformToParent(transform.GetMatrix())
        before = labelMapOf(a_corrected_case, LABELS, a_corrected_case.image).array
        a_corrected_case.image.SetAndObserveTransformNodeID(parent.GetID())
        a_corrected_case.node.SetAndObserveTransformNodeID(parent.GetID())
        params = collected(a_corrected_case, a_handover, folder)
        assert read_volume(params["images"][0], "x").geometry.matches(obliqueGeometry(), 1e-9)
        np.testing.assert_array_equal(read_volume(params["labels"], "x").array, before)


class TestTheLibrary:
    def test_takes_it(self, a_corrected_case, a_handover, folder, saved):
        answer = saved(collected(a_corrected_case, a_handover, folder))
        assert (answer["case"], answer["version"], answer["state"]) == ("Fall_01", 1, "corrected")
        labels = labelMapOf(a_corrected_case, LABELS, a_corrected_case.image).array
        with CaseLibrary.open(a_handover.library) as library:
            np.testing.assert_array_equal(library.read_labels("Fall_01").array, labels)
            np.testing.assert_array_equal(library.read_images("Fall_01")[0].array, volumeOf(a_corrected_case.image).array)
            (version,) = library.label_versions("Fall_01")
            assert version.reviewer == "Dr. Müller"
            assert version.started == datetime(2026, 2, 3, 4, 10, tzinfo=timezone.utc)
            assert version.provenance.model_id == a_corrected_case.provenance["model_id"]
            assert version.voxels_changed_total == np.count_nonzero(labels != volumeOf(a_corrected_case.prediction).array)
            assert [region["state"] for region in version.regions_reviewed] == ["accepted", "open"]

    def test_a_second_correction_is_a_new_version(self, a_corrected_case, a_handover, tmp_path, saved):
        saved(collected(a_corrected_case, a_handover, tmp_path / "1"))
        labels = labelMapOf(a_corrected_case, LABELS, a_corrected_case.image).array
        labels[0, 0, 0] = 1
        writeLabels(a_corrected_case.node, Volume(labels, obliqueGeometry()), LABELS, None, None)
        assert saved(collected(a_corrected_case, a_handover, tmp_path / "2"))["version"] == 2


class TestFindings:
    def test_a_sound_case_has_none(self, a_corrected_case):
        assert findingsOf(a_corrected_case) == findingsOf(a_corrected_case, None)
        assert (findingsOf(a_corrected_case).problems, findingsOf(a_corrected_case).remarks) == ((), ())

    def test_nothing_edited_and_nothing_reviewed_is_told_and_allowed(self, a_segmented_case, a_handover, folder):
        (remark,) = findingsOf(a_segmented_case).remarks
        assert remark == "Nothing was edited and no region was reviewed: the labels are saved as the model predicted them."
        assert remark in list(collectSteps(a_segmented_case, a_handover, None, folder))

    @pytest.mark.parametrize("change", [{"state": "accepted"}, {"state": "flagged"}, {"answer": "mean"}])
    def test_reviewing_without_an_edit_is_nothing_to_remark(self, a_segmented_case, change):
        entries = a_segmented_case.regionEntries
        entries[0] |= change
        a_segmented_case.setJson("regions", entries)
        assert findingsOf(a_segmented_case).remarks == ()

    def test_overlapping_segments_need_a_decision(self, a_corrected_case, a_handover, folder):
        separated(a_corrected_case, "Segment_2")
        overlap = np.zeros(SHAPE, bool)
        overlap[12, 15, 18] = True
        labels = labelMapOf(a_corrected_case, LABELS, a_corrected_case.image).array
        voxels = (labels == 2) | overlap
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            voxels.astype(np.uint8), a_corrected_case.node, "Segment_2", a_corrected_case.image
        )
        (problem,) = findingsOf(a_corrected_case).problems
        assert problem.startswith("The structures overlap in 1 voxel(s): decide")
        with pytest.raises(CaseError, match="The structures overlap in"):
            collected(a_corrected_case, a_handover, folder)
        assert not folder.exists()

    def test_a_segment_of_no_structure_is_told_and_left_out(self, a_corrected_case, a_handover, folder):
        before = labelMapOf(a_corrected_case, LABELS, a_corrected_case.image).array
        addSegment(a_corrected_case, "Notiz ✎", before == 0)
        (remark,) = findingsOf(a_corrected_case).remarks
        assert "'Notiz ✎' stands for no structure" in remark
        params = collected(a_corrected_case, a_handover, folder)
        np.testing.assert_array_equal(read_volume(params["labels"], "x").array, before)

    def test_a_lost_structure_beside_a_nameless_one_needs_a_decision(self, a_corrected_case):
        """Somebody removed a segment and painted it anew under another name: its voxels would be lost without a word."""
        a_corrected_case.node.GetSegmentation().RemoveSegment("Segment_1")
        addSegment(a_corrected_case, "Segment_9")
        (problem,) = findingsOf(a_corrected_case).problems
        assert "No segment stands for 'left atrium', while 'Segment_9' stands for no structure: rename the segment" in problem

    def test_a_structure_that_was_removed_is_told_and_allowed(self, a_corrected_case, a_handover, folder, saved):
        a_corrected_case.node.GetSegmentation().RemoveSegment("Segment_2")
        (remark,) = findingsOf(a_corrected_case).remarks
        assert remark == "No segment stands for 'wall': the case is saved as one without."
        saved(collected(a_corrected_case, a_handover, folder))

    def test_a_deleted_image_is_a_problem(self, scene, a_corrected_case, a_handover, folder):
        scene.RemoveNode(a_corrected_case.image)
        with pytest.raises(CaseError, match="The image of the case is gone from the scene"):
            collected(a_corrected_case, a_handover, folder)

    def test_a_closed_scene_is_a_problem(self, scene, a_corrected_case):
        scene.Clear(0)
        assert findingsOf(a_corrected_case).problems

    @pytest.mark.parametrize("role", ["entropy", "kl"])
    def test_a_deleted_map_goes_without_saying(self, scene, a_corrected_case, a_handover, folder, role, saved):
        scene.RemoveNode(a_corrected_case.reference(role))
        params = collected(a_corrected_case, a_handover, folder)
        assert params["prediction"][role] is None
        saved(params)

    def test_a_deleted_first_prediction_is_told_and_allowed(self, scene, a_corrected_case, a_handover, folder, saved):
        scene.RemoveNode(a_corrected_case.prediction)
        (remark,) = findingsOf(a_corrected_case).remarks
        assert remark.startswith("The first prediction is gone from the scene")
        params = collected(a_corrected_case, a_handover, folder)
        assert (params["prediction"], params["edit_mask"]) == (None, None)
        saved(params)

    def test_an_image_that_was_moved_since_the_prediction_is_a_problem(self, a_corrected_case):
        a_corrected_case.image.SetOrigin(0, 0, 0)
        (problem,) = findingsOf(a_corrected_case).problems
        assert "differs from the image 'MR' in origin" in problem

    def test_an_image_that_was_exchanged_for_a_smaller_one_is_a_problem(self, a_corrected_case):
        slicer.util.updateVolumeFromArray(a_corrected_case.image, np.zeros((4, 5, 6), np.int16))
        (problem,) = findingsOf(a_corrected_case).problems
        assert "in size" in problem

    def test_garbled_attributes_are_a_problem(self, a_corrected_case):
        a_corrected_case.node.SetAttribute("DualSSL.labels", "?")
        (problem,) = findingsOf(a_corrected_case).problems
        assert "cannot be read" in problem

    def test_looking_writes_nothing(self, a_corrected_case, tmp_path):
        findingsOf(a_corrected_case)
        assert list(tmp_path.iterdir()) == []


class TestWordsOfThePerson:
    @pytest.mark.parametrize("name", ["", "../up", "con", "a/b", "x" * 200])
    def test_a_name_that_no_case_can_have(self, a_corrected_case, a_handover, folder, name):
        with pytest.raises(LibraryError):
            collected(a_corrected_case, Handover(a_handover.library, name, "me"), folder)
        assert not folder.exists()

    @pytest.mark.parametrize("reviewer", ["", "  \t"])
    def test_nobody_to_answer_for_it(self, a_corrected_case, a_handover, folder, reviewer):
        with pytest.raises(CaseError, match="fill in the reviewer"):
            collected(a_corrected_case, Handover(a_handover.library, "x", reviewer), folder)


class TestEndingEarly:
    @pytest.mark.parametrize("after", range(1, 8))
    def test_closed_at_any_step_nothing_stays(self, a_corrected_case, a_handover, folder, after):
        steps = collectSteps(a_corrected_case, a_handover, None, folder)
        for _ in range(after):
            next(steps)
        assert len(list(folder.iterdir()) if folder.exists() else []) == max(0, after - 2)
        steps.close()
        assert not folder.exists()

    def test_a_folder_that_was_there_stays_without_our_files(self, a_corrected_case, a_handover, folder):
        folder.mkdir()
        (folder / "note.txt").write_text("mine", encoding="utf-8")
        steps = collectSteps(a_corrected_case, a_handover, None, folder)
        for _ in range(4):
            next(steps)
        steps.close()
        assert [path.name for path in folder.iterdir()] == ["note.txt"]

    def test_a_folder_that_cannot_be_written_is_said(self, a_corrected_case, a_handover, tmp_path):
        (tmp_path / "file").write_text("in the way", encoding="utf-8")
        with pytest.raises(OutputError, match="could not be written because"):
            collected(a_corrected_case, a_handover, tmp_path / "file" / "exchange")

    def test_what_was_read_is_handed_over_even_if_the_scene_is_closed_meanwhile(
        self, application, a_corrected_case, a_handover, folder, saved
    ):
        expected = labelMapOf(a_corrected_case, LABELS, a_corrected_case.image).array
        steps = collectSteps(a_corrected_case, a_handover, None, folder)
        next(steps)
        next(steps)
        application.clearScene()
        params = runSteps(steps)
        np.testing.assert_array_equal(read_volume(params["labels"], "x").array, expected)
        assert len(params["regions_reviewed"]) == 2
        assert saved(params)["version"] == 1


class TestWhatNobodyLookedAt:
    def test_is_marked_outside_of_edits_and_decided_regions(self, a_corrected_case, a_handover, folder):
        case = a_corrected_case
        params = collected(case, replace(a_handover, wholeCase=False), folder)
        edited = labelMapOf(case, LABELS, case.image).array != volumeOf(case.prediction).array
        decided = np.isin(volumeOf(case.regionMap).array, [entry["region"]["id"] for entry in case.regionEntries[:2]])
        expected = np.where(edited, EDITED, np.where(decided, LEFT, UNSEEN))
        assert set(np.unique(expected)) == {LEFT, EDITED, UNSEEN}
        np.testing.assert_array_equal(read_volume(params["edit_mask"], "edit_mask").array, expected)

    def test_is_also_a_region_that_was_only_flagged(self, a_corrected_case, a_handover, folder):
        case = a_corrected_case
        entries = case.regionEntries
        for entry in entries:
            entry |= {"state": "flagged", "answer": None}
        case.setJson("regions", entries)
        params = collected(case, replace(a_handover, wholeCase=False), folder)
        assert set(np.unique(read_volume(params["edit_mask"], "edit_mask").array)) == {EDITED, UNSEEN}

    def test_is_nowhere_in_a_case_that_was_looked_at_as_a_whole(self, a_corrected_case, a_handover, folder):
        params = collected(a_corrected_case, a_handover, folder)
        assert set(np.unique(read_volume(params["edit_mask"], "edit_mask").array)) == {LEFT, EDITED}

    def test_stays_so_in_the_library(self, a_corrected_case, a_handover, folder, saved):
        saved(collected(a_corrected_case, replace(a_handover, wholeCase=False), folder))
        with CaseLibrary.open(a_handover.library) as library:
            assert len(library.label_versions("Fall_01")) == 1
        (stored,) = a_handover.library.rglob("*.edits.nrrd")
        assert (readFile(stored).array == UNSEEN).any()

    def test_may_not_be_everything(self, a_corrected_case, a_handover, folder):
        case = a_corrected_case
        prediction = volumeOf(case.prediction)
        writeLabels(case.node, prediction, LABELS)
        case.setReference("protectedEdits", None)
        case.setJson("regions", [{**entry, "state": "open", "answer": None} for entry in case.regionEntries])
        with pytest.raises(CaseError, match="Nobody has looked at any part of this case"):
            collected(case, replace(a_handover, wholeCase=False), folder)
        assert not folder.exists() or not any(folder.iterdir())
