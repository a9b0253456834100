"""The figures of one case are those of dualssl.metrics, each of the segmentation it stands beside."""

import json

import numpy as np
import pytest

from dualssl.evaluation.case import BAND_VOXELS, MEASURES, TOP_SHARE, evaluate_case
from dualssl.metrics.band import foreground_band
from dualssl.metrics.calibration import expected_calibration_error
from dualssl.metrics.case_metrics import SegmentationScores
from dualssl.metrics.error_detection import detect_errors
from dualssl.metrics.review_efficiency import review_curve, share_of_errors_in_top


def strict_json(data):
    return json.loads(json.dumps(data, allow_nan=False))


@pytest.mark.parametrize(("key", "attribute"), [("mean", "label"), ("network_a", "label_a"), ("network_b", "label_b")])
def test_each_segmentation_has_its_own_scores_in_mm(predicted, truth, labels, grid, key, attribute):
    prediction = predicted()
    scores = evaluate_case("case", prediction, truth, labels).scores[key]
    found = getattr(prediction, attribute)
    for structure, value in zip(scores.structures, (1, 2), strict=True):
        assert structure.scores == SegmentationScores.of_masks(found == value, truth == value, grid.spacing)
    intersection = [np.count_nonzero((found == v) & (truth == v)) for v in (1, 2)]
    sizes = [np.count_nonzero(found == v) + np.count_nonzero(truth == v) for v in (1, 2)]
    assert scores.mean.dice == pytest.approx(np.mean([2 * i / n for i, n in zip(intersection, sizes, strict=True)]))


def test_every_map_is_judged_on_the_errors_of_the_mean_inside_the_band(predicted, truth, labels):
    prediction = predicted()
    result = evaluate_case("case", prediction, truth, labels)
    errors, band = prediction.label != truth, foreground_band(prediction.label, BAND_VOXELS)
    assert 0 < np.count_nonzero(errors & band) < np.count_nonzero(band) < band.size
    maps = {
        "entropy": prediction.entropy,
        "kl": prediction.kl,
        "js": prediction.js,
        "disagreement": prediction.label_a != prediction.label_b,
    }
    assert set(result.maps) == set(MEASURES) == set(maps)
    for measure, values in maps.items():
        quality = result.maps[measure]
        assert quality.detection.to_json() == detect_errors(values, errors, band).to_json()
        assert quality.errors_in_top == share_of_errors_in_top(values, errors, band, TOP_SHARE)
        assert quality.best_in_top == pytest.approx(quality.curve.oracle.errors_found[5])
        assert quality.share_of_best == pytest.approx(quality.errors_in_top / quality.best_in_top)
        expected = review_curve(values, prediction.label, truth, band, labels)
        assert quality.curve.to_json() == expected.to_json()
    assert result.reliability.ece == expected_calibration_error(prediction.confidence, ~errors, band)


def test_a_map_that_marks_exactly_the_errors_is_perfect(predicted, truth, labels):
    label = np.roll(truth, 3, axis=1)
    prediction = predicted(label, label_a=label, label_b=truth)
    quality = evaluate_case("case", prediction, truth, labels).maps["disagreement"]
    assert quality.detection.auroc == pytest.approx(1.0)
    assert quality.detection.auprc == pytest.approx(1.0)
    # More than one voxel in twenty is wrong, so that not all errors fit into the top 5 %: as many as can be are there.
    assert quality.errors_in_top < 1
    assert quality.share_of_best == pytest.approx(1.0)


def test_an_empty_prediction_is_the_worst_value_and_never_missing(predicted, truth, labels, grid):
    nothing = np.zeros_like(truth)
    data = strict_json(evaluate_case("case", predicted(nothing, nothing, nothing), truth, labels).to_json())
    diagonal = np.linalg.norm(np.multiply(grid.shape, grid.spacing))
    assert (data["dice"], data["jaccard"], data["surface_dice"]) == (0, 0, 0)
    assert data["hd95"] == data["assd"] == pytest.approx(diagonal)
    assert data["network_b"] == data["network_a"] == {key: data[key] for key in data["network_a"]}


def test_errors_that_no_map_can_point_at_count_as_not_found(predicted, truth, labels):
    nothing = np.zeros_like(truth)
    data = strict_json(evaluate_case("case", predicted(nothing, nothing, nothing), truth, labels).to_json())
    for measure in MEASURES:
        figures = data["uncertainty"][measure]
        assert (figures["auroc"], figures["auprc"], figures["errors_in_top_5_percent"]) == (0.0, 0.0, 0.0)
        assert (figures["best_in_top_5_percent"], figures["share_of_best_in_top_5_percent"]) == (0.0, 0.0)


def test_a_perfect_prediction_has_no_errors_to_find_and_stays_json(predicted, truth, labels):
    data = strict_json(evaluate_case("case", predicted(truth, truth, truth), truth, labels).to_json())
    assert (data["dice"], data["hd95"]) == (1, 0)
    assert data["uncertainty"]["entropy"]["auroc"] is None
    assert data["uncertainty"]["entropy"]["error_rate"] == 0


def test_a_case_without_foreground_anywhere_stays_json(predicted, truth, labels):
    nothing = np.zeros_like(truth)
    data = strict_json(evaluate_case("case", predicted(nothing, nothing, nothing), nothing, labels).to_json())
    assert (data["dice"], data["hd95"]) == (1, 0)
    figures = data["uncertainty"]["kl"]
    assert figures["auroc"] is figures["auprc"] is figures["errors_in_top_5_percent"] is None


def test_the_json_form_names_case_structures_networks_and_maps(predicted, truth, labels):
    shifted = predicted(np.roll(truth, 1, axis=2))
    data = strict_json(evaluate_case("case", shifted, truth, labels).to_json())
    assert data["case"] == "case"
    assert set(data["structures"]) == {"chamber", "wall"}
    assert data["structures"]["wall"]["dice"] < data["structures"]["chamber"]["dice"]
    for network in ("network_a", "network_b"):
        assert {"dice", "jaccard", "hd95", "assd", "surface_dice"} <= set(data[network])
    assert {"case_scores", *MEASURES} == set(data["uncertainty"])
    assert {"errors_in_top_5_percent", "share_of_best_in_top_5_percent"} <= set(data["uncertainty"]["js"])
    assert data["seconds"] == 2.0


def test_without_confidence_there_is_no_calibration_and_no_error(predicted, truth, labels):
    assert evaluate_case("case", predicted(confidence=False), truth, labels).reliability.ece is None
