"""Devices as the protocol names them: `auto`, `cpu`, `mps`, `cuda`, or one GPU of several, `cuda:1`."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dualssl.errors import DualSSLError, PredictionError
from dualssl.worker.protocol import Code
from dualssl.worker.requests import Params, RequestError

if TYPE_CHECKING:
    from dualssl.devices import DeviceChoice

_NAME = re.compile(r"auto|cpu|mps|cuda(?::\d{1,3})?")


def device_parameter(params: Params) -> str:
    """The parameter `device`; `auto` where it is not given.

    Raises:
        RequestError: it is no name of a device.
    """
    name = params.text("device", "auto")
    if not _NAME.fullmatch(name):
        raise RequestError(Code.invalid_params, f"'{name}' is no device: use auto, cpu, mps, cuda or cuda:NUMBER.")
    return name


def chosen_device(name: str, absent: type[DualSSLError]) -> DeviceChoice:
    """The engine's name of a device, after the GPU that a number stands for was made the one in use. Imports torch.

    Args:
        name: as the protocol has it.
        absent: error to raise.

    Raises:
        DualSSLError: of the kind `absent`: there is no such device.
    """
    import torch

    from dualssl.devices import resolve_device

    kind, _, number = name.partition(":")
    choice = cast("DeviceChoice", kind)
    if resolve_device(choice, absent).type == "cuda":
        index, count = int(number or 0), torch.cuda.device_count()
        if index >= count:
            there = "one GPU, cuda:0" if count == 1 else f"{count} GPUs, cuda:0 to cuda:{count - 1}"
            raise absent(f"This computer has no GPU '{name}', it has {there}: choose another device, or 'auto'.")
        torch.cuda.set_device(index)
    return choice


def name_in_use(choice: DeviceChoice) -> str:
    """The one name of the device that a choice means now, whatever it was called. Imports torch.

    Raises:
        PredictionError: there is no such device.
    """
    import torch

    from dualssl.devices import resolve_device

    device = resolve_device(choice, PredictionError)
    return f"cuda:{torch.cuda.current_device()}" if device.type == "cuda" else device.type


def known_devices() -> list[dict[str, Any]]:
    """Every device: id, name for people, memory in GB (1e9 bytes); the one that `auto` means comes first. Imports torch."""
    import psutil
    import torch

    memory = psutil.virtual_memory().total / 1e9
    found: list[dict[str, Any]] = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        of_gpu = torch.cuda.get_device_properties(index)
        found.append({"id": f"cuda:{index}", "name": of_gpu.name, "memory_gb": round(of_gpu.total_memory / 1e9, 1)})
    if torch.backends.mps.is_available():
        found.append({"id": "mps", "name": "Apple GPU", "memory_gb": round(memory, 1)})
    found.append({"id": "cpu", "name": f"CPU, {_processor()}", "memory_gb": round(memory, 1)})
    return found


def _processor(info: Path = Path("/proc/cpuinfo")) -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        found = None
    return (found.group(1) if found else platform.processor() or platform.machine()).strip()
