"""The whole way on real cardiac MR, where it lies beside the checkout: nothing here judges how good a result is."""

import json

import numpy as np
import pytest

from dualssl.dataset import read_case_list, read_dataset
from dualssl.model.folder import read_manifest
from dualssl.training.fingerprint import take_fingerprint
from dualssl.volumes.read import read_segmentation, read_volume

pytestmark = [pytest.mark.slow, pytest.mark.shared]

TINY = ("--iterations", 1, "--batch", 2, "--width", 2, "--device", "cpu")


def test_a_left_atrium_is_trained_on_and_another_predicted(dualssl, left_atrium_dataset, tmp_path):
    labelled = read_case_list(str(left_atrium_dataset / "labelled_4.txt"), "labelled")[:1]
    unseen = read_case_list(str(left_atrium_dataset / "validation.txt"), "validation")[0]
    outcome = dualssl(
        *("train", left_atrium_dataset, "--labelled", labelled[0], "--unlabelled", unseen),
        *("--preset", "strong", "--patch", "16,32,32", "--output", tmp_path / "RUN", *TINY),
    )
    assert outcome.status == 0, outcome.err
    model = tmp_path / "RUN" / "model"
    path = left_atrium_dataset / "images" / f"{unseen}.nrrd"
    outcome = dualssl("predict", model, path, "--output", tmp_path / "results", "--device", "cpu")
    assert outcome.status == 0, outcome.err
    image = read_volume(path)
    label_map, segments = read_segmentation(tmp_path / "results" / f"{unseen}.seg.nrrd")
    assert label_map.geometry.matches(image.geometry)
    assert [segment.name for segment in segments] == ["left atrium"]
    entropy = read_volume(tmp_path / "results" / f"{unseen}.entropy.nrrd").array
    assert entropy.shape == image.array.shape
    assert np.isfinite(entropy).all()


def test_four_classes_on_thick_slices_are_found_out_from_the_data(cardiac_cine_dataset):
    dataset = read_dataset(cardiac_cine_dataset)
    labelled = read_case_list(str(cardiac_cine_dataset / "labelled_6.txt"), "labelled")
    fingerprint = take_fingerprint(dataset, labelled)
    assert dataset.labels.channels == 4
    assert fingerprint.preprocessing.spacing == pytest.approx((10.0, 1.5, 1.5))
    assert fingerprint.median_shape[0] < 20 < fingerprint.median_shape[1]
    assert [normalisation.kind for normalisation in fingerprint.preprocessing.normalisation] == ["zscore"]


def test_four_classes_on_thick_slices_are_trained_on_predicted_and_scored(dualssl, cardiac_cine_dataset, tmp_path):
    labelled = read_case_list(str(cardiac_cine_dataset / "labelled_6.txt"), "labelled")
    outcome = dualssl(
        *("train", cardiac_cine_dataset, "--labelled", ",".join(labelled[:2]), "--unlabelled", labelled[2]),
        *("--preset", "strong", "--patch", "16,64,64", "--output", tmp_path / "RUN", *TINY),
    )
    assert outcome.status == 0, outcome.err
    model = tmp_path / "RUN" / "model"
    assert read_manifest(model).labels.names == ("right ventricle", "myocardium", "left ventricle")
    path = cardiac_cine_dataset / "images" / f"{labelled[3]}.nrrd"
    outcome = dualssl("predict", model, path, "--output", tmp_path / "results", "--device", "cpu")
    assert outcome.status == 0, outcome.err
    label_map, segments = read_segmentation(tmp_path / "results" / f"{labelled[3]}.seg.nrrd")
    assert label_map.geometry.matches(read_volume(path).geometry)
    assert len(segments) == 3
    arguments = ("evaluate", model, cardiac_cine_dataset, "--cases", labelled[3], "--output", tmp_path / "figures.json")
    outcome = dualssl(*arguments)
    assert outcome.status == 0, outcome.err
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert set(figures["cases"][0]["structures"]) == {"right ventricle", "myocardium", "left ventricle"}
    assert 0 <= figures["mean"]["dice"] <= 1
    assert np.isfinite(figures["mean"]["hd95"])
