"""Hand-made cases whose predictions are known, so that every figure can be computed a second time."""

import numpy as np
import pytest
import torch
from torch import nn

from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.model.manifest import Manifest, NetworkSpec, Postprocessing, Preprocessing
from dualssl.prediction.results import Prediction, Seconds
from dualssl.volumes.volume import Volume

LABELS = {"background": 0, "chamber": 1, "wall": 2}
GRID = Geometry((12, 14, 30), spacing=(3.0, 1.0, 0.5))


class PreparedPredictor:
    """Gives predictions that were made before, in order, and remembers what it was asked."""

    def __init__(self, manifest, predictions):
        self.manifest = manifest
        self.predictions = list(predictions)
        self.asked = []

    def predict(self, volumes, roi=None, progress=None, keep_confidence=False):
        self.asked.append((list(volumes), keep_confidence))
        return self.predictions[len(self.asked) - 1]


class Threshold(nn.Module):
    """Both networks are as sure of the structure as a voxel is bright; `tilt` makes it depend on the place in a window too."""

    def __init__(self, sureness, tilt=0.0):
        super().__init__()
        self.sureness, self.tilt = sureness, tilt

    def forward(self, image):
        logit = self.sureness * image + torch.linspace(-self.tilt, self.tilt, image.shape[-1])
        pair = [torch.cat([torch.zeros_like(image), logit + change], dim=1) for change in (0.1, -0.1)]
        return (pair[0], image), (pair[1], image)


@pytest.fixture(scope="session")
def threshold_networks():
    """Makes a pair that takes what is brighter than the image's mean for the structure."""
    return Threshold


def block(start, stop, value=1, shape=GRID.shape):
    label_map = np.zeros(shape, np.uint8)
    label_map[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = value
    return label_map


@pytest.fixture(scope="session")
def labels():
    return LabelTable.from_dataset_json(LABELS)


@pytest.fixture(scope="session")
def truth():
    """A chamber of 5 x 6 x 7 voxels with a wall of two voxels on one side."""
    return np.maximum(block((3, 4, 4), (8, 10, 11)), block((3, 4, 11), (8, 10, 13), 2))


@pytest.fixture
def predicted(truth):
    """A prediction of given label maps; by default network A is too large, B misses the wall, their mean is shifted."""

    def make(label=None, label_a=None, label_b=None, confidence=True, seed=0):
        random = np.random.default_rng(seed)
        maps = [random.random(truth.shape, dtype=np.float32) for _ in range(4)]
        label = np.roll(truth, 1, axis=1) if label is None else label
        return Prediction(
            geometry=GRID,
            label=label,
            label_a=np.maximum(truth, block((2, 4, 4), (3, 10, 11))) if label_a is None else label_a,
            label_b=np.where(truth == 2, 0, truth).astype(np.uint8) if label_b is None else label_b,
            entropy=maps[0],
            kl=maps[1],
            js=maps[2],
            seconds=Seconds(0.1, 2.0, 0.3),
            device="cpu",
            windows=1,
            window=GRID.shape,
            confidence=maps[3] if confidence else None,
        )

    return make


@pytest.fixture
def manifest_for():
    def make(labels, channels=("MRI",)):
        return Manifest(
            id="hand-made",
            name="Hand made",
            labels=labels,
            channel_names=channels,
            networks=NetworkSpec(len(channels), labels.channels, 2),
            preprocessing=Preprocessing(),
            postprocessing=Postprocessing(),
            patch=(16, 16, 32),
        )

    return make


@pytest.fixture
def predictor_of(labels, manifest_for):
    return lambda *predictions: PreparedPredictor(manifest_for(labels), predictions)


@pytest.fixture
def hand_made_dataset(write_dataset, tmp_path, truth):
    """Three cases `a`, `b`, `c`, each with the same truth, whose images differ."""
    image = truth * 10.0 + np.arange(truth.shape[2])
    cases = {
        name: ([Volume((image + 100 * number).astype(np.float32), GRID)], Volume(truth, GRID))
        for number, name in enumerate("abc")
    }
    return write_dataset(tmp_path / "hand made", cases, ("chamber", "wall"), "Hand made")


@pytest.fixture
def grid():
    return GRID
