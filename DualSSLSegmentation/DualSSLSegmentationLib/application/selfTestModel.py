"""Spheres in noise, and a tiny model that finds them: what the module's own test segments, and with what.

The application imports `sphere`; the engine's Python runs this file (`python selfTestModel.py FOLDER`) to train the model,
which takes seconds. The model is only good enough to be unsure somewhere.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume

SHAPE = (20, 24, 32)
SPACING = (2.0, 2.0, 2.0)
LABELS = LabelTable.from_dataset_json({"background": 0, "sphere": 1})
CASES = ("sphere_0", "sphere_1", "sphere_2")
ITERATIONS = 20
UNSEEN = 50
"""The sphere with this number was not trained on, and has a faint spot at its rim."""


def sphere(number: int) -> tuple[Volume, Volume]:
    """Image (int16) and true label map (uint8) of a sphere, on one grid."""
    random = np.random.default_rng(number)
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    centre, radius = np.array(SHAPE) / 2 + random.uniform(-2, 2, 3), random.uniform(6, 7)
    label = np.linalg.norm(indices - centre, axis=-1) < radius
    image = label * 100.0
    if number >= UNSEEN:
        spot = centre + radius * np.array([0.0, 0.7, 0.7])
        image[np.linalg.norm(indices - spot, axis=-1) < 3.5] = 50.0
    image += random.normal(0, 10, SHAPE)
    grid = Geometry(SHAPE, SPACING)
    return Volume(image.astype(np.int16), grid), Volume(label.astype(np.uint8), grid)


def train(folder: Path) -> None:
    """Train the model; it is in `FOLDER/run/model` then."""
    from dualssl.dataset import read_dataset
    from dualssl.training.config import TrainingConfig
    from dualssl.training.fingerprint import take_fingerprint
    from dualssl.training.run import TrainingRun
    from dualssl.volumes.write import write_volume

    data = folder / "spheres"
    for number, name in enumerate(CASES):
        for kind, volume in zip(("images", "labels"), sphere(number), strict=True):
            (data / kind).mkdir(parents=True, exist_ok=True)
            write_volume(volume, data / kind / f"{name}.nrrd")
    description = {
        "name": "Spheres",
        "labels": {"background": 0, "sphere": 1},
        "channel_names": {"0": "MRI"},
        "file_ending": ".nrrd",
    }
    (data / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    config = TrainingConfig(
        labelled=CASES,
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
        name="Spheres",
        dropout=0.0,
    )
    dataset = read_dataset(data)
    TrainingRun(dataset, take_fingerprint(dataset, CASES), config, folder / "run", "cpu").execute()


if __name__ == "__main__":
    train(Path(sys.argv[1]))
