"""Which number format prediction computes in."""

from __future__ import annotations

from typing import Literal

import torch

from dualssl.devices import native_bfloat16

Precision = Literal["auto", "float32", "bfloat16"]


def dtype_for(precision: Precision, device: torch.device) -> torch.dtype:
    """The number format of the networks; `auto` is bfloat16 where `native_bfloat16`, else float32."""
    if precision == "auto":
        return torch.bfloat16 if native_bfloat16(device) else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]


def memory_format_for(device: torch.device) -> torch.memory_format:
    """Channels last is the fast order of 3D convolutions on CPU and CUDA; MPS knows only the usual one."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last_3d
