"""Candidates and where they come from."""

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, CaseState, PredictionFiles
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume
from dualssl.worklist import Candidate, library_candidates

SCORES = {"entropy": 0.4, "kl": 0.2, "uncertain": 0.1, "network_dice": 0.9, "foreground_voxels": 12}
GRID = Geometry((4, 5, 6))


def test_stored_scores_become_a_candidate():
    candidate = Candidate.from_scores("a", "patient", SCORES, (1, 2.5))
    assert candidate == Candidate("a", "patient", 0.4, 0.2, 0.9, (1.0, 2.5), segmented=True)


def test_a_case_without_a_group_is_a_group_of_its_own():
    assert Candidate.from_scores("a", None, SCORES).group == "a"


def test_a_prediction_without_foreground_is_known_as_such():
    assert not Candidate.from_scores("a", None, SCORES | {"foreground_voxels": 0}).segmented
    without = {key: value for key, value in SCORES.items() if key != "foreground_voxels"}
    assert Candidate.from_scores("a", None, without).segmented


@pytest.mark.parametrize("key", ["entropy", "kl", "network_dice"])
@pytest.mark.parametrize("value", [None, [1.0], float("nan"), float("inf"), "much"])
def test_a_missing_or_senseless_score_is_told_with_the_case(key, value):
    scores = {name: score for name, score in SCORES.items() if name != key} if value is None else SCORES | {key: value}
    with pytest.raises(ValueError, match="score of the case 'a'"):
        Candidate.from_scores("a", None, scores)


def test_features_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="feature of the case 'a'"):
        Candidate.from_scores("a", None, SCORES, (1.0, float("nan")))


@pytest.fixture
def library_of_three(tmp_path):
    """Cases that were predicted by us, predicted by somebody without scores, and not predicted."""
    random = np.random.default_rng(1)
    with CaseLibrary.create(tmp_path / "library", LabelTable.from_dataset_json({"ball": 1}), ("MRI",)) as library:
        for name in ("ours", "theirs", "none"):
            library.add_case(name, [Volume(random.normal(size=GRID.shape).astype(np.float32), GRID)], group=f"of {name}")
        labels = Volume(np.ones(GRID.shape, np.uint8), GRID)
        library.add_prediction("ours", PredictionFiles(labels, scores=SCORES | {"entropy": 7.0}, features=(9.0,)))
        library.add_prediction("ours", PredictionFiles(labels, scores=SCORES, features=(1.0, 2.0)))
        library.add_prediction("theirs", PredictionFiles(labels))
        yield library


def test_a_library_gives_a_candidate_by_the_newest_prediction(library_of_three):
    found = library_candidates(library_of_three.cases(CaseState.predicted))
    assert found.candidates == (Candidate("ours", "of ours", 0.4, 0.2, 0.9, (1.0, 2.0)),)
    assert found.without_scores == ("theirs",)


def test_a_case_without_prediction_cannot_be_ranked(library_of_three):
    assert library_candidates(library_of_three.cases()).without_scores == ("none", "theirs")
