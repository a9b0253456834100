"""Calibration of a model on cases: the temperature that its labels ask for, in the band, on the image's own grid."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dualssl.case_files import read_case
from dualssl.errors import DatasetError
from dualssl.evaluation.case import BAND_VOXELS
from dualssl.evaluation.temperature import CaseLogits, calibrate_model
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.metrics.band import foreground_band
from dualssl.metrics.calibration import Reliability
from dualssl.model.manifest import Manifest, NetworkSpec, Postprocessing, Preprocessing
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.volumes.volume import Volume

SHAPE = (16, 32, 32)
GRID = Geometry(SHAPE, (1.0, 1.0, 1.0))
SURENESS = 4.0
FEW = (1.0, 1.5, 2.0, 3.0, 4.0)


def manifest_of(spacing=None, **changes):
    labels = LabelTable.from_dataset_json({"background": 0, "chamber": 1})
    spec = NetworkSpec(width=2)
    manifest = Manifest("m", "M", labels, ("MRI",), spec, Preprocessing(spacing), Postprocessing(), (16, 32, 32))
    return replace(manifest, **changes)


@pytest.fixture
def predictor_of(threshold_networks):
    def make(tilt=0.0, manifest=None, window_voxels=None):
        settings = PredictionSettings(device="cpu", precision="float32", window_voxels=window_voxels)
        return Predictor(threshold_networks(SURENESS, tilt), manifest or manifest_of(), settings)

    return make


def bright_cases(true, count=3):
    """Labels drawn voxel by voxel: as likely as logits of `SURENESS` times the brightness, divided by `true`, say."""
    cases = {}
    for number in range(count):
        random = np.random.default_rng(number)
        image = random.normal(0, 1, SHAPE).astype(np.float32)
        image = (image - image.mean()) / image.std()
        label = random.random(SHAPE) < 1 / (1 + np.exp(-SURENESS * image / true))
        cases[f"case_{number}"] = ([Volume(image, GRID)], Volume(label.astype(np.uint8), GRID))
    return cases


@pytest.fixture
def overconfident(write_dataset, tmp_path):
    """Three cases on which the networks are twice as sure as they should be."""
    return write_dataset(tmp_path / "Bright", bright_cases(2.0), ("chamber",), "Bright")


def test_an_overconfident_model_gets_the_temperature_that_its_labels_ask_for(predictor_of, overconfident):
    told = []
    report = calibrate_model(predictor_of(), overconfident, overconfident.cases(), lambda *news: told.append(news))
    assert report.chosen == report.fit.temperature == pytest.approx(2.0, rel=0.05)
    assert report.fit.helps
    assert report.fit.cases_better == 3
    assert report.ece_after < 0.01 < 0.08 < report.ece_before
    assert told == [(1, "case_0"), (2, "case_1"), (3, "case_2")]


def test_a_calibrated_model_keeps_its_temperature(predictor_of, write_dataset, tmp_path):
    cases = bright_cases(1.0, count=2)
    # Of the second, the labels are surer than the networks: what one gains the other loses.
    surer = (cases["case_1"][0][0].array > 0).astype(np.uint8)
    cases["case_1"] = (cases["case_1"][0], Volume(surer, GRID))
    dataset = write_dataset(tmp_path / "Bright", cases, ("chamber",))
    report = calibrate_model(predictor_of(), dataset, dataset.cases())
    assert not report.fit.helps
    assert (report.chosen, report.ece_after) == (1.0, report.ece_before)
    assert "Temperature 1 stays" in report.verdict


@pytest.fixture(params=["one window", "several windows", "another grid"])
def predictor_with_a_temperature(request, predictor_of):
    """Its windows are blended, and its label maps lose all but the largest piece."""
    several = request.param == "several windows"
    spacing = (1.5, 2.0, 2.0) if request.param == "another grid" else None
    manifest = manifest_of(spacing, postprocessing=Postprocessing((1,)), temperature=1.5, patch=(16, 16, 16))
    predictor = predictor_of(3.0, manifest, 16**3 if several else None)
    assert (predictor.plan(SHAPE).count > 1) == several
    return predictor


def test_what_is_calibrated_is_what_is_predicted(predictor_with_a_temperature, overconfident):
    channels, truth = read_case(overconfident, "case_0", labelled=True)
    predicted = predictor_with_a_temperature.predict(channels).label
    found = CaseLogits.of(predictor_with_a_temperature, channels, truth).label(1.5)
    assert 0.2 < np.mean(predicted) < 0.8
    assert np.mean(found != predicted) < 1e-3


@pytest.mark.parametrize("predictor_with_a_temperature", ["one window", "several windows"], indirect=True)
def test_the_error_before_is_what_evaluate_reports(predictor_with_a_temperature, overconfident):
    expected = Reliability()
    for name in ("case_0", "case_1"):
        channels, truth = read_case(overconfident, name, labelled=True)
        predicted = predictor_with_a_temperature.predict(channels, keep_confidence=True)
        band = foreground_band(predicted.label, BAND_VOXELS)
        expected.add(predicted.confidence, predicted.label == truth.array, band)
    report = calibrate_model(predictor_with_a_temperature, overconfident, ("case_0", "case_1"), temperatures=FEW)
    assert report.ece_before == pytest.approx(expected.ece, abs=2e-3)


def test_the_fitted_temperature_is_the_whole_one_also_of_a_model_that_has_one(predictor_of, overconfident):
    predictor = predictor_of(manifest=manifest_of(temperature=4.0))
    report = calibrate_model(predictor, overconfident, overconfident.cases())
    assert (report.fit.before, report.chosen) == (4.0, pytest.approx(2.0, rel=0.05))


def test_a_case_in_which_nothing_is_found_counts_whole(predictor_of, write_dataset, tmp_path):
    cases = bright_cases(2.0, count=2)
    dataset = write_dataset(tmp_path / "Bright", cases, ("chamber",))
    predictor = predictor_of()
    predictor.networks = Blind()
    report = calibrate_model(predictor, dataset, dataset.cases())
    assert np.isfinite(report.fit.nll_before)
    assert report.ece_before > 0.3


class Blind(nn.Module):
    def forward(self, image):
        logits = torch.cat([torch.full_like(image, 5.0), torch.zeros_like(image)], dim=1)
        return (logits, image), (logits, image)


def test_the_report_is_strict_json_with_every_case(predictor_of, overconfident):
    report = calibrate_model(predictor_of(), overconfident, overconfident.cases()[:2])
    data = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert (data["temperature"], data["kept"]) == (report.chosen, True)
    assert [row["case"] for row in data["held_out"]] == ["case_0", "case_1"]
    assert all(row["nll_after"] < row["nll_before"] for row in data["held_out"])
    assert "is kept" in data["verdict"]


@pytest.mark.parametrize(
    ("cases", "provenance", "told"),
    [
        (("case_0",), {}, "at least two"),
        (("case_0", "case_1"), {"dataset": "Bright", "labelled": ["case_1"]}, "trained on case 'case_1'"),
        (("case_0", "nobody"), {}, "case 'nobody'"),
    ],
)
def test_cases_that_cannot_tell_are_refused(predictor_of, overconfident, cases, provenance, told):
    with pytest.raises(DatasetError, match=told):
        calibrate_model(predictor_of(manifest=manifest_of(provenance=provenance)), overconfident, cases)
