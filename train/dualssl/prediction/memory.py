"""How much memory prediction takes, and how much there is."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import psutil
import torch

from dualssl.errors import PredictionError
from dualssl.prediction.windows import Shape, WindowPlan

CPU_WINDOW_VOXELS = 2_800_000
"""Default for the largest window on CPU: about 0.5 GB of activations at width 16 in bfloat16."""

RESULT_BYTES = 15
"""Of the results for a voxel: three label maps of one byte, three maps of four."""

_MOST_GPU_WINDOW_VOXELS = 32_000_000
_GROUP = Path("/sys/fs/cgroup")

# Peak of one forward pass of the fused pair, in feature maps of base width at full resolution: 4.8 to 5.2 were measured.
_ACTIVATIONS = 6.0
# Finishing works on a few hundred thousand voxels at a time; with what libraries take on first use.
_FIXED = 200 << 20


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes that a prediction takes above the loaded networks and the volumes that were handed in.

    Attributes:
        window: the networks' activations and blended probabilities, where the networks are.
        results: prepared image, results and restoring, in main memory.
    """

    window: int
    results: int


def window_bytes(window: Shape, batch: int, width: int, dtype: torch.dtype) -> int:
    """Peak of the networks' activations for `batch` windows of that size."""
    return int(batch * prod(window) * width * dtype.itemsize * _ACTIVATIONS)


def memory_need(
    plan: WindowPlan,
    batch: int,
    width: int,
    dtype: torch.dtype,
    channels: int,
    classes: int,
    source_voxels: int,
    keep_probability: bool,
) -> MemoryNeed:
    """Estimate what a prediction takes.

    Args:
        plan: the windows.
        batch: windows at a time.
        width, dtype: of the networks.
        channels: of the image.
        classes: C, background included.
        source_voxels: of the input volume, or of its region of interest.
        keep_probability: whether probabilities are kept: for interpolation on the way back, or for confidence.
    """
    foreground = classes - 1
    slab = 8 * foreground * min(plan.window[0], plan.shape[0]) * plan.shape[1] * plan.shape[2]
    own = prod(plan.shape) * (4 * channels + RESULT_BYTES + (4 * foreground if keep_probability else 0))
    # Where axes change places, results exist on both grids; interpolation holds one more map and what it is compared with.
    restored = source_voxels * (RESULT_BYTES + (8 if keep_probability else 0))
    return MemoryNeed(window_bytes(plan.window, batch, width, dtype) + slab, own + restored + _FIXED)


def available_bytes() -> int:
    """Main memory that can still be had, within the limit of the control group (container) this process runs in."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int((_GROUP / "memory.max").read_text())
        used = int((_GROUP / "memory.current").read_text())
        # Files' pages count as used, and are given up when memory is asked for.
        pages = dict(line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())
        return min(free, max(0, limit - used + int(pages.get("inactive_file", 0))))
    except (OSError, ValueError):
        # No such limit, or the word "max".
        return free


def ensure_memory(need: int, volume: str) -> None:
    """Refuse to start what would not end.

    Raises:
        PredictionError: `need` bytes are more than there are; says how many and what to do.
    """
    there = available_bytes()
    if need > there:
        raise PredictionError(
            f"Prediction of {volume} needs about {need / 1e9:.1f} GB of memory and {there / 1e9:.1f} GB are free: choose a "
            "region of interest around the structure, or close other programs."
        )


def window_budget(device: torch.device, width: int, dtype: torch.dtype) -> int:
    """Most voxels that windows computed at one time should have there."""
    if device.type != "cuda":
        return CPU_WINDOW_VOXELS
    free, _ = torch.cuda.mem_get_info(device)
    # Half: the slab lives there too, and convolutions take workspace.
    voxels = int(free / 2 / (width * dtype.itemsize * _ACTIVATIONS))
    return min(voxels, _MOST_GPU_WINDOW_VOXELS)
