"""Candidates of any kind, and predicted cases to make them from."""

from dataclasses import dataclass

import numpy as np
import pytest

from dualssl.geometry import Geometry
from dualssl.prediction.results import Prediction, Seconds
from dualssl.volumes.volume import Volume
from dualssl.worklist import Candidate


@dataclass(frozen=True)
class PredictedCase:
    """Image, prediction and name of a case, as arrays (k, j, i)."""

    name: str
    image: np.ndarray
    label: np.ndarray
    label_a: np.ndarray
    label_b: np.ndarray
    entropy: np.ndarray
    kl: np.ndarray
    spacing: tuple = (2.0, 1.0, 1.5)

    def padded(self, widths):
        """The same case with background of zeros around it: image, labels and maps."""
        arrays = (np.pad(getattr(self, field), widths) for field in ARRAYS)
        return PredictedCase(self.name, *arrays, self.spacing)

    @property
    def volumes(self):
        return [Volume(self.image, Geometry(self.image.shape, self.spacing))]

    @property
    def prediction(self):
        return Prediction(
            geometry=Geometry(self.label.shape, self.spacing),
            label=self.label,
            label_a=self.label_a,
            label_b=self.label_b,
            entropy=self.entropy,
            kl=self.kl,
            js=self.entropy,
            seconds=Seconds(0.0, 0.0, 0.0),
            device="cpu",
            windows=1,
            window=self.label.shape,
        )


ARRAYS = ("image", "label", "label_a", "label_b", "entropy", "kl")


def random_case(seed, shape=(7, 10, 9)):
    """Foreground that often reaches the image's border, intensities of CT, and maps without meaning."""
    random = np.random.default_rng(seed)
    label = (random.random(shape) < random.uniform(0.1, 0.5)).astype(np.uint8)
    label[3, 4, 5] = 1
    label_a = np.where(random.random(shape) < random.uniform(0, 0.5), 0, label).astype(np.uint8)
    image = (random.normal(-400, 300, shape) + 500.0 * label).astype(np.int16)
    entropy, kl = random.random(shape, dtype=np.float32), random.exponential(0.4, shape).astype(np.float32)
    return PredictedCase(f"case {seed}", image, label, label_a, label, entropy, kl)


def random_candidates(number, seed=0, features=4, patients=None):
    """Candidates in order of name; about three cases a patient unless their number is given."""
    random = np.random.default_rng(seed)
    groups = random.integers(0, patients or max(1, number // 3), number)
    return [
        Candidate(
            name=f"case {n:05d}",
            group=f"patient {groups[n]}",
            entropy=float(random.exponential()),
            kl=float(random.exponential()),
            network_dice=float(random.random()),
            features=tuple(random.normal(size=features).tolist()),
        )
        for n in range(number)
    ]


@pytest.fixture(scope="session")
def candidates():
    return random_candidates


@pytest.fixture(scope="session")
def predicted_case():
    return random_case
