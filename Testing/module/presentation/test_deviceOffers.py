"""The choice of devices: each GPU by its name, and a choice that is not there any more is still seen."""

import pytest

from DualSSLSegmentationLib.jobs.fineTuning import FineTuneWish
from DualSSLSegmentationLib.presentation.deviceOffers import deviceOffers

TWO_GPUS = [
    {"id": "cuda:0", "name": "NVIDIA A6000", "memory_gb": 50.9},
    {"id": "cuda:1", "name": "NVIDIA A100", "memory_gb": 85.0},
    {"id": "cpu", "name": "CPU, A Fast One", "memory_gb": 128.0},
]


def titles(listed, chosen="auto"):
    return {offer.id: offer.title for offer in deviceOffers(listed, chosen)}


def test_before_the_engine_was_asked_any_gpu_is_one_choice():
    assert titles([]) == {"auto": "Automatic", "cuda": "GPU", "cpu": "CPU"}


def test_each_gpu_can_be_chosen_by_its_name():
    assert titles(TWO_GPUS) == {
        "auto": "Automatic",
        "cuda:0": "NVIDIA A6000, 51 GB (cuda:0)",
        "cuda:1": "NVIDIA A100, 85 GB (cuda:1)",
        "cpu": "CPU, A Fast One, 128 GB (cpu)",
    }


@pytest.mark.parametrize("chosen", ["auto", "cuda", "cuda:0", "cuda:1", "cuda:7", "cpu", "mps"])
@pytest.mark.parametrize("listed", [[], TWO_GPUS])
def test_what_is_chosen_is_always_in_the_list_and_nothing_twice(listed, chosen):
    ids = [offer.id for offer in deviceOffers(listed, chosen)]
    assert chosen in ids
    assert len(set(ids)) == len(ids)
    assert ids[0] == "auto"


def test_a_gpu_of_another_computer_is_said_to_be_missing():
    assert titles(TWO_GPUS, "cuda:7")["cuda:7"] == "cuda:7 (not in this computer)"
    assert titles([], "cuda:7")["cuda:7"] == "cuda:7"


def test_any_gpu_is_the_first_once_they_are_known():
    assert list(titles(TWO_GPUS, "cuda")) == ["auto", "cuda", "cuda:1", "cpu"]


def test_a_device_of_which_little_is_known_is_listed():
    assert titles([{"id": "mps", "name": None, "memory_gb": None}])["mps"] == "mps (mps)"


def test_the_chosen_device_goes_to_the_engine_as_it_is(tmp_path):
    wish = FineTuneWish(tmp_path, tmp_path, tmp_path, tmp_path, device="cuda:1")
    assert wish.params()["device"] == "cuda:1"
