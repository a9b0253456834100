"""Fixed choices that several commands offer."""

from __future__ import annotations

from enum import Enum


class DeviceName(str, Enum):
    """Where to compute."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"
