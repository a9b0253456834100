"""Networks that are in memory are used as they are, whatever settings a volume is predicted with."""

import pytest

from dualssl.prediction.predictor import PredictionSettings
from dualssl.worker.networks import Networks


@pytest.fixture
def networks():
    return Networks()


def test_networks_in_memory_are_neither_loaded_nor_prepared_again(networks, model):
    first = networks.load(model, PredictionSettings(overlap=0.25), "cpu")
    second = networks.load(model, PredictionSettings(overlap=0.5, roi_statistics="roi"), "cpu")
    assert (first.warm, second.warm) == (False, True)
    assert second.predictor.networks is first.predictor.networks
    assert first.sha256 == second.sha256
    assert (first.predictor.settings.overlap, second.predictor.settings.overlap) == (0.25, 0.5)
    assert second.predictor.settings.roi_statistics == "roi"


def test_a_device_has_one_place_whatever_it_is_called(networks, model):
    # Where there is no GPU, `auto` is the CPU.
    default = networks.load(model, PredictionSettings(), "auto").predictor.device.type
    assert networks.load(model, PredictionSettings(), default).warm


def test_a_model_is_verified_once_until_a_file_changes(networks, another_model, monkeypatch):
    verified = []
    real = networks.verified.__globals__["verify_model"]
    monkeypatch.setattr("dualssl.worker.networks.verify_model", lambda folder: verified.append(folder) or real(folder))
    folder = another_model("changing")
    networks.verified(folder)
    networks.verified(folder)
    assert len(verified) == 1
    (folder / "docs" / "README.md").touch()
    networks.verified(folder)
    assert len(verified) == 2


def test_networks_that_are_forgotten_are_loaded_again(networks, model):
    networks.load(model, PredictionSettings(), "cpu")
    networks.forget()
    assert not networks.load(model, PredictionSettings(), "cpu").warm
