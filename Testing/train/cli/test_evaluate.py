"""`dualssl evaluate`: one JSON file of figures, the same as the package gives, or a sentence before the work."""

import json
import shutil

import numpy as np
import pytest

from dualssl.geometry import Geometry
from dualssl.metrics.case_metrics import SegmentationScores
from dualssl.volumes.read import read_volume
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume


def strictly_read(path):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.fixture(scope="module")
def evaluated(dualssl, model, intact_dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("evaluation") / "new folder" / "figures.json"
    outcome = dualssl("evaluate", model, intact_dataset, "--cases", intact_dataset / "validation.txt", "--output", path)
    assert outcome.status == 0, outcome.err
    return outcome, strictly_read(path)


def test_the_file_has_the_fixed_form(evaluated):
    _, data = evaluated
    assert {"cases", "mean", "network_a", "network_b", "uncertainty", "model", "dataset"} <= set(data)
    assert [case["case"] for case in data["cases"]] == ["case_4", "case_5"]
    for key in ("mean", "network_a", "network_b"):
        assert {"dice", "hd95", "assd"} <= set(data[key])
    assert data["dataset"] == "Balls"


def test_the_means_are_shown(evaluated):
    outcome, data = evaluated
    assert f"{100 * data['mean']['dice']:.2f}" in outcome.out
    assert "figures.json" in outcome.out


def test_it_is_shown_how_well_the_maps_find_errors_and_how_well_any_could(evaluated):
    outcome, data = evaluated
    found = data["uncertainty"]
    for key in ("auroc", "best_in_top_5_percent", "share_of_best_in_top_5_percent"):
        assert f"{100 * found['maps']['entropy'][key]:.1f}" in outcome.out
    assert f"wrong voxels there {100 * found['error_rate']:.1f} %" in outcome.out
    assert f"calibration error {100 * found['calibration']['ece']:.1f} %" in outcome.out


def test_the_figures_are_those_of_what_predict_writes(evaluated, dualssl, model, intact_dataset, tmp_path):
    _, data = evaluated
    assert dualssl("predict", model, intact_dataset / "images" / "case_4.nrrd", "--output", tmp_path).status == 0
    found = read_volume(tmp_path / "case_4.seg.nrrd")
    truth = read_volume(intact_dataset / "labels" / "case_4.nrrd").array
    scores = [SegmentationScores.of_masks(found.array == v, truth == v, found.geometry.spacing) for v in (1, 2)]
    mean = SegmentationScores.mean_of(scores)
    case = data["cases"][0]
    assert (case["dice"], case["hd95"], case["assd"]) == pytest.approx((mean.dice, mean.hd95, mean.assd))


def test_without_a_list_all_cases_are_scored(dualssl, model, own_dataset, tmp_path):
    for folder in ("images", "labels"):
        for name in ("case_1", "case_2", "case_3", "case_4"):
            (own_dataset / folder / f"{name}.nrrd").unlink()
    outcome = dualssl("evaluate", model, own_dataset, "--output", tmp_path / "figures.json")
    assert outcome.status == 0, outcome.err
    assert [case["case"] for case in strictly_read(tmp_path / "figures.json")["cases"]] == ["case_0", "case_5"]


def no_label(dataset, grid):
    (dataset / "labels" / "case_5.nrrd").unlink()
    return ["case_5", "label map"]


def unknown_value(dataset, grid):
    write_volume(Volume(np.full(grid.shape, 9, np.uint8), grid), dataset / "labels" / "case_5.nrrd")
    return ["labels/case_5.nrrd", "9"]


def other_grid(dataset, grid):
    write_volume(Volume(np.ones(grid.shape, np.uint8), Geometry(grid.shape)), dataset / "labels" / "case_5.nrrd")
    return ["labels/case_5.nrrd", "spacing"]


def damaged_image(dataset, grid):
    path = dataset / "images" / "case_5.nrrd"
    path.write_bytes(path.read_bytes()[:-100])
    return ["images/case_5.nrrd", "truncated"]


def other_structures(dataset, grid):
    description = json.loads((dataset / "dataset.json").read_text())
    description["labels"] = {"background": 0, "upper half": 1, "lower half": 2}
    (dataset / "dataset.json").write_text(json.dumps(description))
    return ["upper half, lower half", "left half, right half"]


def fewer_structures(dataset, grid):
    description = json.loads((dataset / "dataset.json").read_text())
    del description["labels"]["right half"]
    (dataset / "dataset.json").write_text(json.dumps(description))
    return ["left half, right half"]


def no_dataset(dataset, grid):
    shutil.rmtree(dataset)
    return [str(dataset)]


HARMS = [no_label, unknown_value, other_grid, damaged_image, other_structures, fewer_structures, no_dataset]


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_what_cannot_be_scored_is_told_before_the_work(dualssl, model, own_dataset, tmp_path, grid, monkeypatch, harm):
    named = harm(own_dataset, grid)
    monkeypatch.setattr("dualssl.prediction.predictor.Predictor.predict", lambda *_, **__: pytest.fail("worked in vain"))
    outcome = dualssl("evaluate", model, own_dataset, "--cases", "case_4,case_5", "--output", tmp_path / "figures.json")
    assert outcome.status == 2
    assert [word for word in named if word not in outcome.complaint] == []
    assert not (tmp_path / "figures.json").exists()


@pytest.mark.parametrize(("cases", "named"), [("nobody", "'nobody'"), ("nowhere.txt", "nowhere.txt"), ("empty.txt", "no case")])
def test_a_list_that_cannot_be_used_is_refused(dualssl, model, intact_dataset, tmp_path, monkeypatch, cases, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n")
    outcome = dualssl("evaluate", model, intact_dataset, "--cases", cases, "--output", tmp_path / "figures.json")
    assert outcome.status == 2
    assert "cases" in outcome.complaint
    assert named in outcome.complaint
    assert not (tmp_path / "figures.json").exists()


def test_an_output_that_cannot_be_written_is_told_before_the_work(dualssl, model, intact_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("dualssl.prediction.predictor.Predictor.predict", lambda *_, **__: pytest.fail("worked in vain"))
    (tmp_path / "thesis").write_text("five years")
    for output in (tmp_path, tmp_path / "thesis" / "figures.json"):
        outcome = dualssl("evaluate", model, intact_dataset, "--output", output)
        assert outcome.status == 2
        assert str(tmp_path) in outcome.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_a_full_disk_leaves_the_earlier_figures(dualssl, model, intact_dataset, tmp_path, limited_files):
    (tmp_path / "figures.json").write_text("{}")
    with limited_files(500):
        outcome = dualssl("evaluate", model, intact_dataset, "--cases", "case_0", "--output", tmp_path / "figures.json")
    assert outcome.status == 2
    assert "figures.json could not be written" in outcome.complaint
    assert (tmp_path / "figures.json").read_text() == "{}"
    assert len(list(tmp_path.iterdir())) == 1
