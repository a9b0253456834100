"""What the gate looks at: the figures of one model on a set of cases. Checked when made, so that no NaN gets further."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dualssl.errors import RegistryError


@dataclass(frozen=True)
class ScoredStructure:
    """One structure of one case: Dice 0..1 and HD95 in mm."""

    name: str
    dice: float
    hd95: float


@dataclass(frozen=True)
class ScoredCase:
    """One case: its name and its structures."""

    name: str
    structures: tuple[ScoredStructure, ...]

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names of the structures, in order."""
        return tuple(structure.name for structure in self.structures)


@dataclass(frozen=True)
class Calibration:
    """Confidence against correctness over all cases of a set, as `Reliability.to_json` gives it.

    Attributes:
        voxels: number in each bin of confidence.
        accuracy: share of correct voxels in each bin; any number where a bin is empty.
        confidence: mean confidence in each bin; any number where a bin is empty.
    """

    voxels: tuple[int, ...]
    accuracy: tuple[float, ...]
    confidence: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.voxels) == len(self.accuracy) == len(self.confidence) > 0:
            raise RegistryError("The calibration's bins differ in number: evaluate the model anew.")
        if not all(math.isfinite(v) and v >= 0 for v in (*self.voxels, *self.accuracy, *self.confidence)):
            raise RegistryError("The calibration holds a number that is negative or not finite: evaluate the model anew.")

    @property
    def ece(self) -> float | None:
        """Expected calibration error (Guo et al. 2017, arXiv 1706.04599), 0..1; None where no voxel was counted."""
        total = sum(self.voxels)
        if total == 0:
            return None
        bins = zip(self.voxels, self.accuracy, self.confidence, strict=True)
        return math.fsum(n * abs(right - sure) for n, right, sure in bins) / total

    @classmethod
    def merged(cls, parts: Sequence[Calibration]) -> Calibration:
        """The histogram of all voxels that the parts counted.

        Raises:
            RegistryError: the parts have unlike bins, or there is none.
        """
        if len({len(part.voxels) for part in parts}) != 1:
            raise RegistryError("Calibrations of unlike bins cannot be merged: evaluate all folds with the same program.")
        voxels = tuple(sum(counts) for counts in zip(*(part.voxels for part in parts), strict=True))
        return cls(
            voxels,
            _pooled([part.accuracy for part in parts], [part.voxels for part in parts], voxels),
            _pooled([part.confidence for part in parts], [part.voxels for part in parts], voxels),
        )


def _pooled(
    values: Sequence[tuple[float, ...]], counts: Sequence[tuple[int, ...]], totals: tuple[int, ...]
) -> tuple[float, ...]:
    """Bin by bin the mean of `values` weighted by `counts`; 0 where a bin is empty."""
    bins = range(len(totals))
    return tuple(
        math.fsum(v[b] * n[b] for v, n in zip(values, counts, strict=True)) / totals[b] if totals[b] else 0.0 for b in bins
    )


@dataclass(frozen=True)
class ScoredSet:
    """One model on a set of cases.

    Attributes:
        cases: at least one, each with the same structures in the same order.
        calibration: over all cases, or None where it was not measured.
        model: id of the model, or empty where it has none.
        dataset: name of the dataset, or empty.
    """

    cases: tuple[ScoredCase, ...]
    calibration: Calibration | None = None
    model: str = ""
    dataset: str = ""

    def __post_init__(self) -> None:
        whose = f"Model '{self.model}'" if self.model else "The model"
        if not self.cases:
            raise RegistryError(f"{whose} was scored on no case: evaluate it on at least one.")
        names = self.case_names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RegistryError(f"{whose} was scored twice on case '{twice[0]}': keep one of the two results.")
        for case in self.cases:
            self._check(case, whose)

    def _check(self, case: ScoredCase, whose: str) -> None:
        names = case.structure_names
        if not names or len(set(names)) != len(names):
            raise RegistryError(f"{whose} has no structure, or one twice, in case '{case.name}': evaluate it anew.")
        if names != self.structure_names:
            raise RegistryError(
                f"{whose} was scored on {', '.join(names)} in case '{case.name}', but on {', '.join(self.structure_names)} in "
                f"case '{self.cases[0].name}': score all cases on the same structures."
            )
        for structure in case.structures:
            if not 0.0 <= structure.dice <= 1.0:
                raise RegistryError(
                    f"{whose} has a Dice of {structure.dice} for '{structure.name}' in case '{case.name}', which is not in "
                    "0..1: evaluate it anew."
                )
            if not (math.isfinite(structure.hd95) and structure.hd95 >= 0.0):
                raise RegistryError(
                    f"{whose} has an HD95 of {structure.hd95} mm for '{structure.name}' in case '{case.name}', which is no "
                    "distance: evaluate it anew."
                )

    @property
    def case_names(self) -> tuple[str, ...]:
        """Names of the cases, in order."""
        return tuple(case.name for case in self.cases)

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names of the structures, in order."""
        return self.cases[0].structure_names

    @classmethod
    def merged(cls, parts: Sequence[ScoredSet], model: str) -> ScoredSet:
        """The held-out folds of a k-fold comparison as one set.

        Each fold's model is scored on the cases that it did not see; together the folds say how good the way of training is,
        and so stand for the model trained on all cases.

        Args:
            parts: one set for each fold, without a common case.
            model: id of the model that the folds stand for.

        Raises:
            RegistryError: there is no part, a case is in two of them, or their structures, datasets or bins differ.
        """
        if not parts:
            raise RegistryError("There is no fold to merge: evaluate at least one.")
        if len({part.dataset for part in parts}) != 1:
            raise RegistryError("The folds were evaluated on different datasets: use one dataset for all.")
        known = [part.calibration for part in parts if part.calibration is not None]
        if known and len(known) != len(parts):
            raise RegistryError("Some folds have a calibration and some have none: evaluate all folds with the same program.")
        cases = tuple(case for part in parts for case in part.cases)
        return cls(cases, Calibration.merged(known) if known else None, model, parts[0].dataset)
