"""Which device computes, what it can do, and how to tell that its memory is at its end: for training and prediction alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import torch

from dualssl.errors import DualSSLError

DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]

_CPU_INFO = Path("/proc/cpuinfo")
# x86 (AVX-512 and AMX) and ARM name the instructions so.
_BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


def resolve_device(choice: DeviceChoice, absent: type[DualSSLError]) -> torch.device:
    """The device that a choice means; `auto` takes the fastest that is there.

    Args:
        choice: as a person gave it.
        absent: error to raise, that of the caller's work.

    Raises:
        DualSSLError: of the kind `absent`: the device asked for is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if choice == "auto":
        return torch.device(next(name for name, found in there.items() if found))
    if not there[choice]:
        raise absent(f"This machine or this build of torch has no device '{choice}': choose another, or 'auto'.")
    return torch.device(choice)


def describe_device(device: torch.device, precision: str, processes: int = 1) -> str:
    """A short text for records, such as `cuda NVIDIA H200 x 2, bf16-mixed` or `cpu, 2 threads, bfloat16`."""
    if device.type != "cuda":
        return f"{device.type}, {torch.get_num_threads()} threads, {precision}"
    times = f" x {processes}" if processes > 1 else ""
    return f"cuda {torch.cuda.get_device_name(device)}{times}, {precision}"


def native_bfloat16(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 run in hardware there; emulated, they would be slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    # Private functions of torch, which may go away; the processor's own list of features is the second source.
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        check = getattr(torch.cpu, name, None)
        if check is not None and check():
            return True
    return bool(_BF16_FLAGS & _processor_flags(_CPU_INFO))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that the device or the machine has no memory left."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def _processor_flags(info: Path) -> set[str]:
    try:
        text = info.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return set(found.group(1).split()) if found else set()
