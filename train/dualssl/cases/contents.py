"""What an open library holds: records from its index, volumes from its files, each with its checksum verified."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from dualssl.case_files import MARKS
from dualssl.cases import index, layout
from dualssl.cases.database import Database
from dualssl.cases.dataset import LibraryDataset, unknown_case
from dualssl.cases.records import CaseRecord, LabelVersion, PredictionFiles, PredictionRecord, StoredFile
from dualssl.cases.states import CaseState
from dualssl.cases.store import verified
from dualssl.errors import LibraryError
from dualssl.labels import LabelTable
from dualssl.volumes.read import read_label_map, read_volume

if TYPE_CHECKING:
    from dualssl.geometry import Geometry
    from dualssl.volumes.volume import Volume

MAPS = ("entropy", "kl")
"""The maps that a prediction may have beside its label map."""

Self = TypeVar("Self", bound="LibraryContents")


class LibraryContents:
    """The reading half of `CaseLibrary`.

    Attributes:
        folder: of the library.
        labels: the structures that label maps may hold.
        channel_names: modality of each image channel.
        database: the index.
        read_only: whether the library can only be read, for want of permission to write.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.read_only = database.read_only
        self.labels = LabelTable.from_json(index.library_value(database, "labels"))
        self.channel_names: tuple[str, ...] = tuple(index.library_value(database, "channel_names"))

    def close(self) -> None:
        """End the connection to the index; a second call does nothing."""
        self.database.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def cases(self, state: CaseState | None = None) -> tuple[CaseRecord, ...]:
        """All cases, or those in one state, in order of name, each with its newest prediction and labels: one query."""
        return index.all_cases(self.database, state)

    def case(self, name: str) -> CaseRecord:
        """One case.

        Raises:
            LibraryError: there is none of that name; names that look like it are suggested.
        """
        record = index.find_case(self.database, name)
        if record is None:
            known = index.case_names(self.database)
            raise unknown_case(name, known, f"The library {self.folder} has no case '{name}'")
        return record

    def geometry(self, name: str) -> Geometry:
        """The grid of a case's image, from the index.

        Raises:
            LibraryError: there is no such case.
        """
        self.case(name)
        return index.case_geometry(self.database, name)

    def predictions(self, name: str) -> tuple[PredictionRecord, ...]:
        """All predictions of a case, the oldest first.

        Raises:
            LibraryError: there is no such case.
        """
        self.case(name)
        return index.predictions_of(self.database, name)

    def label_versions(self, name: str) -> tuple[LabelVersion, ...]:
        """All label versions of a case, the oldest first.

        Raises:
            LibraryError: there is no such case.
        """
        self.case(name)
        return index.label_versions_of(self.database, name)

    def files(self, name: str) -> tuple[StoredFile, ...]:
        """Every volume of a case with its checksum, in order of path.

        Raises:
            LibraryError: there is no such case.
        """
        self.case(name)
        return tuple(index.files_of(self.database, name).values())

    def file_path(self, name: str, file: str) -> Path:
        """Where a file of a case lies, after its checksum was verified.

        Args:
            name: of the case.
            file: its path below the case's folder, as in `StoredFile`.

        Raises:
            LibraryError: there is no such case or file, or the file is missing or damaged.
        """
        known = index.files_of(self.database, self.case(name).name)
        if file not in known:
            raise LibraryError(f"Case '{name}' has no file {file}: its files are {', '.join(known)}.")
        return verified(layout.case_folder(self.folder, name), known[file])

    def read_images(self, name: str) -> list[Volume]:
        """The channels of a case.

        Raises:
            LibraryError: there is no such case, or a file is missing or damaged.
            VolumeError: a file cannot be read.
        """
        return [read_volume(self.file_path(name, layout.image_file(n))) for n in range(len(self.channel_names))]

    def read_labels(self, name: str, version: int | None = None) -> Volume:
        """A label map, uint8, on the image's grid.

        Args:
            name: of the case.
            version: which one; None takes the newest.

        Raises:
            LibraryError: there is no such case or version, or the file is missing or damaged.
            VolumeError: the file cannot be read.
        """
        number = self._version_number(name, version)
        return self._label_map(name, layout.labels_file(number))

    def read_edit_mask(self, name: str, version: int | None = None) -> Volume | None:
        """The marks of `dualssl.case_files` on the image's grid, uint8; None where none were stored with that version.

        Raises:
            LibraryError, VolumeError: as `read_labels`.
        """
        path = layout.edits_file(self._version_number(name, version))
        if path not in index.files_of(self.database, name):
            return None
        return read_label_map(self.file_path(name, path), MARKS)

    def read_prediction(self, name: str, number: int | None = None) -> PredictionFiles:
        """A prediction with its volumes.

        Args:
            name: of the case.
            number: which one; None takes the newest.

        Raises:
            LibraryError: there is no such case or prediction, or a file is missing or damaged.
            VolumeError: a file cannot be read.
        """
        record = self._prediction(name, number)
        known = index.files_of(self.database, name)
        maps = {kind: layout.prediction_file(record.number, kind) for kind in MAPS}
        volumes = {kind: read_volume(self.file_path(name, path)) for kind, path in maps.items() if path in known}
        return PredictionFiles(
            labels=self._label_map(name, layout.prediction_file(record.number, "labels")),
            entropy=volumes.get("entropy"),
            kl=volumes.get("kl"),
            model_id=record.provenance.model_id,
            model_sha256=record.provenance.model_sha256,
            scores=record.scores,
            features=record.features,
        )

    def as_dataset(self) -> LibraryDataset:
        """The cases as training and evaluation read them, as they are now: what comes later does not change it."""
        return LibraryDataset(
            folder=self.folder,
            name=self.folder.resolve().name,
            labels=self.labels,
            channel_names=self.channel_names,
            file_ending=".nrrd",
            records={case.name: case for case in self.cases()},
            grids=index.geometries(self.database),
        )

    def require_writable(self) -> None:
        """See that something can be written, before work goes into it.

        Raises:
            LibraryError: it cannot.
        """
        if self.read_only:
            raise LibraryError(
                f"The library {self.folder} can only be read, for its disk is read-only or there is no permission to write: "
                "change its permissions, or work on a copy."
            )

    def _version_number(self, name: str, number: int | None) -> int:
        known = [version.number for version in self.label_versions(name)]
        if not known:
            raise LibraryError(f"Case '{name}' has no labels yet: correct it first.")
        if number is not None and number not in known:
            raise LibraryError(f"Case '{name}' has no label version {number}: choose one of {_listed(known)}.")
        return known[-1] if number is None else number

    def _prediction(self, name: str, number: int | None) -> PredictionRecord:
        known = {record.number: record for record in self.predictions(name)}
        if not known:
            raise LibraryError(f"Case '{name}' has no prediction yet: predict it first.")
        if number is not None and number not in known:
            raise LibraryError(f"Case '{name}' has no prediction {number}: choose one of {_listed(list(known))}.")
        return known[max(known) if number is None else number]

    def _label_map(self, name: str, file: str) -> Volume:
        grid = index.case_geometry(self.database, name)
        return read_label_map(self.file_path(name, file), range(self.labels.channels), grid)


def _listed(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers)
