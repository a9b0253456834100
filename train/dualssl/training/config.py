"""What a training run was asked to do: plain data, written beside its results and compared when it is resumed."""

from __future__ import annotations

from dataclasses import dataclass

from dualssl.errors import TrainingError
from dualssl.model.manifest import DOWNSAMPLINGS
from dualssl.plain_data import StoredSettings

Shape = tuple[int, int, int]
PATCH_MULTIPLE = 2**DOWNSAMPLINGS


@dataclass(frozen=True)
class TrainingConfig(StoredSettings):
    """A run, apart from where its files are.

    Attributes:
        labelled, unlabelled, validation: case names; the labels of `unlabelled` are never read.
        preset: name of the recipe; `without` lists the parts of it that are left out, `weights` the weights of terms that
            are set otherwise, as TERM=WEIGHT.
        iterations: optimiser steps.
        spacing: mm along (k, j, i) of the grid that the networks see.
        patch: sides in voxels (k, j, i) of that grid, multiples of 16.
        batch: patches of a step, half of them labelled.
        width: base width of both networks.
        seed: decides initial weights, patches, augmentation and dropout.
        validate_every: iterations between validations; 0 validates at the end only.
        name: of the model, for people.
        dropout: share of feature maps dropped while training, see `NetworkSpec`.
    """

    labelled: tuple[str, ...]
    unlabelled: tuple[str, ...]
    validation: tuple[str, ...]
    preset: str
    without: tuple[str, ...]
    weights: tuple[str, ...]
    iterations: int
    spacing: tuple[float, float, float] | None
    patch: Shape
    batch: int
    width: int
    seed: int
    validate_every: int
    name: str
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_patch(self.patch)
        if not self.labelled:
            raise TrainingError("No case is labelled: name at least one.")
        if self.batch < 2 or self.batch % 2:
            raise TrainingError(
                f"The batch size {self.batch} does not fit: half of a batch is labelled, so use an even number from 2 on."
            )
        if self.iterations < 1:
            raise TrainingError(f"{self.iterations} iterations are too few: at least one is needed.")
        if not 0 <= self.seed < 2**32:
            raise TrainingError(f"The seed {self.seed} cannot be used: give a whole number from 0 to {2**32 - 1}.")
        if self.validate_every < 0:
            raise TrainingError(
                f"A validation every {self.validate_every} iterations cannot be: give 0 (at the end only) or more."
            )
        if not 0.0 <= self.dropout < 1.0:
            raise TrainingError(f"A dropout of {self.dropout} cannot be: give a share from 0 to below 1.")
        if self.width < 1:
            raise TrainingError(
                f"A width of {self.width} cannot be: the base width is a positive number of filters, such as 8 or 16."
            )
        self._refuse_overlap(self.labelled, self.validation, "labelled", "validation")
        self._refuse_overlap(self.labelled, self.unlabelled, "labelled", "unlabelled")
        self._refuse_overlap(self.unlabelled, self.validation, "unlabelled", "validation")

    @staticmethod
    def _refuse_overlap(first: tuple[str, ...], second: tuple[str, ...], one: str, other: str) -> None:
        both = sorted(set(first) & set(second))
        if both:
            raise TrainingError(
                f"Case '{both[0]}' is in both the {one} and the {other} list ({len(both)} such): remove it from one of them."
            )


def check_patch(patch: Shape) -> None:
    """See that networks can be trained on patches of these sides (k, j, i).

    Raises:
        TrainingError: a side is no multiple of 16, or all are 16.
    """
    sides = ",".join(str(n) for n in patch)
    if any(n <= 0 or n % PATCH_MULTIPLE for n in patch):
        raise TrainingError(
            f"Patches of {sides} voxels do not fit: every side (k,j,i) must be a positive multiple of {PATCH_MULTIPLE}, "
            f"for instance {','.join(str(max(1, round(n / PATCH_MULTIPLE)) * PATCH_MULTIPLE) for n in patch)}."
        )
    if all(n == PATCH_MULTIPLE for n in patch):
        raise TrainingError(
            f"A patch of {sides} voxels leaves a single voxel at the networks' coarsest stage, which cannot be normalised: "
            "make at least one side 32 or more."
        )
