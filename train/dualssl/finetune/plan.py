"""What a fine-tuning was asked to do: plain data, written beside its results and compared when it is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dualssl.errors import TrainingError
from dualssl.plain_data import StoredSettings
from dualssl.training.config import Shape, check_patch


@dataclass(frozen=True)
class FineTuneSettings:
    """How to fine-tune; the defaults suit 1 to 100 corrected cases.

    Attributes:
        iterations: optimiser steps at most.
        learning_rate: at the start; it falls to 0.
        batch: patches of a step: a quarter corrected, a quarter replayed (half corrected without replay), half from the pool.
        patch: sides in voxels (k, j, i), multiples of 16; None takes the model's.
        edit_weight: importance of a voxel that a person changed, beside 1 for the others.
        validate_every: iterations between validations, where there are validation cases.
        patience: validations without a better Dice after which training ends.
        seed: decides patches, augmentation and dropout.
        without: parts of the recipe to leave out.
    """

    iterations: int = 200
    learning_rate: float = 2e-4
    batch: int = 4
    patch: Shape | None = None
    edit_weight: float = 3.0
    validate_every: int = 40
    patience: int = 3
    seed: int = 1
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.patch is not None:
            check_patch(self.patch)
        if self.iterations < 1:
            raise TrainingError(f"{self.iterations} iterations are too few: at least one is needed.")
        if not 0.0 < self.learning_rate < 1.0:
            raise TrainingError(
                f"A learning rate of {self.learning_rate} cannot be: give a number above 0 and below 1, such as 0.0002."
            )
        if self.batch < 4 or self.batch % 4:
            raise TrainingError(
                f"The batch size {self.batch} does not fit: a quarter of a batch is corrected and a quarter replayed, so use a "
                "multiple of 4."
            )
        if not 1.0 <= self.edit_weight <= 100.0:
            raise TrainingError(f"An edit weight of {self.edit_weight} cannot be: give 1 (as every other voxel) to 100.")
        if self.validate_every < 1 or self.patience < 1:
            raise TrainingError("The steps between validations and the patience must be at least 1.")
        if not 0 <= self.seed < 2**32:
            raise TrainingError(f"The seed {self.seed} cannot be used: give a whole number from 0 to {2**32 - 1}.")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FineTuneSettings:
        """From the fields as JSON has them; TypeError or ValueError where `data` are something else."""
        fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**fields)


@dataclass(frozen=True)
class FineTunePlan(StoredSettings):
    """A fine-tuning, apart from where its files are.

    Attributes:
        model: id of the parent.
        model_sha256: of the parent's list of checksums, and so of all its files.
        corrected: the cases with corrected labels, each with the number of its label version.
        replay: names of the parent's labelled cases that are trained on again, of the replay dataset.
        pool: names of the cases used without labels.
        too_large: names of the cases without labels that are left out, for they are larger than all that the parent knows.
        validation: corrected cases that are not trained on but decide when to end; often none.
        settings: how.
    """

    model: str
    model_sha256: str
    corrected: Mapping[str, int]
    replay: tuple[str, ...]
    pool: tuple[str, ...]
    validation: tuple[str, ...]
    settings: FineTuneSettings
    too_large: tuple[str, ...] = ()

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """As of all settings; a run that was begun before `too_large` was recorded left out nothing."""
        return super().differences({"too_large": [], **stored})

    def without(self, held_out: tuple[str, ...]) -> FineTunePlan:
        """The same with some corrected cases not trained on, in any stream."""
        rest = {name: version for name, version in self.corrected.items() if name not in held_out}
        return replace(self, corrected=rest)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FineTunePlan:
        """Inverse of `to_json`; KeyError, TypeError or ValueError where `data` are something else."""
        return cls(
            model=str(data["model"]),
            model_sha256=str(data["model_sha256"]),
            corrected={str(name): int(version) for name, version in data["corrected"].items()},
            replay=tuple(map(str, data["replay"])),
            pool=tuple(map(str, data["pool"])),
            validation=tuple(map(str, data["validation"])),
            settings=FineTuneSettings.from_json(data["settings"]),
            too_large=tuple(map(str, data.get("too_large", ()))),
        )
