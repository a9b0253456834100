"""A small model that really segments, and what it segments: spheres in noise.

Both networks are trained for forty steps, which takes ten seconds on one core. After that they find a sphere (Dice above 0.9)
but are unsure of its rim, and a faint spot on it divides them, so that there is something to review. The training runs in a
process of its own: the application's process has no torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume

SHAPE = (24, 32, 40)
SPACING = (2.0, 2.0, 2.0)
STRUCTURE = "left atrium"
LABELS = LabelTable.from_dataset_json({"background": 0, STRUCTURE: 1})
MODEL_NAME = "Spheres"
LABELLED = ("sphere_0", "sphere_1", "sphere_2")
ITERATIONS = 40
FIRST_UNSEEN = 50
"""Spheres from this number on were not trained on, and have a faint spot at their rim."""


def sphere(number: int) -> tuple[Volume, Volume]:
    """The image (int16) and the true label map (uint8) of the sphere with a number, on one grid."""
    random = np.random.default_rng(number)
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    centre, radius = np.array(SHAPE) / 2 + random.uniform(-3, 3, 3), random.uniform(7, 9)
    label = np.linalg.norm(indices - centre, axis=-1) < radius
    image = label * 100.0
    if number >= FIRST_UNSEEN:
        direction = random.normal(size=3)
        spot = centre + radius * direction / np.linalg.norm(direction)
        image[np.linalg.norm(indices - spot, axis=-1) < 3.5] = 50.0
    image += random.normal(0, 10, SHAPE)
    grid = Geometry(SHAPE, SPACING)
    return Volume(image.astype(np.int16), grid), Volume(label.astype(np.uint8), grid)


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
    command = [sys.executable, __file__, str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "run" / "model"


def _added(scene: Any, volume: Volume, name: str) -> Any:
    import slicer

    from DualSSLSegmentationLib.scene.volumes import addScalarVolume

    return addScalarVolume(scene, volume, name, slicer.vtkMRMLScalarVolumeNode())


def _train(folder: Path) -> None:
    from dualssl.dataset import read_dataset
    from dualssl.training.config import TrainingConfig
    from dualssl.training.fingerprint import take_fingerprint
    from dualssl.training.run import TrainingRun
    from dualssl.volumes.write import write_volume

    data = folder / "spheres"
    for number, name in enumerate(LABELLED):
        for kind, volume in zip(("images", "labels"), sphere(number), strict=True):
            (data / kind).mkdir(parents=True, exist_ok=True)
            write_volume(volume, data / kind / f"{name}.nrrd")
    description = {
        "name": MODEL_NAME,
        "labels": {"background": 0, STRUCTURE: 1},
        "channel_names": {"0": "MRI"},
        "file_ending": ".nrrd",
    }
    (data / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    config = TrainingConfig(
        labelled=LABELLED,
        unlabelled=(),
        validation=(),
        preset="supervised",
        without=(),
        weights=(),
        iterations=ITERATIONS,
        spacing=SPACING,
        patch=(16, 16, 32),
        batch=4,
        width=4,
        seed=1,
        validate_every=0,
        name=MODEL_NAME,
        dropout=0.0,
    )
    dataset = read_dataset(data)
    TrainingRun(dataset, take_fingerprint(dataset, LABELLED), config, folder / "run", "cpu").execute()


if __name__ == "__main__":
    _train(Path(sys.argv[1]))
