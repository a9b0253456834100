"""What a format of exchange is: where files lie in its folder, what its description says, and how both are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dualssl.errors import DatasetError, LibraryError
from dualssl.labels import LabelTable

DESCRIPTION = "dataset.json"


@dataclass(frozen=True)
class FoundCase:
    """A case in a folder of that format.

    Attributes:
        name: of the case.
        images: one file for each channel.
        labels: its label map, or None.
    """

    name: str
    images: tuple[Path, ...]
    labels: Path | None


@dataclass(frozen=True)
class FoundCases:
    """What a folder of that format holds.

    Attributes:
        labels: the structures; None where the folder does not say.
        cases: in order of name.
    """

    labels: LabelTable | None
    cases: tuple[FoundCase, ...]


@dataclass(frozen=True)
class WrittenCase:
    """A case that goes into a folder: its name, how many channels it has, and whether labels go with it."""

    name: str
    channels: int
    labelled: bool


@dataclass(frozen=True)
class Content:
    """What goes into a folder.

    Attributes:
        name: of the library.
        labels, channel_names: the library's.
        labelled, unlabelled: names of the cases.
    """

    name: str
    labels: LabelTable
    channel_names: tuple[str, ...]
    labelled: tuple[str, ...]
    unlabelled: tuple[str, ...]


class Format(Protocol):
    """A format of exchange. Paths are below the folder, with `/`; files are NRRD."""

    def image_path(self, case: WrittenCase, channel: int) -> str:
        """Where a channel of a case goes."""

    def label_path(self, name: str) -> str:
        """Where the label map of a case goes."""

    def texts(self, content: Content) -> dict[str, Any]:
        """Path to content of every other file: a text, or plain data for JSON."""

    def read(self, folder: Path) -> FoundCases:
        """What a folder holds; volumes are not opened.

        Raises:
            LibraryError, DatasetError: it is not of this format.
        """


def label_values(labels: LabelTable) -> dict[str, int]:
    """Name to value, background first, as nnU-Net writes it."""
    return {"background": 0, **{label.name: label.value for label in labels}}


def read_description(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        LibraryError: it is missing or holds something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise LibraryError(f"{path} does not exist: name the folder that holds the {path.name} of this format.") from error
    except (OSError, ValueError) as error:
        raise LibraryError(f"{path} cannot be read as JSON ({error}): correct it or export it again.") from error
    if not isinstance(data, dict):
        raise LibraryError(f"{path} holds no JSON object: correct it or export it again.")
    return data


def label_table(labels: Any, path: Path) -> LabelTable:
    """Structures from either spelling: {"liver": 1} or, as the Medical Segmentation Decathlon has it, {"1": "liver"}.

    Raises:
        DatasetError: `labels` are neither; `path` is named.
    """
    if not isinstance(labels, Mapping):
        raise DatasetError(f"{path} has no object 'labels': it needs one such as {{'background': 0, 'liver': 1}}.")
    if labels and all(str(key).isdigit() and isinstance(value, str) for key, value in labels.items()):
        return LabelTable.from_dataset_json({str(value): int(key) for key, value in labels.items()})
    return LabelTable.from_dataset_json(labels)


def channel_names(data: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Channels of a description in order; `modality` is what nnU-Net's first version and the decathlon call them.

    Raises:
        DatasetError: it names none.
    """
    channels: Any = data.get("channel_names", data.get("modality"))
    try:
        names = tuple(str(channels[str(number)]) for number in range(len(channels)))
    except (TypeError, KeyError) as error:
        raise DatasetError(f"{path} has no usable 'channel_names': it needs an object such as {{'0': 'MRI'}}.") from error
    if not names:
        raise DatasetError(f"{path} names no channel in 'channel_names': name at least one.")
    return names


def names_with_ending(folder: Path, ending: str) -> tuple[str, ...]:
    """Names, without it, of the files in a folder that have an ending, in order; hidden ones are left out."""
    if not folder.is_dir():
        return ()
    names = (path.name for path in folder.iterdir())
    return tuple(sorted(name.removesuffix(ending) for name in names if name.endswith(ending) and not name.startswith(".")))
