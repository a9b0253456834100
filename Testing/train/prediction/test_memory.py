from __future__ import annotations

import subprocess
import sys
import textwrap
from types import SimpleNamespace

import torch

from dualssl.prediction import memory
from dualssl.prediction.memory import available_bytes, memory_need
from dualssl.prediction.windows import plan_windows

# Four classes on 6.3 million voxels: results take 15 bytes a voxel (94 MB); sums over the whole volume would take 24 more
# (151 MB), a slab of 16 slices 25 MB.
GROWTH = r"""
    import re
    from pathlib import Path
    import numpy as np, torch
    from dualssl.prediction.sliding import stream_windows
    from dualssl.prediction.windows import plan_windows

    torch.set_num_threads(1)

    def networks(x):
        logits = torch.cat([x, 2 * x, -x, 0.5 - x], dim=1)
        return (logits, x), (logits, x)

    def predict(image):
        plan = plan_windows(image.shape[1:], (16, 128, 128), 0.0)
        stream_windows(networks, image, plan, classes=4, device=torch.device("cpu"), dtype=torch.float32)

    def peak_kib():
        # Not getrusage: its peak is inherited from the process that started this one.
        return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()).group(1))

    predict(np.ones((1, 16, 16, 16), np.float32))
    image = np.random.default_rng(0).random((1, 96, 256, 256), dtype=np.float32)
    before = peak_kib()
    predict(image)
    print((peak_kib() - before) / 1024)
"""


def test_memory_is_results_and_one_slab_not_sums_over_the_volume():
    command = [sys.executable, "-c", textwrap.dedent(GROWTH)]
    grown = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    results_mib = 96 * 256 * 256 * 15 / 2**20
    assert grown > 0.8 * results_mib
    assert grown < results_mib + 90


def test_a_large_clinical_volume_is_estimated_to_stay_under_four_gigabytes():
    plan = plan_windows((256, 512, 512), (112, 144, 160), 0.25)
    need = memory_need(plan, 1, 16, torch.bfloat16, 1, 2, 256 * 512 * 512, False)
    as_int16_volume = 2 * 256 * 512 * 512
    assert need.window + need.results + as_int16_volume < 4e9
    assert need.results > 15 * 256 * 512 * 512


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=8_000))
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert available_bytes() == 8_000
    limit = tmp_path / "memory.max"
    limit.write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    (tmp_path / "memory.stat").write_text("anon 900\ninactive_file 600\n")
    assert available_bytes() == 3_600
    limit.write_text("max\n")
    assert available_bytes() == 8_000
