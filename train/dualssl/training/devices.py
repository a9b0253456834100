"""Where training runs: device, precision and processes, through Lightning Fabric."""

from __future__ import annotations

import logging
import os
from typing import Any

import torch
from lightning_fabric import Fabric

from dualssl import devices
from dualssl.devices import DeviceChoice, native_bfloat16, resolve_device
from dualssl.errors import TrainingError


def precision_for(device: str) -> Any:
    """Fabric's name of the fastest precision that trains well: bfloat16 where the hardware has it, else 16- or 32-bit."""
    if device != "mps" and native_bfloat16(torch.device(device)):
        return "bf16-mixed"
    return "16-mixed" if device == "cuda" else "32-true"


def make_fabric(device: DeviceChoice) -> Fabric:
    """A Fabric on one device, or on as many processes as `torchrun` started, one device each.

    One process takes the GPU that is in use (`torch.cuda.set_device`), by default the first.

    Raises:
        TrainingError: the device asked for is not there.
    """
    kind = resolve_device(device, TrainingError).type
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_WORLD_SIZE", str(processes)))
    if kind == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    # Fabric announces the precision on stderr; `describe_device` says it where it is wanted.
    logging.getLogger("lightning_fabric.utilities.rank_zero").setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator=kind,
        devices=_devices(kind, processes, local),
        num_nodes=max(1, processes // local),
        strategy="ddp" if processes > 1 else "auto",
        precision=precision_for(kind),
    )
    fabric.launch()
    return fabric


def _devices(kind: str, processes: int, local: int) -> int | list[int]:
    """What Fabric takes for its devices: numbers of GPUs, or how many it may choose."""
    return [torch.cuda.current_device()] if kind == "cuda" and processes == 1 else local


def describe_device(fabric: Fabric) -> str:
    """Where and how training runs, as `dualssl.devices.describe_device`."""
    return devices.describe_device(fabric.device, fabric._precision.precision, fabric.world_size)
