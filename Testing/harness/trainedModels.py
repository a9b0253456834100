"""The module's own tiny model and its spheres, as tests need them: trained once, in a process of its own, and shown in a scene.

After its training, which takes seconds, both networks find a sphere but are unsure of its rim, and a faint spot on it divides
them, so that there is something to review. The application's process has no torch.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.application import selfTestModel
from DualSSLSegmentationLib.application.selfTestModel import CASES as LABELLED
from DualSSLSegmentationLib.application.selfTestModel import LABELS, SHAPE, SPACING, sphere
from DualSSLSegmentationLib.application.selfTestModel import UNSEEN as FIRST_UNSEEN

(STRUCTURE,) = LABELS.names
__all__ = [
    "FIRST_UNSEEN",
    "LABELLED",
    "LABELS",
    "SHAPE",
    "SPACING",
    "STRUCTURE",
    "addSlowVolume",
    "addSphere",
    "sphere",
    "trainModel",
]


def addSphere(scene: Any, number: int = FIRST_UNSEEN, name: str = "Sphere") -> Any:
    """Add the image of a sphere to a scene; returns its vtkMRMLScalarVolumeNode."""
    return _added(scene, sphere(number)[0], name)


def addSlowVolume(scene: Any, name: str = "Slow") -> Any:
    """Add a volume of noise that takes the model many seconds, window by window."""
    shape = (48, 320, 320)
    noise = np.random.default_rng(1).normal(0, 50, shape)
    return _added(scene, Volume(noise.astype(np.int16), Geometry(shape, SPACING)), name)


def trainModel(folder: Path) -> Path:
    """Train the model in a folder that does not exist yet; returns the model's folder in it."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, selfTestModel.__file__, str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "run" / "model"


def _added(scene: Any, volume: Volume, name: str) -> Any:
    import slicer

    from DualSSLSegmentationLib.scene.volumes import addScalarVolume

    return addScalarVolume(scene, volume, name, slicer.vtkMRMLScalarVolumeNode())
