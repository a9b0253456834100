"""A model on a dataset: what is asked of the predictor, how cases become means, and what is refused before the work."""

import json

import numpy as np
import pytest

from dualssl.dataset import read_dataset
from dualssl.errors import DatasetError, VolumeError
from dualssl.evaluation.case import evaluate_case
from dualssl.evaluation.evaluate import Evaluation, evaluate_model
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.metrics.calibration import Reliability
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

FIGURES_OF_A_MAP = (
    "auroc",
    "auprc",
    "errors_in_top_5_percent",
    "best_in_top_5_percent",
    "share_of_best_in_top_5_percent",
)
NO_RANKING = dict.fromkeys(("entropy", "kl", "uncertain", "network_dice"))


@pytest.fixture
def predictions(predicted, truth):
    """One bad, one better, one perfect."""
    return (
        predicted(np.roll(truth, 3, axis=1), seed=1),
        predicted(np.roll(truth, 1, axis=1), seed=2),
        predicted(truth, truth, truth, seed=3),
    )


@pytest.fixture
def evaluation(hand_made_dataset, predictor_of, predictions):
    return evaluate_model(predictor_of(*predictions), hand_made_dataset, ("a", "b", "c"))


def test_each_case_is_predicted_from_its_own_image_with_confidence(hand_made_dataset, predictor_of, predictions):
    predictor = predictor_of(*predictions)
    told = []
    evaluate_model(predictor, hand_made_dataset, ("c", "a"), lambda done, case: told.append((done, case.name)))
    first, second = predictor.asked
    assert [round(float(volumes[0].array.min())) for volumes, _ in (first, second)] == [200, 0]
    assert first[1] is second[1] is True
    assert told == [(1, "c"), (2, "a")]


def test_cases_are_scored_against_their_labels(evaluation, predictions, truth, labels):
    for case, name, prediction in zip(evaluation.cases, "abc", predictions, strict=True):
        assert case.to_json() == evaluate_case(name, prediction, truth, labels).to_json()


def test_means_are_over_cases(evaluation):
    data = evaluation.to_json()
    for key, part in (("mean", None), ("network_a", "network_a"), ("network_b", "network_b")):
        rows = [case if part is None else case[part] for case in data["cases"]]
        for figure in ("dice", "jaccard", "hd95", "assd", "surface_dice", "hd95_voxels"):
            assert data[key][figure] == pytest.approx(np.mean([row[figure] for row in rows]))
    assert data["standard_deviation"]["dice"] == pytest.approx(np.std([case["dice"] for case in data["cases"]]))


def test_the_uncertainty_summary_averages_what_is_known_and_ranks_the_cases(evaluation, predictions):
    data = evaluation.to_json()
    summary = data["uncertainty"]
    aurocs = [case["uncertainty"]["kl"]["auroc"] for case in data["cases"]]
    assert aurocs[2] is None
    assert summary["maps"]["kl"]["cases"] == dict.fromkeys(FIGURES_OF_A_MAP, 2)
    best = [case["uncertainty"]["kl"]["share_of_best_in_top_5_percent"] for case in data["cases"]]
    assert summary["maps"]["kl"]["share_of_best_in_top_5_percent"] == pytest.approx(np.mean(best[:2]))
    assert summary["cases"] == {"error_rate": 3}
    assert summary["maps"]["kl"]["auroc"] == pytest.approx(np.mean(aurocs[:2]))
    pooled = Reliability()
    for case in evaluation.cases:
        pooled.merge(case.reliability)
    assert summary["calibration"]["ece"] == pytest.approx(pooled.ece)
    # The networks agree where the segmentation is perfect and nowhere else: their Dice ranks with the true one.
    assert summary["spearman_with_dice"]["network_dice"] > 0.8
    curve = summary["maps"]["entropy"]["review_curve"]
    assert len(curve["by_uncertainty"]["dice"]) == len(curve["fractions"])


def test_the_form_is_fixed_and_strict_json(evaluation):
    data = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))
    assert set(data) == {"cases", "mean", "network_a", "network_b", "standard_deviation", "uncertainty"}
    assert {"dice", "hd95", "assd"} <= set(data["mean"])
    assert [case["case"] for case in data["cases"]] == ["a", "b", "c"]


def test_a_missed_structure_pulls_the_mean_down_and_stays_finite(hand_made_dataset, predictor_of, predicted, truth, grid):
    nothing = np.zeros_like(truth)
    predictor = predictor_of(predicted(truth), predicted(nothing, nothing, nothing))
    data = json.loads(json.dumps(evaluate_model(predictor, hand_made_dataset, ("a", "b")).to_json(), allow_nan=False))
    assert data["mean"]["dice"] == pytest.approx(0.5)
    known = data["cases"][1]["uncertainty"]["kl"]["auroc"], data["cases"][0]["uncertainty"]["kl"]["auroc"]
    assert known == (0.0, None)
    assert data["uncertainty"]["maps"]["kl"]["auroc"] == 0.0
    assert data["uncertainty"]["maps"]["kl"]["cases"]["auroc"] == 1
    assert data["mean"]["hd95"] == pytest.approx(np.linalg.norm(np.multiply(grid.shape, grid.spacing)) / 2)


def test_perfect_predictions_alone_stay_json(hand_made_dataset, predictor_of, predicted, truth):
    predictor = predictor_of(*[predicted(truth, truth, truth)] * 3)
    text = json.dumps(evaluate_model(predictor, hand_made_dataset, ("a", "b", "c")).to_json(), allow_nan=False)
    assert json.loads(text)["uncertainty"]["maps"]["kl"]["auroc"] is None


def test_other_structures_than_the_models_are_refused(hand_made_dataset, predictor_of, predicted, manifest_for):
    predictor = predictor_of(predicted())
    predictor.manifest = manifest_for(LabelTable.from_dataset_json({"chamber": 1, "vessel": 2}))
    with pytest.raises(DatasetError, match=r"chamber, wall, the model has chamber, vessel"):
        evaluate_model(predictor, hand_made_dataset, ("a",))
    assert predictor.asked == []


def test_structures_in_another_order_are_refused(hand_made_dataset, predictor_of, predicted, manifest_for):
    predictor = predictor_of(predicted())
    predictor.manifest = manifest_for(LabelTable.from_dataset_json({"wall": 1, "chamber": 2}))
    with pytest.raises(DatasetError, match="structures"):
        evaluate_model(predictor, hand_made_dataset, ("a",))


def test_other_channels_than_the_models_are_refused(hand_made_dataset, predictor_of, predicted, manifest_for, labels):
    predictor = predictor_of(predicted())
    predictor.manifest = manifest_for(labels, ("T1", "T2"))
    with pytest.raises(DatasetError, match="has the channels MRI, the model takes T1, T2"):
        evaluate_model(predictor, hand_made_dataset, ("a",))


def test_a_missing_label_map_is_named(hand_made_dataset, predictor_of, predicted):
    hand_made_dataset.label_path("b").unlink()
    predictor = predictor_of(predicted(), predicted())
    with pytest.raises(DatasetError, match=r"case 'b'.*label map .*b\.nrrd does not exist"):
        evaluate_model(predictor, hand_made_dataset, ("a", "b"))
    assert predictor.asked == []


def test_no_case_is_refused(hand_made_dataset, predictor_of):
    with pytest.raises(DatasetError, match="no case"):
        evaluate_model(predictor_of(), hand_made_dataset, ())


def broken_image(dataset, truth, grid):
    path = dataset.image_paths("c")[0]
    path.write_bytes(path.read_bytes()[:-40])
    return path


def unknown_label(dataset, truth, grid):
    write_volume(Volume(truth * 3, grid), dataset.label_path("c"))
    return dataset.label_path("c")


def moved_label(dataset, truth, grid):
    write_volume(Volume(truth, Geometry(grid.shape, grid.spacing, origin=(5.0, 0.0, 0.0))), dataset.label_path("c"))
    return dataset.label_path("c")


def constant_image(dataset, truth, grid):
    path = dataset.image_paths("c")[0]
    write_volume(Volume(np.full(grid.shape, 7, np.int16), grid), path)
    return path


@pytest.mark.parametrize("harm", [broken_image, unknown_label, moved_label, constant_image])
def test_a_bad_file_of_the_last_case_is_found_before_the_first_is_predicted(
    hand_made_dataset, predictor_of, predictions, truth, grid, harm
):
    path = harm(hand_made_dataset, truth, grid)
    predictor = predictor_of(*predictions)
    with pytest.raises(VolumeError, match=path.name):
        evaluate_model(predictor, hand_made_dataset, ("a", "b", "c"))
    assert predictor.asked == []


def test_a_single_case_has_no_ranking(hand_made_dataset, predictor_of, predictions):
    evaluation = evaluate_model(predictor_of(predictions[0]), hand_made_dataset, ("a",))
    assert isinstance(evaluation, Evaluation)
    assert evaluation.to_json()["uncertainty"]["spearman_with_dice"] == NO_RANKING


def test_a_dataset_with_numbered_channels_is_evaluated(hand_made_dataset, predictor_of, predictions):
    for path in sorted((hand_made_dataset.folder / "images").iterdir()):
        path.rename(path.with_name(path.name.replace(".nrrd", "_0000.nrrd")))
    dataset = read_dataset(hand_made_dataset.folder)
    assert dataset.cases() == ("a", "b", "c")
    assert len(evaluate_model(predictor_of(*predictions), dataset, dataset.cases()).cases) == 3
