"""A library as the dataset that training and evaluation read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dualssl.case_files import MARKS, UNSEEN
from dualssl.cases import layout
from dualssl.cases.names import nearest_names
from dualssl.cases.records import CaseRecord
from dualssl.cases.states import CaseState
from dualssl.dataset import Dataset
from dualssl.errors import LibraryError
from dualssl.geometry import Geometry
from dualssl.volumes.read import read_label_map


@dataclass(frozen=True)
class LibraryDataset(Dataset):
    """The cases of a library as they were at one moment.

    Label maps are those of each case's newest version at that moment: a training that runs for hours works on one set of
    labels, whatever is corrected meanwhile. Files never change, so they can be read as long as the case is not removed.

    Attributes:
        records: the cases by name.
        grids: of their images, by name.
    """

    records: Mapping[str, CaseRecord] = field(default_factory=dict, compare=False, repr=False)
    grids: Mapping[str, Geometry] = field(default_factory=dict, compare=False, repr=False)

    def image_paths(self, case: str) -> tuple[Path, ...]:
        """Where the channels of `case` lie, in order; the files need not exist."""
        folder = layout.case_folder(self.folder, case)
        return tuple(folder / layout.image_file(channel) for channel in range(len(self.channel_names)))

    def label_path(self, case: str) -> Path:
        """Where the newest label map of `case` lies; that of a case without labels would be the first version's."""
        record = self.records.get(case)
        number = record.labels.number if record is not None and record.labels is not None else 1
        return layout.case_folder(self.folder, case) / layout.labels_file(number)

    def edit_mask_path(self, case: str) -> Path | None:
        """Where the edit mask of the newest label version of `case` lies, or None where none was kept."""
        record = self.records.get(case)
        if record is None or record.labels is None:
            return None
        path = layout.case_folder(self.folder, case) / layout.edits_file(record.labels.number)
        return path if path.is_file() else None

    def partly_seen(self, cases: Iterable[str]) -> frozenset[str]:
        """Those of the cases whose corrected labels have voxels that nobody looked at.

        Raises:
            VolumeError: an edit mask cannot be read.
        """
        paths = {case: self.edit_mask_path(case) for case in cases}
        masks = {case: read_label_map(path, MARKS).array for case, path in paths.items() if path is not None}
        return frozenset(case for case, mask in masks.items() if (mask == UNSEEN).any())

    def at_versions(self, versions: Mapping[str, int]) -> LibraryDataset:
        """The same cases, with the label version that `versions` names instead of the newest.

        Raises:
            LibraryError: a case that it names is not there any more, or has no labels.
        """
        records = dict(self.records)
        for name, number in versions.items():
            record = records.get(name)
            if record is None:
                raise unknown_case(name, self.records, f"Case '{name}' is not in the library any more")
            if record.labels is None or number > record.labels.number:
                raise LibraryError(
                    f"Case '{name}' has no label version {number}: choose one that it has.", command_line="dualssl cases show"
                )
            records[name] = replace(record, labels=replace(record.labels, number=number))
        return replace(self, records=records)

    def cases(self) -> tuple[str, ...]:
        """Names of all cases that are not excluded, in alphabetical order."""
        return tuple(sorted(name for name, record in self.records.items() if record.state is not CaseState.excluded))

    def labelled_cases(self) -> tuple[str, ...]:
        """Names of those of `cases` that have labels."""
        return tuple(name for name in self.cases() if self.records[name].labels is not None)

    def check_cases(self, cases: tuple[str, ...], *, labelled: bool, where: str) -> None:
        """See that every case is in the library and has its files.

        Raises:
            LibraryError: there is no such case, it is excluded, or it has no labels where `labelled`.
            DatasetError: a file is missing.
        """
        for case in cases:
            record = self.records.get(case)
            if record is None:
                raise unknown_case(case, self.records, f"{where} names case '{case}', but the library has no such case")
            if record.state is CaseState.excluded:
                raise LibraryError(f"{where} names case '{case}', but it is excluded: put it back to use, or remove the name.")
            if labelled and record.labels is None:
                raise LibraryError(f"{where} names case '{case}', but it has no labels: correct it first, or remove the name.")
        super().check_cases(cases, labelled=labelled, where=where)


def unknown_case(name: str, known: Mapping[str, CaseRecord] | tuple[str, ...], sentence: str) -> LibraryError:
    """What a person should read who named a case that is not there; `sentence` says so without a full stop."""
    near = nearest_names(name, known)
    if near:
        return LibraryError(f"{sentence}: did you mean {' or '.join(repr(n) for n in near)}?")
    return LibraryError(f"{sentence}: choose one of those that there are.", command_line="dualssl cases list")
