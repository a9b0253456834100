from __future__ import annotations

import pytest
import torch

from dualssl import devices
from dualssl.devices import native_bfloat16
from dualssl.prediction.precision import dtype_for

CPU = torch.device("cpu")


@pytest.fixture
def torch_that_does_not_say(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 avx512_vnni", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags\t\t: fpu avx512f avx512_vnni", False),
        ("model name\t: bf16", False),
    ],
)
def test_the_processors_own_list_decides_where_torch_does_not_say(
    line, expected, torch_that_does_not_say, monkeypatch, tmp_path
):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\n{line}\n\n")
    monkeypatch.setattr(devices, "_CPU_INFO", info)
    assert native_bfloat16(CPU) is expected


def test_without_any_source_float32_is_used(torch_that_does_not_say, monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "_CPU_INFO", tmp_path / "absent")
    assert dtype_for("auto", CPU) is torch.float32


def test_a_choice_is_kept():
    assert dtype_for("bfloat16", CPU) is torch.bfloat16
    assert dtype_for("float32", CPU) is torch.float32
