"""What a benchmark ran on: enough to judge its figures, nothing that tells whose machine it was."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any

import psutil
import torch

from dualssl.prediction.precision import dtype_for
from dualssl.training.devices import precision_for
from dualssl.version import __version__

_CPU_INFO = Path("/proc/cpuinfo")


def describe_machine() -> dict[str, Any]:
    """Plain data: processor, cores, memory, versions, number formats, and how busy the machine was already."""
    return {
        "processor": processor_name(_CPU_INFO),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "threads_used": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "dualssl": __version__,
        "prediction_precision": str(dtype_for("auto", torch.device("cpu"))).removeprefix("torch."),
        "training_precision": precision_for("cpu"),
        # Beside the benchmark itself nothing should run: figures with more than a few tenths here are in doubt.
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def processor_name(cpu_info: Path) -> str:
    """The model's name from Linux' list of processors, else the architecture."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", cpu_info.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()
