"""What a phantom dataset is made of: how many cases, on which grids, how unlike each other and how hard to read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dualssl.errors import DatasetError
from dualssl.labels import Label, LabelTable

STRUCTURES = ("chamber", "wall", "vessel")
"""Names of the structures in order of value: the blood pool, the shell around it, the tubes that leave it."""


@dataclass(frozen=True)
class PhantomSettings:
    """Everything that decides what phantom cases look like; case i follows from these and i alone.

    Attributes:
        cases: how many cases a dataset holds, training and validation together. Says nothing about a single case.
        shape: voxels along (k, j, i). Anatomy does not shrink with the grid: about 80 mm along every axis hold all of it.
        spacing: mm along (k, j, i).
        structures: how many of `STRUCTURES` are labelled, from the first. The others are still in the image, as background.
        variation: 0..1, how unlike each other cases are in size, shape, wall thickness, vessels and contrast: the one
            number for the difficulty of learning from few cases. 0: one anatomy and contrast, placed anywhere.
        contrast_variation: share of `variation` that reaches intensities; 0 gives all cases the same contrasts.
        distractors: number of objects that look like a structure and are none, of three kinds in turn: a chamber without
            a wall, a tube that leaves no chamber, a lump as bright as the wall.
        bias_field: standard deviation of the log of the receive field over space; 0.2 is plain to see.
        noise: standard deviation of the Rician noise as a share of the mean blood intensity.
        partial_volume_mm: width over which one tissue passes into the next, mm.
        oblique_degrees: largest angle by which a case's grid is turned about an axis of its own, degrees.
        flipped_share: share of cases (0..1) two of whose array axes run the other way.
        left_handed_share: share of cases (0..1) one of whose array axes runs the other way: a left-handed direction matrix.
        seed: another seed, another population of cases.
    """

    cases: int = 30
    shape: tuple[int, int, int] = (48, 56, 56)
    spacing: tuple[float, float, float] = (1.8, 1.6, 1.6)
    structures: int = 2
    variation: float = 0.65
    contrast_variation: float = 1.0
    distractors: int = 3
    bias_field: float = 0.15
    noise: float = 0.06
    partial_volume_mm: float = 1.2
    oblique_degrees: float = 12.0
    flipped_share: float = 0.25
    left_handed_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be generated.

        Raises:
            DatasetError: a setting is out of its range; the message names it.
        """
        self._require(self.cases >= 1, "cases", "at least 1")
        self._require(len(self.shape) == 3 and min(self.shape) >= 8, "shape", "three sizes of at least 8 voxels")
        spacing_fits = len(self.spacing) == 3 and all(np.isfinite(s) and s > 0 for s in self.spacing)
        self._require(spacing_fits, "spacing", "three positive distances in mm")
        self._require(1 <= self.structures <= len(STRUCTURES), "structures", f"1 to {len(STRUCTURES)}")
        for name in ("variation", "contrast_variation", "flipped_share", "left_handed_share"):
            self._require(0 <= getattr(self, name) <= 1, name, "between 0 and 1")
        self._require(0 <= self.distractors <= 9, "distractors", "0 to 9")
        for name in ("bias_field", "noise"):
            self._require(0 <= getattr(self, name) <= 1, name, "between 0 and 1")
        self._require(0 < self.partial_volume_mm <= 10, "partial_volume_mm", "above 0 and at most 10")
        self._require(0 <= self.oblique_degrees <= 180, "oblique_degrees", "between 0 and 180")
        self._require(self.seed >= 0, "seed", "0 or more")

    def _require(self, fits: bool, name: str, range_text: str) -> None:
        if not fits:
            raise DatasetError(f"The phantom setting '{name}' is {getattr(self, name)!r}: give {range_text}.")

    @property
    def labels(self) -> LabelTable:
        """The labelled structures, values 1, 2, ..."""
        return LabelTable(tuple(Label.named(n, v) for v, n in enumerate(STRUCTURES[: self.structures], start=1)))
