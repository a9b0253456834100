"""A dataset: a folder with `images/`, `labels/` and an nnU-Net style `dataset.json`, and lists of its cases.

A case has one image file per channel: `images/NAME.ext`, or `images/NAME_0000.ext`, `NAME_0001.ext` ... where
`dataset.json` names several channels; its label map is `labels/NAME.ext`. Needs no torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from dualssl.errors import DatasetError
from dualssl.labels import LabelTable

_FIRST_CHANNEL = "_0000"


@dataclass(frozen=True)
class Dataset:
    """A folder of cases.

    Attributes:
        folder: where `dataset.json` lies.
        name: from `dataset.json`, else the folder's name.
        labels: the structures, background left out.
        channel_names: modality of each image channel.
        file_ending: such as `.nrrd`, with the dot.
    """

    folder: Path
    name: str
    labels: LabelTable
    channel_names: tuple[str, ...]
    file_ending: str

    def image_paths(self, case: str) -> tuple[Path, ...]:
        """Where the channels of `case` lie, in order; the files need not exist."""
        images = self.folder / "images"
        plain = images / f"{case}{self.file_ending}"
        first = images / f"{case}{_FIRST_CHANNEL}{self.file_ending}"
        if len(self.channel_names) == 1 and (plain.exists() or not first.exists()):
            return (plain,)
        return tuple(images / f"{case}_{n:04d}{self.file_ending}" for n in range(len(self.channel_names)))

    def label_path(self, case: str) -> Path:
        """Where the label map of `case` lies; the file need not exist."""
        return self.folder / "labels" / f"{case}{self.file_ending}"

    def edit_mask_path(self, case: str) -> Path | None:  # noqa: ARG002 (as every CaseFiles has it)
        """None: a dataset folder does not keep what was changed by hand."""
        return None

    def cases(self) -> tuple[str, ...]:
        """Names of all cases that have an image, in alphabetical order."""
        names = self._names_in("images")
        if self._numbers_channels(names):
            names = {n.removesuffix(_FIRST_CHANNEL) for n in names if n.endswith(_FIRST_CHANNEL)}
        return tuple(sorted(names))

    def _names_in(self, subfolder: str) -> set[str]:
        # A leading dot marks what a file manager or an interrupted write left.
        files = (self.folder / subfolder).glob(f"*{self.file_ending}")
        return {p.name.removesuffix(self.file_ending) for p in files if not p.name.startswith(".")}

    def _numbers_channels(self, names: set[str]) -> bool:
        """Whether image files end in a channel's number; of one channel, a case itself may be called `a_0000`."""
        if len(self.channel_names) > 1:
            return True
        if not all(n.endswith(_FIRST_CHANNEL) for n in names):
            return False
        return not names & self._names_in("labels")

    def check_cases(self, cases: tuple[str, ...], *, labelled: bool, where: str) -> None:
        """See that every case has its files.

        Raises:
            DatasetError: an image, or a label map where `labelled`, is missing; `where` names the list in the message.
        """
        for case in cases:
            needed = (*self.image_paths(case), *((self.label_path(case),) if labelled else ()))
            for path in needed:
                if not path.is_file():
                    kind = "label map" if path.parent.name == "labels" else "image"
                    raise DatasetError(
                        f"{where} names case '{case}', but its {kind} {path} does not exist: add the file or remove the name."
                    )


def read_dataset(folder: Path) -> Dataset:
    """Read `dataset.json` of `folder`.

    Raises:
        DatasetError: the folder or file is missing, or says something unusable.
    """
    path = folder / "dataset.json"
    if not folder.is_dir():
        raise DatasetError(f"There is no dataset folder {folder}: give the folder that holds dataset.json.")
    if not path.is_file():
        raise DatasetError(f"{folder} has no dataset.json: a dataset needs images/, labels/ and dataset.json.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        labels, channels = data["labels"], data["channel_names"]
        if not isinstance(labels, dict) or not isinstance(channels, dict) or not channels:
            raise TypeError("labels and channel_names must be objects")
        names = tuple(str(channels[str(n)]) for n in range(len(channels)))
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path} is not a usable nnU-Net style dataset.json ({error!r}): it needs `labels` and `channel_names`."
        ) from error
    dataset = Dataset(
        folder=folder,
        name=str(data.get("name") or folder.resolve().name),
        labels=LabelTable.from_dataset_json(labels),
        channel_names=names,
        file_ending=str(data.get("file_ending", ".nrrd")),
    )
    if not dataset.file_ending.startswith("."):
        raise DatasetError(f"{path} has the file_ending '{dataset.file_ending}': begin it with a dot, as in '.nrrd'.")
    if not dataset.cases():
        pattern = f"*{_FIRST_CHANNEL if len(names) > 1 else ''}{dataset.file_ending}"
        raise DatasetError(f"{folder / 'images'} holds no '{pattern}' file: check file_ending in dataset.json.")
    return dataset


def read_case_list(text: str, option: str) -> tuple[str, ...]:
    """Case names from a text file (one a line, `#` starts a comment) or, where no such file is, from `a,b,c`.

    Args:
        text: what was given for the option.
        option: the option's name, for messages.

    Raises:
        DatasetError: nothing is listed, or a name is listed twice.
    """
    path = Path(text)
    looks_like_file = path.suffix in {".txt", ".csv", ".list"} or "/" in text
    if _is_file(path):
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            raise DatasetError(f"{option} {text} cannot be read as text: give a UTF-8 file with one case a line.") from error
        names = [line.split("#")[0].strip() for line in lines]
    elif looks_like_file:
        raise DatasetError(f"{option} {text}: there is no such file; give a text file with one case name a line.")
    else:
        names = [name.strip() for name in text.split(",")]
    names = [name for name in names if name]
    if not names:
        raise DatasetError(f"{option} {text} lists no case: put one case name on each line.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"{option} {text} lists case '{twice[0]}' more than once: remove the repetition.")
    return tuple(names)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A long list of names is no file name: the system refuses it as too long.
        return False
