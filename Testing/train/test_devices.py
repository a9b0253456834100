"""Devices: what a choice means, and how an end of memory is told from other errors."""

from __future__ import annotations

import pytest
import torch

from dualssl.devices import describe_device, is_out_of_memory, resolve_device
from dualssl.errors import PredictionError, TrainingError


@pytest.fixture
def there(monkeypatch):
    """Sets which accelerators this machine has."""

    def has(*names):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    return has


@pytest.mark.parametrize(
    ("accelerators", "expected"), [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("mps", "cuda"), "cuda")]
)
def test_auto_takes_the_fastest_that_is_there(there, accelerators, expected):
    there(*accelerators)
    assert resolve_device("auto", TrainingError).type == expected
    assert resolve_device("cpu", TrainingError).type == "cpu"


@pytest.mark.parametrize("error", [TrainingError, PredictionError])
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_an_absent_device_is_an_error_of_the_work_it_was_wanted_for(there, device, error):
    there()
    with pytest.raises(error, match=f"no device '{device}'"):
        resolve_device(device, error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("shapes do not fit"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_an_end_of_memory_is_recognised(error, expected):
    assert is_out_of_memory(error) is expected


def test_a_device_is_described_with_what_decides_its_speed():
    text = describe_device(torch.device("cpu"), "bfloat16")
    assert text == f"cpu, {torch.get_num_threads()} threads, bfloat16"
