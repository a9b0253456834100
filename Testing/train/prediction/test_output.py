from __future__ import annotations

import json

import numpy as np
import pytest

from dualssl.errors import OutputError
from dualssl.prediction import output
from dualssl.prediction.output import write_prediction
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.prediction.roi import RegionOfInterest
from dualssl.volumes.read import read_volume
from dualssl.volumes.volume import Volume

FILES = {"case.seg.nrrd", "case.entropy.nrrd", "case.kl.nrrd", "case.json"}


@pytest.fixture
def manifest(make_manifest):
    return make_manifest(classes=3)


@pytest.fixture
def prediction(manifest, threshold_networks, make_geometry, random_image):
    image = random_image((20, 24, 22))
    image[5:12, 5:12, 5:12] = 0.55
    volume = Volume(image, make_geometry(3, image.shape))
    predictor = Predictor(threshold_networks((0.5, 0.8), (0.6, 0.8)), manifest, PredictionSettings("cpu", "float32"))
    return predictor.predict([volume], RegionOfInterest((1, 1, 1), (18, 20, 20)))


def no_constants(text):
    raise AssertionError(f"{text} is not JSON")


def test_all_files_are_there_and_hold_the_prediction_on_its_grid(prediction, manifest, tmp_path):
    folder = tmp_path / "new" / "folder"
    write_prediction(prediction, "case", folder, manifest)
    assert {path.name for path in folder.iterdir()} == FILES
    for suffix, expected in (("seg", prediction.label), ("entropy", prediction.entropy), ("kl", prediction.kl)):
        volume = read_volume(folder / f"case.{suffix}.nrrd")
        np.testing.assert_array_equal(volume.array, expected)
        assert volume.geometry.matches(prediction.geometry)


def test_the_summary_is_strict_json_and_says_what_is_needed(prediction, manifest, tmp_path):
    summary = write_prediction(prediction, "case", tmp_path, manifest)
    data = json.loads((tmp_path / "case.json").read_text(), parse_constant=no_constants)
    assert data == summary
    assert data["model"] == {"id": "test-model", "name": "Test model"}
    assert {data["files"][key] for key in ("segmentation", "entropy", "kl")} | {"case.json"} == FILES
    np.testing.assert_allclose(data["geometry"]["ijk_to_ras"], prediction.geometry.ijk_to_ras)
    assert data["region_of_interest"] == {"start_kji": [1, 1, 1], "shape_kji": [18, 20, 20]}
    first, second = data["volumes_ml"].values()
    assert list(data["volumes_ml"]) == ["structure 1", "structure 2"]
    ml = prediction.geometry.voxel_ml
    assert first["a"] == pytest.approx((prediction.label_a == 1).sum() * ml)
    assert first["b"] == pytest.approx((prediction.label_b == 1).sum() * ml)
    assert second["mean"] == pytest.approx((prediction.label == 2).sum() * ml)
    assert data["regions"]
    assert data["case_scores"]["kl"] > 0
    assert data["seconds"]["networks"] > 0


def test_an_interrupted_write_leaves_no_summary_and_no_scraps(prediction, manifest, tmp_path, monkeypatch):
    write_prediction(prediction, "case", tmp_path, manifest)

    def full_disk(*_):
        raise OutputError("the disk is full.")

    monkeypatch.setattr(output, "write_volume", full_disk)
    with pytest.raises(OutputError):
        write_prediction(prediction, "case", tmp_path, manifest)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"case.json"}


def test_a_file_in_place_of_the_folder_is_an_error_a_person_can_mend(prediction, manifest, tmp_path):
    (tmp_path / "occupied").write_text("")
    with pytest.raises(OutputError, match="occupied"):
        write_prediction(prediction, "case", tmp_path / "occupied", manifest)
