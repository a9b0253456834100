"""Training from scratch on the cases that a fine-tuning had: what the loop has to be better than."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualssl.dataset import Dataset
from dualssl.errors import TrainingError
from dualssl.model.provenance import beginning
from dualssl.presets import preset_named
from dualssl.training.request import TrainingRequest
from dualssl.training.run import TrainingRun

if TYPE_CHECKING:
    from dualssl.cases.dataset import LibraryDataset
    from dualssl.devices import DeviceChoice
    from dualssl.learning_loop.plan import LoopPlan
    from dualssl.model.manifest import Manifest
    from dualssl.training.progress import OnProgress


@dataclass(frozen=True)
class CombinedDataset(Dataset):
    """The old cases of a dataset and the cases of a library, labels as the reader left them, as one dataset.

    Attributes:
        original: dataset of the old cases.
        library: of all others, as it was at one moment.
        old: names that are to be found in the dataset.
    """

    original: Dataset
    library: LibraryDataset
    old: tuple[str, ...]

    @classmethod
    def of(cls, original: Dataset, library: LibraryDataset, old: tuple[str, ...]) -> CombinedDataset:
        """Both together, under the dataset's name."""
        return cls(
            folder=library.folder,
            name=original.name,
            labels=library.labels,
            channel_names=library.channel_names,
            file_ending=library.file_ending,
            original=original,
            library=library,
            old=old,
        )

    def image_paths(self, case: str) -> tuple[Path, ...]:
        """Files of the channels of `case`."""
        return self._home(case).image_paths(case)

    def label_path(self, case: str) -> Path:
        """File of the label map of `case`."""
        return self._home(case).label_path(case)

    def edit_mask_path(self, case: str) -> Path | None:
        """File of the edit mask of `case`, if one was kept."""
        return self._home(case).edit_mask_path(case)

    def cases(self) -> tuple[str, ...]:
        """Names of all cases, in alphabetical order."""
        return tuple(sorted((*self.old, *self.library.cases())))

    def _home(self, case: str) -> Dataset:
        return self.original if case in self.old else self.library


def train_scratch(
    base: Manifest,
    plan: LoopPlan,
    dataset: CombinedDataset,
    corrected: tuple[str, ...],
    folder: Path,
    device: DeviceChoice,
    on_progress: OnProgress,
) -> Path:
    """Train a new pair on the old and the corrected cases with the recipe of the base model; goes on with what is there.

    Args:
        base: manifest of the base model, whose recipe, grid, patch, width and dropout are taken.
        plan: of the loop, with the number of steps and the seed.
        dataset: where the cases are.
        corrected: cases of the library whose labels are used; all others of it are used without labels.
        folder: of the run.
        device: where to train.
        on_progress: told how it goes.

    Returns:
        The model folder.

    Raises:
        DualSSLError: what is wrong, and what to do.
    """
    recipe = recipe_of(base)
    unlabelled = tuple(name for name in dataset.library.cases() if name not in corrected)
    without = tuple(map(str, recipe.get("without") or ()))
    weights = tuple(map(str, recipe.get("weights_of_terms") or ()))
    preset = preset_named(str(recipe["preset"])).weighing(weights).without(without)
    if not unlabelled and preset.uses_unlabelled:
        without = (*without, "unlabelled")
    batch = recipe.get("batch")
    fingerprint, config = TrainingRequest(
        labelled=(*plan.old, *corrected),
        unlabelled=unlabelled,
        preset=str(recipe["preset"]),
        without=without,
        weights=weights,
        iterations=plan.scratch_iterations,
        spacing=base.preprocessing.spacing,
        patch=base.patch,
        batch=None if batch is None else int(batch),
        width=base.networks.width,
        seed=plan.settings.seed,
        validate_every=0,
        name=base.name,
        dropout=base.networks.dropout,
    ).resolve(dataset)
    run = TrainingRun(dataset, fingerprint, config, folder, device, on_progress)
    return run.execute(resume=(folder / "run.json").is_file())


def recipe_of(base: Manifest) -> Mapping[str, Any]:
    """How the base model's line began: the provenance that names its preset.

    Raises:
        TrainingError: the model does not name one.
    """
    provenance = beginning(base.provenance)
    if not provenance.get("preset"):
        raise TrainingError(
            f"Model '{base.id}' does not say by which preset it was trained, so that none can be trained from scratch like it: "
            "leave --scratch-iterations out."
        )
    return provenance
