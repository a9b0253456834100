"""What is segmented: a generated volume as large as a left-atrium case, or a real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dualssl.geometry import Geometry
from dualssl.volumes.read import read_volume
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.application.selfTestModel import SHAPE, SPACING, UNSEEN, sphere

LEFT_ATRIUM_SHAPE = (88, 140, 180)
"""Voxels k, j, i."""


def phantom(number: int = UNSEEN) -> Volume:
    """A sphere that the module's own tiny model finds, on as many voxels as a left-atrium case has.

    It fills the same space as the small spheres that the model learned from, and like those that it did not learn from it has a
    faint spot at its rim, so that there are regions to review.
    """
    small = sphere(number)[0].array
    coarse = [np.arange(n) * m // n for n, m in zip(LEFT_ATRIUM_SHAPE, SHAPE, strict=True)]
    k, j, i = (step * m / n for step, m, n in zip(SPACING, SHAPE, LEFT_ATRIUM_SHAPE, strict=True))
    return Volume(small[np.ix_(*coarse)], Geometry(LEFT_ATRIUM_SHAPE, (k, j, i)))


def real_case(path: Path) -> Volume:
    """A volume from a file."""
    return read_volume(path)
