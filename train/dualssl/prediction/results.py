"""What prediction gives: on the model's grid, and on the input's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.geometry import Geometry
    from dualssl.prediction.roi import RegionOfInterest


@dataclass(frozen=True, eq=False)
class ClassProbabilities:
    """Class probabilities of both networks.

    Attributes:
        foreground: float16, shape (2, C - 1, k, j, i): network A and B, class 1 and up; background is the rest to 1.
    """

    foreground: NDArray[np.float16]

    @property
    def classes(self) -> int:
        """Number of classes C, background included."""
        return self.foreground.shape[1] + 1

    def of_network(self, network: int, label: int) -> NDArray[np.float32]:
        """Probability (k, j, i) of class `label` (0 is background) from network 0 (A) or 1 (B), float32."""
        parts = self.foreground[network]
        if label:
            return parts[label - 1].astype(np.float32)
        return np.float32(1) - parts.sum(axis=0, dtype=np.float32)

    def mean(self, label: int) -> NDArray[np.float32]:
        """Mean of both networks' probability (k, j, i) of class `label` (0 is background), float32."""
        result = self.of_network(0, label)
        result += self.of_network(1, label)
        result *= np.float32(0.5)
        return result

    def confidence(self) -> NDArray[np.float32]:
        """Largest of the classes' mean probabilities (k, j, i), float32."""
        best = self.mean(0)
        for label in range(1, self.classes):
            np.maximum(best, self.mean(label), out=best)
        return best


@dataclass(frozen=True, eq=False)
class ArrayPrediction:
    """Prediction on the model's grid; all arrays have the image's shape (k, j, i).

    Attributes:
        label: uint8, most probable class of the mean probability.
        label_a, label_b: uint8, most probable class of each network.
        entropy: float32, of the mean probability, 0..1.
        kl: float32, symmetric KL divergence between the networks, nats.
        js: float32, Jensen-Shannon divergence between the networks, 0..1.
        probability: of both networks, only if asked for.
        windows: number of windows that were computed.
        window: their size (k, j, i).
    """

    label: NDArray[np.uint8]
    label_a: NDArray[np.uint8]
    label_b: NDArray[np.uint8]
    entropy: NDArray[np.float32]
    kl: NDArray[np.float32]
    js: NDArray[np.float32]
    probability: ClassProbabilities | None
    windows: int
    window: tuple[int, int, int]


@dataclass(frozen=True)
class Seconds:
    """Wall-clock time of a prediction's parts: preparing the image, the networks, and bringing results to its grid."""

    prepare: float
    networks: float
    restore: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """Prediction on the input's exact grid; all arrays have shape `geometry.shape`.

    Outside a region of interest labels and maps are 0.

    Attributes:
        geometry: of the input.
        label, label_a, label_b: uint8 label maps of the mean, of network A and of network B.
        entropy: float32, 0..1.
        kl: float32, nats.
        js: float32, 0..1.
        seconds: how long it took.
        device: for people, e.g. `cpu, 2 threads, bfloat16`.
        windows: number of windows that were computed.
        window: their size (k, j, i) on the model's grid.
        region: the region of interest, clipped to the volume, or None if the whole volume was predicted.
        normalised_over: where the statistics of intensities came from, the whole image or the region.
        confidence: float32, largest of the classes' mean probabilities (before components are removed), if asked for.
    """

    geometry: Geometry
    label: NDArray[np.uint8]
    label_a: NDArray[np.uint8]
    label_b: NDArray[np.uint8]
    entropy: NDArray[np.float32]
    kl: NDArray[np.float32]
    js: NDArray[np.float32]
    seconds: Seconds
    device: str
    windows: int
    window: tuple[int, int, int]
    region: RegionOfInterest | None = None
    normalised_over: Literal["image", "roi"] = "image"
    confidence: NDArray[np.float32] | None = None
