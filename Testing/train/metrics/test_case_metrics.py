"""The figures of one case."""

import json

import numpy as np
import pytest

from dualssl.labels import Label, LabelTable
from dualssl.metrics import SegmentationScores, dice, hd95, score_label_map

SPACING = (2.0, 1.0, 1.0)


@pytest.fixture
def atrium_and_ventricle():
    return LabelTable((Label.named("left atrium", 1), Label.named("left ventricle", 2)))


@pytest.fixture
def truth():
    labels = np.zeros((6, 10, 10), dtype=np.uint8)
    labels[1:4, 1:5, 1:5] = 1
    labels[2:5, 5:9, 5:9] = 2
    return labels


def test_every_structure_is_scored_on_its_own_and_the_mean_is_over_structures(truth, atrium_and_ventricle):
    prediction = truth.copy()
    prediction[3, 1:5, 1:5] = 0
    score = score_label_map(prediction, truth, atrium_and_ventricle, SPACING)
    atrium, ventricle = (s.scores for s in score.structures)
    assert [s.name for s in score.structures] == ["left atrium", "left ventricle"]
    assert atrium.dice == pytest.approx(dice(prediction == 1, truth == 1)) == pytest.approx(0.8)
    assert atrium.hd95 == pytest.approx(hd95(prediction == 1, truth == 1, SPACING)) == pytest.approx(2.0)
    assert atrium.hd95_voxels == pytest.approx(1.0)
    assert (ventricle.dice, ventricle.jaccard, ventricle.assd, ventricle.surface_dice) == (1.0, 1.0, 0.0, 1.0)
    assert score.mean.dice == pytest.approx(0.9)
    assert score.mean.assd == pytest.approx(atrium.assd / 2)


def test_surface_dice_is_taken_in_millimetres_at_the_tolerance_given(truth, atrium_and_ventricle):
    prediction = np.roll(truth, 1, axis=0)
    strict = score_label_map(prediction, truth, atrium_and_ventricle, SPACING, tolerance_mm=1.0)
    lenient = score_label_map(prediction, truth, atrium_and_ventricle, SPACING, tolerance_mm=2.0)
    assert strict.mean.surface_dice < 1.0
    assert lenient.mean.surface_dice == 1.0
    assert lenient.to_json()["surface_tolerance_mm"] == 2.0


def test_a_missed_structure_is_the_worst_value_and_never_a_missing_one(truth, atrium_and_ventricle):
    score = score_label_map(np.where(truth == 2, 0, truth), truth, atrium_and_ventricle, SPACING)
    missed = score.structures[1].scores
    assert (missed.dice, missed.jaccard, missed.surface_dice) == (0.0, 0.0, 0.0)
    assert missed.hd95 == missed.assd == pytest.approx(np.linalg.norm([12.0, 10.0, 10.0]))
    assert missed.hd95_voxels == pytest.approx(np.linalg.norm([6.0, 10.0, 10.0]))


def test_json_is_plain_and_holds_no_nan(truth, atrium_and_ventricle):
    data = score_label_map(np.zeros_like(truth), truth, atrium_and_ventricle, SPACING).to_json()
    again = json.loads(json.dumps(data, allow_nan=False))
    assert again == data
    assert set(data["structures"]) == {"left atrium", "left ventricle"}
    assert {"dice", "jaccard", "hd95", "assd", "hd95_voxels", "assd_voxels", "surface_dice"} == set(data["mean"])


def test_the_mean_of_no_scores_is_refused():
    with pytest.raises(ValueError, match="no scores"):
        SegmentationScores.mean_of([])
