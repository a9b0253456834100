"""The benchmark of large volumes: a process for each, the peak above the networks, and time per voxel."""

from __future__ import annotations

import subprocess
from math import prod

import numpy as np
import pytest

from dualssl.benchmarking import memory_probe, peak_memory
from dualssl.benchmarking.memory_and_scaling import MemoryAndScalingSettings, memory_and_scaling, parts_of
from dualssl.benchmarking.memory_probe import ProbeAnswer, ProbeRequest, probe_in_new_process
from dualssl.benchmarking.peak_memory import PeakMemory
from dualssl.errors import PredictionError

SETTINGS = MemoryAndScalingSettings((64, 32, 32), (16, 32, 32), (4,), repeats=3)


@pytest.fixture
def probe_of_quadratic_time():
    """Answers as a prediction would whose time grows with the square of the volume, one answer in three far too late."""
    asked = []

    def probe(request):
        asked.append(request)
        voxels = prod(request.shape)
        seconds = 1e-9 * voxels**2 * (50 if len(asked) % 9 < 3 else 1)
        return ProbeAnswer(
            peak_bytes=voxels * 20 + len(asked), seconds=seconds, windows=2, window_voxels=voxels, method="kernel"
        )

    probe.asked = asked
    return probe


def test_parts_are_cut_along_k():
    assert parts_of((256, 512, 512)) == ((64, 512, 512), (128, 512, 512), (256, 512, 512))


def test_growth_is_time_per_voxel_of_the_whole_over_a_quarter(probe_of_quadratic_time):
    _, growth = memory_and_scaling(SETTINGS, probe_of_quadratic_time)
    assert growth.value == pytest.approx(4.0)
    assert not growth.met
    assert [len(values) for values in growth.samples.values()] == [3, 3, 3]
    assert growth.details["computed_per_voxel"] == {"quarter": 1.0, "half": 1.0, "whole": 1.0}
    assert [request.shape[0] for request in probe_of_quadratic_time.asked] == [16, 32, 64] * 3
    assert {request.width for request in probe_of_quadratic_time.asked} == {4}


def test_memory_is_the_highest_peak_of_the_whole_volume_in_gigabytes(probe_of_quadratic_time):
    memory, _ = memory_and_scaling(SETTINGS, probe_of_quadratic_time)
    assert memory.value == (64 * 32 * 32 * 20 + 9) / 1e9
    assert memory.met
    assert (memory.target.relation, memory.target.limit) == ("at most", 4.0)


def test_a_toy_volume_is_predicted_in_a_new_process():
    answer = probe_in_new_process(ProbeRequest((32, 32, 48), (32, 32, 32), 2))
    assert answer.seconds > 0
    assert answer.windows * 32**3 <= answer.window_voxels
    assert answer.peak_bytes > 32 * 32 * 48 * 2
    assert answer.method in {"kernel", "sampled"}


def test_a_process_that_fails_is_reported_in_a_sentence(monkeypatch):
    def failing(*args, **kwargs):
        return subprocess.CompletedProcess(args, 1, stdout="", stderr="Traceback\nMemoryError: no room\n")

    monkeypatch.setattr(memory_probe.subprocess, "run", failing)
    with pytest.raises(PredictionError, match="MemoryError: no room"):
        probe_in_new_process(ProbeRequest((32, 32, 32), (32, 32, 32), 2))


@pytest.mark.parametrize("kernel_keeps_record", [True, False])
def test_the_peak_is_found_although_the_memory_was_given_back(kernel_keeps_record, monkeypatch):
    if not kernel_keeps_record:
        monkeypatch.setattr(peak_memory, "_reset_kernel_peak", lambda: False)
    size = 200 << 20
    with PeakMemory() as memory:
        block = np.ones(size, np.uint8)
        block += 1
        # Long enough for a sample to fall into the time in which the block is there.
        assert block.reshape(-1, 64).sum(axis=0, dtype=np.int64).max() > 0
        del block
    assert 0.95 * size < memory.bytes < 1.5 * size
    assert memory.method == "sampled" or kernel_keeps_record


def test_an_earlier_peak_does_not_count():
    block = np.ones(200 << 20, np.uint8)
    del block
    with PeakMemory() as memory:
        pass
    assert memory.bytes < 50 << 20
