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
        DualSSLError: of the kind `absent`: there is no such GPU.
    """
    import torch

    kind, _, number = name.partition(":")
    if kind in ("auto", "cuda") and torch.cuda.is_available():
        index = int(number or 0)
        if index >= torch.cuda.device_count():
            raise absent(f"This computer has no GPU number {index}: choose another device, or 'auto'.")
        torch.cuda.set_device(index)
    return cast("DeviceChoice", kind)


def name_in_use(choice: DeviceChoice) -> str:
    """The one name of the device that a choice means now, whatever it was called. Imports torch.

    Raises:
        PredictionError: there is no such device.
    """
    import torch

    from dualssl.devices import resolve_device

    device = resolve_device(choice, PredictionError)
    return f"cuda:{torch.cuda.current_device()}" if device.type == "cuda" else device.type


def first_gpu_only(name: str, absent: type[DualSSLError]) -> DeviceChoice:
    """As `chosen_device`, for work that always takes the first GPU.

    Raises:
        DualSSLError: of the kind `absent`: another GPU was asked for, or there is none.
    """
    if name.partition(":")[2] not in ("", "0"):
        raise absent(f"Training runs on the first GPU only, not on '{name}': choose 'cuda:0', or 'auto'.")
    return chosen_device(name, absent)


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
