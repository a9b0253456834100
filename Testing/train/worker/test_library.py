"""Libraries through the worker: what they hold, what to look at next, batches of predictions, and corrections kept for good."""

import sys

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, CaseState, PredictionFiles
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume
from dualssl.worker.protocol import Code
from dualssl.worklist import waiting_candidates

ATRIUM = LabelTable.from_dataset_json({"background": 0, "left atrium": 1})


def maps_of(volume, number=0):
    random = np.random.default_rng(number)
    return [Volume(random.random(volume.array.shape, np.float32), volume.geometry) for _ in range(2)]


@pytest.fixture
def correction(handed_over, sphere, tmp_path):
    """Parameters of `save_case` for the sphere of a number, corrected from a prediction that missed a part of it."""

    def make(number=7, **others):
        image, label = sphere(number)
        predicted = Volume(label.array * (np.indices(label.array.shape)[0] < 9), label.geometry)
        mask = Volume((predicted.array != label.array).astype(np.uint8), label.geometry)
        entropy, kl = maps_of(label)
        given = {
            "library": str(tmp_path / "Fälle"),
            "create": True,
            "case": "patient 7",
            "group": "7",
            "images": [handed_over(image)],
            "channel_names": ["MRI"],
            "labels_table": ATRIUM.to_json(),
            "labels": handed_over(label),
            "prediction": {
                "label": handed_over(predicted),
                "entropy": handed_over(entropy),
                "kl": handed_over(kl),
                "model_id": "spheres-1",
                "model_sha256": "ab" * 32,
                "scores": {"entropy": 0.5, "kl": None},
            },
            "edit_mask": handed_over(mask),
            "reviewer": "Dr. Åsa",
            "started": "2026-01-31T10:00:00Z",
            "regions_reviewed": [{"region": 1, "state": "accepted"}],
            "notes": "wall",
        }
        return given | others

    return make


def test_a_correction_makes_a_library_a_case_a_prediction_and_a_version(engine, correction, sphere, tmp_path):
    image, label = sphere(7)
    result = engine.ask("save_case", **correction()).result
    changed = int(label.array[9:].sum())
    assert result == {
        "case": "patient 7",
        "version": 1,
        "state": "corrected",
        "voxels_changed": {"left atrium": changed},
        "voxels_changed_total": changed,
        "library": str(tmp_path / "Fälle"),
    }
    with CaseLibrary.open(tmp_path / "Fälle") as library:
        assert library.channel_names == ("MRI",)
        case = library.case("patient 7")
        np.testing.assert_array_equal(library.read_images("patient 7")[0].array, image.array)
        np.testing.assert_array_equal(library.read_labels("patient 7").array, label.array)
        assert library.read_edit_mask("patient 7").array.sum() == changed
        assert case.group == "7"
        assert case.labels.reviewer == "Dr. Åsa"
        assert case.labels.started.isoformat() == "2026-01-31T10:00:00+00:00"
        assert case.labels.regions_reviewed == ({"region": 1, "state": "accepted"},)
        assert case.labels.notes == "wall"
        assert case.labels.based_on == case.prediction.number == 1
        assert case.prediction.scores == {"entropy": 0.5}
        assert case.prediction.provenance.model_sha256 == "ab" * 32
        assert library.read_prediction("patient 7").entropy is not None


def test_a_second_correction_is_a_new_version_of_the_same_prediction(engine, correction, tmp_path):
    for version in (1, 2):
        assert engine.ask("save_case", **correction()).result["version"] == version
    with CaseLibrary.open(tmp_path / "Fälle") as library:
        assert len(library.predictions("patient 7")) == 1
        assert len(library.label_versions("patient 7")) == 2


def test_a_correction_of_a_newer_prediction_keeps_that_prediction_too(engine, correction, tmp_path):
    engine.ask("save_case", **correction())
    newer = correction()
    newer["prediction"]["model_sha256"] = "cd" * 32
    assert engine.ask("save_case", **newer).result["version"] == 2
    with CaseLibrary.open(tmp_path / "Fälle") as library:
        assert len(library.predictions("patient 7")) == 2
        assert library.case("patient 7").labels.based_on == 2


def test_labels_without_a_prediction_can_be_saved(engine, correction):
    result = engine.ask("save_case", **correction(prediction=None, edit_mask=None, started=None, group=None)).result
    assert (result["version"], result["voxels_changed"], result["voxels_changed_total"]) == (1, None, None)


@pytest.mark.parametrize("how", ["voxels", "place"])
def test_another_image_under_a_known_name_is_refused(engine, correction, handed_over, sphere, how):
    engine.ask("save_case", **correction())
    image, label = sphere(7 if how == "place" else 8)
    moved = Geometry(image.geometry.shape, origin=(5.0, 0.0, 0.0))
    if how == "place":
        image, label = Volume(image.array, moved), Volume(label.array, moved)
    other = correction(images=[handed_over(image)], labels=handed_over(label), prediction=None, edit_mask=None)
    error = engine.ask("save_case", **other).error
    assert "another image" in error.message
    assert engine.ask("save_case", **other | {"case": "patient 8"}).result["version"] == 1


@pytest.mark.parametrize(
    ("others", "kind", "says"),
    [
        ({"reviewer": " "}, "LibraryError", "reviewer"),
        ({"case": "a/b"}, "LibraryError", "a/b"),
        ({"images": []}, "RequestError", "images"),
        ({"labels": None}, "RequestError", "labels"),
        ({"labels_table": []}, "DatasetError", "no structure"),
        ({"labels_table": [{"value": 1}]}, "RequestError", "labels_table"),
        ({"channel_names": ["MRI", "T2"]}, "LibraryError", "channel"),
        ({"started": "yesterday"}, "RequestError", "yesterday"),
        ({"create": False}, "LibraryError", "no case library"),
        (
            {"labels": {"file": "/nowhere.npy", "geometry": {"shape_kji": [1, 1, 1], "ijk_to_ras": np.eye(4).tolist()}}},
            "VolumeError",
            "nowhere",
        ),
    ],
)
def test_what_cannot_be_saved_is_said_before_anything_is_stored(engine, correction, tmp_path, others, kind, says):
    error = engine.ask("save_case", **correction(**others)).error
    assert error.kind == kind
    assert says in error.message
    assert not (tmp_path / "Fälle").exists()


def test_labels_maps_and_masks_that_do_not_fit_are_refused_before_anything_is_stored(
    engine, correction, handed_over, sphere, tmp_path
):
    label = sphere(7)[1]
    strange = handed_over(Volume(label.array * 3, label.geometry))
    elsewhere = handed_over(Volume(label.array, Geometry(label.geometry.shape, origin=(1.0, 2.0, 3.0))))
    wrong = [correction(labels=strange), correction(labels=elsewhere), correction(edit_mask=strange)]
    for part, value in (("label", strange), ("entropy", elsewhere), ("scores", {"entropy": "high"})):
        given = correction()
        given["prediction"][part] = value
        wrong.append(given)
    for given in wrong:
        assert engine.ask("save_case", **given).error.kind == "LibraryError"
    assert not (tmp_path / "Fälle").exists()


def test_a_library_of_other_structures_is_left_as_it_is(engine, correction, corrected_library):
    table = LabelTable.from_dataset_json({"background": 0, "aorta": 1})
    error = engine.ask("save_case", **correction(library=str(corrected_library), labels_table=table.to_json())).error
    assert "left atrium" in error.message
    assert "aorta" in error.message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits other processes")
def test_a_full_disk_costs_no_earlier_version_and_the_correction_can_be_saved_again(engine, correction, tmp_path):
    import resource

    assert engine.ask("save_case", **correction()).results
    request = correction()
    pid = engine.pid()
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        error = engine.ask("save_case", **request).error
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    assert error.code == Code.mendable
    with CaseLibrary.open(tmp_path / "Fälle") as library:
        assert len(library.label_versions("patient 7")) == 1
    assert engine.ask("save_case", **request).result["version"] == 2


def test_what_a_library_holds_is_told(engine, corrected_library):
    found = engine.ask("library", folder=str(corrected_library)).result
    assert found["counts"] == {"waiting": 1, "predicted": 0, "in review": 0, "corrected": 2, "excluded": 0}
    assert [case["name"] for case in found["cases"]] == ["case_0", "case_1", "case_2"]
    assert (found["cases"][0]["reviewer"], found["cases"][0]["label_version"]) == ("A. Reader", 1)
    assert found["channels"] == ["MRI"]
    assert LabelTable.from_json(found["labels"]) == ATRIUM
    assert found["read_only"] is False
    assert engine.ask("library", folder="/nowhere").error.kind == "LibraryError"


def test_waiting_cases_are_predicted_and_come_to_the_worklist(engine, corrected_library, model, sphere):
    with CaseLibrary.open(corrected_library) as library:
        library.add_case("case_3", [sphere(3)[0]])
    before = engine.ask("worklist", library=str(corrected_library)).result
    assert (before["cases"], before["without_prediction"]) == ([], 2)
    answer = engine.ask("predict_library", library=str(corrected_library), model=str(model), device="cpu")
    assert answer.result["predicted"] == ["case_2", "case_3"]
    assert (answer.result["failed"], answer.result["left_out"]) == ([], [])
    assert answer.progress[-1].stage == "Segmenting the library"
    found = engine.ask("worklist", library=str(corrected_library), strategy="entropy", count=1).result
    assert (found["candidates"], found["without_prediction"], len(found["cases"])) == (2, 0, 1)
    assert found["cases"][0]["position"] == 1
    assert found["cases"][0]["why"]
    error = engine.ask("worklist", library=str(corrected_library), strategy="luck").error
    assert "luck" in error.message
    again = engine.ask("predict_library", library=str(corrected_library), model=str(model), device="cpu", all=True)
    assert len(again.result["predicted"]) == 4


@pytest.fixture
def a_described_library(tmp_path):
    """A corrected case, and three predicted ones: the most urgent is its twin, the others are like nothing known."""
    grid = Geometry((3, 4, 5))
    labels, image = Volume(np.ones(grid.shape, np.uint8), grid), Volume(np.arange(60, dtype=np.int16).reshape(grid.shape), grid)
    described = {
        "corrected": (0.9, (0.0, 0.0)),
        "twin": (0.9, (0.0, 0.0)),
        "one": (0.8, (9.0, 0.0)),
        "other": (0.7, (0.0, 9.0)),
    }
    with CaseLibrary.create(tmp_path / "described", ATRIUM, ("MRI",)) as library:
        for name, (entropy, features) in described.items():
            scores = {"entropy": entropy, "kl": entropy, "network_dice": 1 - entropy, "foreground_voxels": 60}
            library.add_case(name, [image])
            library.add_prediction(name, PredictionFiles(labels=labels, scores=scores, features=features))
        library.save_correction("corrected", labels, reviewer="R")
    return tmp_path / "described"


def test_the_worklist_is_the_engines_own_and_unlike_what_was_corrected(engine, a_described_library):
    found = engine.ask("worklist", library=str(a_described_library), strategy="entropy").result
    with CaseLibrary.open(a_described_library) as library:
        expected = waiting_candidates(library.cases()).ranked("entropy")
    assert [(case["name"], case["position"], case["why"]) for case in found["cases"]] == [
        (case.name, case.position, case.why) for case in expected
    ]
    assert [case["name"] for case in found["cases"]] == ["one", "other", "twin"]
    assert [case["group"] for case in found["cases"]] == ["one", "other", "twin"]


def test_a_case_that_cannot_be_predicted_does_not_stop_the_others(engine, corrected_library, model, sphere):
    with CaseLibrary.open(corrected_library) as library:
        library.add_case("case_3", [sphere(3)[0]])
    for path in (corrected_library / "cases" / "case_2").glob("*.nrrd"):
        path.unlink()
    answer = engine.ask("predict_library", library=str(corrected_library), model=str(model), device="cpu")
    assert answer.result["predicted"] == ["case_3"]
    assert [failed["case"] for failed in answer.result["failed"]] == ["case_2"]
    assert "case_2 was not predicted" in "\n".join(progress.note for progress in answer.progress)


def test_a_model_of_other_channels_is_refused_for_a_library(engine, corrected_library, two_channel_model):
    answer = engine.ask("predict_library", library=str(corrected_library), model=str(two_channel_model), device="cpu")
    assert answer.error.kind == "PredictionError"


def test_a_cancelled_batch_keeps_what_was_finished(engine, corrected_library, model, a_large_image, sphere):
    with CaseLibrary.open(corrected_library) as library:
        library.add_case("case_9", [a_large_image])
    answer = engine.start("predict_library", library=str(corrected_library), model=str(model), device="cpu")
    engine.loop.run_until(lambda: answer.over or any(progress.done == 1 for progress in answer.progress))
    answer.call.cancel(patience=60)
    assert engine.wait(answer).error.kind == "Cancelled"
    with CaseLibrary.open(corrected_library) as library:
        assert library.case("case_2").state is CaseState.predicted
        assert library.case("case_9").state is CaseState.waiting
