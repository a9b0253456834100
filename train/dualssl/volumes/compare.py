"""In what two grids differ, for error messages."""

from __future__ import annotations

import numpy as np

from dualssl.geometry import Geometry


def differences(grid: Geometry, expected: Geometry, tolerance_mm: float = 1e-2) -> str:
    """Which properties differ and how, e.g. `size (8 x 9 x 10 instead of 8 x 9 x 11)`; order i x j x k.

    Spacing and direction count as different where they move the far corner by more than `tolerance_mm`, as
    `Geometry.matches` judges.
    """
    counts = np.asarray(expected.shape[::-1], dtype=float)
    lengths = counts * np.asarray(expected.spacing[::-1])
    found: list[str] = []
    if grid.shape != expected.shape:
        found.append(f"size ({_by(grid.shape)} instead of {_by(expected.shape)})")
    if np.any(np.abs(np.subtract(grid.spacing, expected.spacing))[::-1] * counts > tolerance_mm):
        found.append(f"spacing ({_by(grid.spacing)} instead of {_by(expected.spacing)} mm)")
    if np.any(np.abs(np.subtract(grid.origin, expected.origin)) > tolerance_mm):
        found.append(f"origin ({_point(grid.origin)} instead of {_point(expected.origin)} LPS mm)")
    if np.any(np.abs(np.subtract(grid.direction, expected.direction)) * lengths > tolerance_mm):
        found.append("direction of its axes")
    return " and ".join(found) or "the place of its far corners"


def _by(numbers: tuple[float, ...]) -> str:
    return " x ".join(f"{n:.5g}" for n in numbers[::-1])


def _point(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{n:.2f}" for n in numbers)
