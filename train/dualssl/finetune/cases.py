"""The cases of a fine-tuning: those of a library, and the parent's old labelled cases for replay."""

from __future__ import annotations

from pathlib import Path

from dualssl.cases.dataset import LibraryDataset
from dualssl.dataset import Dataset
from dualssl.errors import TrainingError
from dualssl.labels import LabelTable
from dualssl.model.fit import check_fit
from dualssl.model.manifest import Manifest

_REPLAY = "replay: "


def replayed(case: str) -> str:
    """The name by which a case of the replay dataset goes, so that it cannot be mistaken for one of the library."""
    return f"{_REPLAY}{case}"


class FineTuneCases:
    """Finds the files of both; a `dualssl.case_files.CaseFiles`.

    Args:
        library: as it was when fine-tuning began.
        replay: dataset of the parent's labelled cases, or None.
    """

    def __init__(self, library: LibraryDataset, replay: Dataset | None = None) -> None:
        self._library = library
        self._replay = replay

    @property
    def name(self) -> str:
        """The library's name."""
        return self._library.name

    @property
    def labels(self) -> LabelTable:
        """The library's structures."""
        return self._library.labels

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The library's channels."""
        return self._library.channel_names

    def image_paths(self, case: str) -> tuple[Path, ...]:
        """Files of the channels of `case`."""
        dataset, name = self._place(case)
        return dataset.image_paths(name)

    def label_path(self, case: str) -> Path:
        """File of the label map of `case`."""
        dataset, name = self._place(case)
        return dataset.label_path(name)

    def edit_mask_path(self, case: str) -> Path | None:
        """File of the edit mask of `case`, if one was kept."""
        dataset, name = self._place(case)
        return dataset.edit_mask_path(name)

    def check(self, manifest: Manifest) -> None:
        """See that the cases are what the model is for.

        Raises:
            TrainingError: structures or number of channels differ.
        """
        for dataset, what in ((self._library, "library"), (self._replay, "replay dataset")):
            if dataset is not None:
                remedy = f"use the {what} that belongs to model '{manifest.id}'"
                check_fit(manifest, dataset, TrainingError, remedy, what=f"The {what}")

    def _place(self, case: str) -> tuple[Dataset, str]:
        if case.startswith(_REPLAY) and self._replay is not None:
            return self._replay, case.removeprefix(_REPLAY)
        return self._library, case
