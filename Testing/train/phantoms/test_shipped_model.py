"""The phantom model that ships: small, intact, good on the module's sample, and unsure enough to leave something to review."""

from pathlib import Path

import pytest

from dualssl.metrics.case_metrics import score_label_map
from dualssl.model.folder import load_model, verify_model
from dualssl.phantoms.case import generate_case
from dualssl.phantoms.settings import PhantomSettings
from dualssl.prediction.predictor import PredictionSettings, Predictor
from dualssl.review import find_regions

MODEL = Path(__file__).resolve().parents[3] / "Resources" / "Models" / "phantom"
SAMPLE = 999
"""Number of the sample case of the Slicer module; `Testing/module` compares pictures with it."""


@pytest.fixture(scope="module")
def sample():
    return generate_case(PhantomSettings(), SAMPLE)


@pytest.fixture(scope="module")
def predicted(sample):
    return Predictor(*load_model(MODEL), PredictionSettings(device="cpu")).predict([sample.image])


def test_it_is_intact_small_and_says_what_it_is():
    info = verify_model(MODEL)
    assert info.size <= 4_000_000
    facts = info.manifest.provenance
    assert (facts["licence"], facts["stored_as"], facts["checkpoint"]) == ("Apache-2.0", "float16", "last")
    card = (MODEL / "docs" / "README.md").read_text(encoding="utf-8")
    assert "Not for patients" in card
    assert "Generated images only" in card


def test_it_is_for_the_structures_of_the_sample():
    assert verify_model(MODEL).manifest.labels == PhantomSettings().labels


def test_it_segments_the_sample(predicted, sample):
    scores = score_label_map(predicted.label, sample.label_map.array, PhantomSettings().labels, sample.image.geometry.spacing)
    assert all(structure.scores.dice > 0.9 for structure in scores.structures)
    assert scores.mean.hd95 < 5.0


def test_it_leaves_something_to_review(predicted, sample):
    regions = find_regions(predicted.entropy, predicted.kl, predicted.label, sample.image.geometry)
    assert len(regions) >= 5
    assert (predicted.label != sample.label_map.array).any()


def test_it_was_not_trained_on_the_sample():
    facts = verify_model(MODEL).manifest.provenance
    assert all(name != f"phantom_{SAMPLE}" for name in facts["labelled"])
    assert "seed 1" in facts["data"]
