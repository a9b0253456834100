"""A model on placed crops: what is compared, and how normalisation changes with the surroundings."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import DatasetError
from dualssl.evaluation.placement import (
    VIEWS,
    PlacementScore,
    count_scores,
    intensity_change,
    placement_rows,
    placement_scores,
)
from dualssl.evaluation.placing import FILLS, place
from dualssl.geometry import Geometry
from dualssl.model.manifest import Manifest, NetworkSpec, Normalisation, Postprocessing, Preprocessing
from dualssl.prediction.predictor import PredictionSettings
from dualssl.volumes.normalise import apply
from dualssl.volumes.preprocess import intensity_transforms
from dualssl.volumes.volume import Volume

SETTINGS = PredictionSettings(device="cpu", precision="float32")


@pytest.fixture(scope="module")
def spheres(write_spheres, tmp_path_factory):
    return write_spheres(tmp_path_factory.mktemp("data") / "Spheres", ("a", "b"), spacing=(2.0, 2.0, 2.0))


@pytest.fixture(scope="module")
def pair(spheres, threshold_networks):
    """Networks that go by brightness above the mean alone, and their manifest."""
    preprocessing = Preprocessing(spacing=(2.0, 2.0, 2.0))
    manifest = Manifest(
        "one", "One", spheres.labels, ("MRI",), NetworkSpec(width=2), preprocessing, Postprocessing((1,)), (16, 16, 32)
    )
    return threshold_networks(1.0), manifest


@pytest.fixture(scope="module")
def scores(pair, spheres):
    return placement_scores(*pair, spheres, ("a",), SETTINGS, (8.0,), ("edge", "noise"))


def test_every_case_is_scored_as_it_is_and_in_every_placement_and_view(scores):
    assert len(scores) == count_scores(1, (8.0,), ("edge", "noise")) == 1 + 2 * len(VIEWS)
    assert {s.pad_mm for s in scores} == {0.0, 8.0}
    assert {(s.fill, s.view) for s in scores if s.pad_mm} == {(f, v.name) for f in ("edge", "noise") for v in VIEWS}
    assert 0 < scores[0].dice < 1


def test_a_region_of_the_crop_with_its_own_statistics_is_the_crop(scores):
    as_crop = {s.case: s for s in scores if s.pad_mm == 0}
    for score in scores:
        if score.view == "crop, its own statistics":
            assert score.dice == as_crop[score.case].dice


def test_what_surrounds_the_crop_changes_what_is_found(scores):
    by_view = {(s.fill, s.view, s.case): s for s in scores}
    as_crop = by_view["none", "whole volume", "a"]
    for fill in ("edge", "noise"):
        assert by_view[fill, "whole volume", "a"].dice != as_crop.dice
        # The very same voxels, but normalised by others: what is above the mean of a larger image is something else.
        same_voxels = by_view[fill, "crop, image's statistics", "a"]
        assert same_voxels.dice != as_crop.dice
        # Background around it lowers the mean and the spread.
        assert same_voxels.shift > 0
        assert same_voxels.contrast > 1


def test_a_crop_that_fills_the_volume_changes_nothing(pair, spheres):
    rows = placement_rows(placement_scores(*pair, spheres, ("a",), SETTINGS, (0.4,), ("edge",)))
    assert {row.dice for row in rows} == {rows[0].dice}
    assert all((row.lost, row.contrast, row.shift) == (0.0, 1.0, 0.0) for row in rows)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from(FILLS),
    st.sampled_from([Normalisation(), Normalisation("window", -50, 400), Normalisation("percentile", 1, 99)]),
)
def test_the_change_of_intensity_turns_the_crops_normalised_values_into_the_placed_ones(seed, fill, kind):
    random = np.random.default_rng(seed)
    shape = (4, 5, 6)
    image = Volume(random.normal(100, 30, shape).astype(np.float32), Geometry(shape))
    placed = place([image], np.zeros(shape, np.uint8), 3.0, fill, seed)
    way = Preprocessing(normalisation=(kind,))
    factor, summand = intensity_change([image], placed.channels, way)
    alone, around = (
        apply(image.array, replace(intensity_transforms(v, way)[0], clip=None)) for v in ([image], placed.channels)
    )
    np.testing.assert_allclose(factor * alone + summand, around, atol=1e-4)


def test_rows_are_means_over_cases_and_say_what_placing_costs():
    def score(case, pad, dice, shift=0.0):
        return PlacementScore(case, pad, "edge" if pad else "none", "whole volume", dice, 4.0, 1.0, 1.0, shift)

    rows = placement_rows([score("a", 0, 0.9), score("a", 32, 0.8, 0.2), score("b", 0, 0.7), score("b", 32, 0.1, 0.4)])
    assert [(row.pad_mm, row.cases) for row in rows] == [(0, 2), (32, 2)]
    assert (rows[0].dice, rows[0].lost, rows[0].worst) == pytest.approx((0.8, 0.0, 0.7))
    assert (rows[1].dice, rows[1].lost, rows[1].worst, rows[1].shift) == pytest.approx((0.45, 0.35, 0.1, 0.3))


def test_other_structures_and_no_case_are_refused(pair, spheres):
    with pytest.raises(DatasetError, match="no case"):
        placement_scores(*pair, spheres, (), SETTINGS)
    networks, manifest = pair
    with pytest.raises(DatasetError, match="takes CT"):
        placement_scores(networks, replace(manifest, channel_names=("CT",), id="x"), _two_channels(spheres), ("a",), SETTINGS)


def _two_channels(dataset):
    return replace(dataset, channel_names=("T1", "T2"))
