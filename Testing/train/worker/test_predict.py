"""`predict` on a real worker: results on the volume's grid, whole or not at all, networks that stay in memory."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.model.folder import load_model, read_manifest
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.prediction.roi import RegionOfInterest
from dualssl.review import Region
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import geometry_json, read_volume
from dualssl.worker.jobs.predict import PredictRequest, segment
from dualssl.worker.networks import Networks
from dualssl.worker.protocol import Code
from dualssl.worker.task import JobCancelledError, Task

TYPES = {"label": "u1", "label_a": "u1", "label_b": "u1", "entropy": "f4", "kl": "f4", "region_map": "u1"}
OBLIQUE = Geometry.from_ijk_to_ras(
    [[0.6, 0.0, -1.6, 10.0], [0.8, 0.0, 1.2, -20.0], [0.0, -0.75, 0.0, 30.0], [0, 0, 0, 1]], (18, 20, 32)
)


def arrays_of(result):
    return {
        name: read_volume({"file": path, "geometry": result["geometry"]}, name).array for name, path in result["files"].items()
    }


def here(model, volumes, roi=None, settings=None):
    return Predictor(*load_model(model), settings or PredictionSettings(device="cpu")).predict(volumes, roi)


@pytest.fixture
def noise():
    return lambda grid, number=0: Volume(np.random.default_rng(number).normal(0, 50, grid.shape).astype(np.float32), grid)


def test_the_result_is_that_of_the_engine_on_the_volumes_own_grid(engine, model, prediction, handed_over, noise):
    volume = noise(OBLIQUE)
    answer = engine.ask("predict", **prediction(images=[handed_over(volume)]))
    result = answer.result
    expected = here(model, [volume])
    assert result["geometry"] == geometry_json(OBLIQUE)
    arrays = arrays_of(result)
    assert {name: array.dtype.str[1:] for name, array in arrays.items()} == TYPES
    for name in ("label", "label_a", "label_b"):
        np.testing.assert_array_equal(arrays[name], getattr(expected, name))
    for name in ("entropy", "kl"):
        np.testing.assert_allclose(arrays[name], getattr(expected, name), atol=1e-6)
    regions = [Region.from_json(region) for region in result["regions"]]
    assert regions
    for region in regions:
        assert np.count_nonzero(arrays["region_map"] == region.id) == region.voxels
    assert arrays["region_map"].max() == len(regions)
    assert LabelTable.from_json(result["labels"]).names == ("left atrium",)
    assert set(result["scores"]) == {"entropy", "kl", "uncertain", "network_dice", "foreground_voxels"}
    assert answer.stages()[-1] == "Handing over the result"
    assert json.dumps(result, allow_nan=False)


def test_where_a_result_comes_from_is_said(engine, model, prediction):
    provenance = engine.ask("predict", **prediction()).result["provenance"]
    assert provenance["model_id"] == "spheres-1"
    assert provenance["model_name"] == "Spheres"
    assert provenance["model_folder"] == str(model)
    assert provenance["channels"] == list(read_manifest(model).channel_names)
    assert len(provenance["model_sha256"]) == 64
    assert provenance["device"].startswith("cpu")
    assert provenance["created"].endswith("+00:00")
    assert provenance["seconds"] > 0
    assert provenance["roi"] is None
    assert provenance["program"].startswith("dualssl ")


def test_a_second_volume_does_not_load_the_networks_again(engine, prediction, handed_over, sphere):
    engine.ask("predict", **prediction())
    second = engine.ask("predict", **prediction(images=[handed_over(sphere(8)[0])], overlap=0.5, device="auto"))
    assert second.result["warm"] is True


def test_networks_can_be_brought_into_memory_before_they_are_needed(engine, prediction, another_model):
    model = str(another_model("prepared"))
    prepared = engine.ask("prepare", model=model, device="cpu").result
    assert (prepared["model_id"], prepared["warm"]) == ("prepared", False)
    assert engine.ask("predict", **prediction(model=model)).result["warm"] is True
    assert engine.ask("prepare", model=model).result["warm"] is True


def test_two_models_stay_in_memory_and_the_one_not_used_for_longest_goes(engine, prediction, another_model):
    models = [str(another_model(id_)) for id_ in ("a", "b", "c")]
    warm = [engine.ask("predict", **prediction(model=models[n])).result["warm"] for n in (0, 1, 0, 2, 0, 1)]
    assert warm == [False, False, True, False, True, False]


def test_a_copy_of_a_model_is_the_same_model(engine, prediction, model, tmp_path):
    engine.ask("predict", **prediction())
    copy = shutil.copytree(model, tmp_path / "copy")
    assert engine.ask("predict", **prediction(model=str(copy))).result["warm"] is True


def test_several_channels_are_predicted_together(engine, two_channel_model, prediction, handed_over, noise):
    volumes = [noise(OBLIQUE, number) for number in range(2)]
    result = engine.ask(
        "predict", **prediction(images=[handed_over(volume) for volume in volumes], model=str(two_channel_model))
    ).result
    np.testing.assert_array_equal(arrays_of(result)["label"], here(two_channel_model, volumes).label)


@pytest.mark.parametrize("statistics", ["auto", "image", "roi"])
def test_a_region_of_interest_is_given_in_ras(engine, model, prediction, handed_over, noise, statistics):
    volume = noise(OBLIQUE)
    centre = OBLIQUE.kji_to_ras((9, 10, 16))
    bounds = [float(v) for c in centre for v in (c - 6, c + 6)]
    result = engine.ask("predict", **prediction(images=[handed_over(volume)], roi=bounds, roi_statistics=statistics)).result
    settings = PredictionSettings(device="cpu", roi_statistics=statistics)
    expected = here(model, [volume], RegionOfInterest.from_ras_bounds(OBLIQUE, tuple(bounds)), settings)
    arrays = arrays_of(result)
    np.testing.assert_array_equal(arrays["label"], expected.label)
    assert arrays["entropy"].shape == OBLIQUE.shape
    assert (arrays["entropy"] == 0).any()
    assert result["provenance"]["roi"] == bounds
    assert result["provenance"]["normalised_over"] == expected.normalised_over


@pytest.mark.parametrize(
    ("others", "kind", "says"),
    [
        ({"model": "/no such model"}, "ModelError", "no such model"),
        ({"roi": [0, 0, 0, 1, 0, 1]}, "VolumeError", "region of interest is empty"),
        ({"roi": [900, 950, 900, 950, 900, 950]}, "VolumeError", "region"),
        ({"roi": [1, 2, 3]}, "RequestError", "6 numbers"),
        ({"images": []}, "RequestError", "images"),
        ({"device": "tpu"}, "RequestError", "tpu"),
        ({"device": "cuda:7"}, "PredictionError", "cuda"),
        ({"overlap": 1.5}, "RequestError", "overlap"),
        ({"roi_statistics": "body"}, "RequestError", "roi_statistics"),
        ({"output": "relative"}, "RequestError", "absolute"),
        ({"colour": "red"}, "RequestError", "colour"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_left(engine, prediction, tmp_path, others, kind, says):
    request = prediction(**others)
    error = engine.ask("predict", **request).error
    assert error.kind == kind
    assert says in error.message
    assert not list(tmp_path.glob("*result*"))


def test_images_that_no_network_can_work_on_are_refused(engine, prediction, handed_over, noise, two_channel_model, image):
    constant = Volume(np.ones(OBLIQUE.shape, np.int16), OBLIQUE)
    holes = Volume(np.where(noise(OBLIQUE).array > 0, np.nan, 1.0).astype(np.float32), OBLIQUE)
    slice_ = noise(Geometry((1, 20, 20)))
    for volume, says in ((constant, "The volume has the value 1"), (holes, "NaN"), (slice_, "single slice")):
        error = engine.ask("predict", **prediction(images=[handed_over(volume)])).error
        assert (error.code, error.kind) == (Code.mendable, "VolumeError")
        assert says in error.message
    pair = [handed_over(noise(OBLIQUE)), handed_over(image)]
    assert engine.ask("predict", **prediction(images=pair, model=str(two_channel_model))).error.kind == "VolumeError"


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_or_too_many_volumes_are_told_in_one_sentence_before_anything_is_read(
    engine, prediction, two_channel_model, count
):
    nowhere = {"file": "/nowhere.npy", "geometry": {"shape_kji": [1, 1, 1], "ijk_to_ras": np.eye(4).tolist()}}
    answer = engine.ask("predict", **prediction(images=[nowhere] * count, model=str(two_channel_model)))
    assert answer.error.kind == "PredictionError"
    given = "one is given: choose a model for one volume." if count == 1 else "3 are given: choose a model for 3 volumes."
    assert answer.error.message == f"The model 'Spheres' needs 2 volumes of one patient at once (MRI, T2), and {given}"
    assert "Loading the model" not in answer.stages()
    assert "Reading the volume" not in answer.stages()


def test_a_folder_that_holds_something_is_left_as_it_is(engine, prediction, tmp_path):
    (tmp_path / "occupied").mkdir()
    (tmp_path / "occupied" / "somebody's").write_text("work", encoding="utf-8")
    refused = engine.ask("predict", **prediction(output=str(tmp_path / "occupied")))
    assert refused.error.kind == "OutputError"
    # Before the work, not after it.
    assert refused.stages() == ["Starting the engine"]
    assert [path.name for path in (tmp_path / "occupied").iterdir()] == ["somebody's"]
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert engine.ask("predict", **prediction(output=str(tmp_path / "file"))).error.kind == "OutputError"


def test_an_empty_folder_is_filled(engine, prediction, tmp_path):
    (tmp_path / "empty").mkdir()
    engine.ask("predict", **prediction(output=str(tmp_path / "empty")))
    assert {path.name for path in (tmp_path / "empty").iterdir()} == {f"{name}.npy" for name in TYPES}


def test_paths_may_be_long_and_in_any_language(engine, prediction, tmp_path, model):
    place = tmp_path / "Patientin Åsa 左心房 \U0001fac0" / ("x" * 200) / ("y" * 200)
    place.mkdir(parents=True)
    copy = shutil.copytree(model, place / "модель")
    result = engine.ask("predict", **prediction(model=str(copy), output=str(place / "результат"))).result
    assert arrays_of(result)["label"].shape == (18, 20, 32)


def test_a_model_that_is_removed_between_two_volumes_is_missed_though_its_networks_are_warm(
    engine, prediction, model, tmp_path
):
    copy = shutil.copytree(model, tmp_path / "copy")
    assert engine.ask("predict", **prediction(model=str(copy))).results
    shutil.rmtree(copy)
    error = engine.ask("predict", **prediction(model=str(copy))).error
    assert (error.kind, str(copy) in error.message) == ("ModelError", True)


def test_a_model_that_was_changed_is_noticed_though_it_was_verified(engine, prediction, model, tmp_path):
    copy = Path(shutil.copytree(model, tmp_path / "copy"))
    assert engine.ask("predict", **prediction(model=str(copy))).results
    weights = copy / "models" / "network_a.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    error = engine.ask("predict", **prediction(model=str(copy))).error
    assert error.kind == "ModelError"
    assert "altered" in error.message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits other processes")
def test_a_disk_that_is_full_is_said_leaves_nothing_and_ends_nothing(engine, prediction, handed_over, noise, tmp_path):
    import resource

    request = prediction(images=[handed_over(noise(Geometry((32, 64, 64))))])
    pid = engine.pid()
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        error = engine.ask("predict", **request).error
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    assert (error.code, error.kind) == (Code.mendable, "OutputError")
    assert "too large" in error.message
    assert not [path for path in tmp_path.iterdir() if "result" in path.name]
    assert engine.ask("predict", **request).results
    assert engine.client.pid == pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits other processes")
def test_memory_that_runs_out_is_said_and_the_next_volume_is_predicted(start_engine, prediction, handed_over, image):
    import resource

    import psutil

    engine = start_engine()
    assert engine.ask("predict", **prediction()).results
    pid = engine.pid()
    huge = Volume(np.broadcast_to(np.int16(0), (1000, 1000, 300)), Geometry((1000, 1000, 300)))
    request = prediction(images=[handed_over(huge)])
    before = resource.prlimit(pid, resource.RLIMIT_AS)
    room = psutil.Process(pid).memory_info().vms + (100 << 20)
    resource.prlimit(pid, resource.RLIMIT_AS, (room, before[1]))
    try:
        error = engine.ask("predict", **request).error
    finally:
        resource.prlimit(pid, resource.RLIMIT_AS, before)
    assert error.code == Code.out_of_memory
    assert "memory ran out" in error.message
    again = engine.ask("predict", **prediction()).result
    # What was kept in memory was given up for others to have it.
    assert again["warm"] is False
    assert engine.client.pid == pid


def test_a_cancelled_prediction_leaves_nothing_and_the_worker_goes_on(engine, prediction, handed_over, a_large_image, tmp_path):
    pid = engine.pid()
    answer = engine.start("predict", **prediction(images=[handed_over(a_large_image)]))
    waiting = engine.start("predict", **prediction())
    engine.loop.run_until(lambda: any(progress.done for progress in answer.progress))
    answer.call.cancel(patience=60)
    waiting.call.cancel()
    assert engine.wait(waiting).error.kind == "Cancelled"
    assert engine.wait(answer).error.kind == "Cancelled"
    assert waiting.progress == []
    assert not [path for path in tmp_path.iterdir() if "result" in path.name]
    assert engine.ask("predict", **prediction()).results
    assert engine.client.pid == pid


def test_a_cancel_at_the_last_moment_leaves_nothing(model, handed_over, image, tmp_path):
    def cancel_late(progress):
        if progress.stage == "Handing over the result":
            task.cancel()

    task = Task(1, "predict", {}, Networks(), cancel_late)
    output = tmp_path / "result"
    request = PredictRequest([handed_over(image)], model, "cpu", None, output, PredictionSettings())
    with pytest.raises(JobCancelledError):
        segment(task, request, task.networks)
    assert not [path for path in tmp_path.iterdir() if "result" in path.name]


def test_progress_says_how_long_it_takes(engine, prediction, handed_over, a_large_image):
    answer = engine.start("predict", **prediction(images=[handed_over(a_large_image)]))
    engine.loop.run_until(lambda: any(p.done and p.done < p.total for p in answer.progress))
    told = next(p for p in answer.progress if p.done and p.done < p.total)
    assert told.stage == "Segmenting"
    assert told.seconds_left > 0
    answer.call.cancel(patience=60)
    engine.wait(answer)


def test_devices_are_listed_and_can_be_used(engine, prediction):
    devices = engine.ask("devices").result
    assert devices[-1]["id"] == "cpu"
    assert all(device["memory_gb"] > 0 and device["name"] for device in devices)
    assert engine.ask("predict", **prediction(device=devices[0]["id"])).results


def test_the_self_check_predicts_a_tiny_case_and_leaves_what_is_in_memory(engine, prediction):
    engine.ask("predict", **prediction())
    found = engine.ask("self_check", model=None, device="cpu").result
    assert {"dualssl", "python", "torch", "monai", "numpy"} <= set(found["versions"])
    assert found["device"].startswith("cpu")
    assert found["model_id"] == "self-check"
    assert all(seconds > 0 for seconds in found["seconds"].values())
    assert engine.ask("predict", **prediction()).result["warm"] is True


@pytest.mark.parametrize("which", ["model", "two_channel_model"])
def test_the_self_check_can_be_made_of_any_model(engine, request, which):
    folder = request.getfixturevalue(which)
    assert engine.ask("self_check", model=str(folder), device="cpu").result["model_id"].startswith("spheres-")
    assert engine.ask("self_check", model="/nowhere", device="cpu").error.kind == "ModelError"
