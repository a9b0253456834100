"""Writes a population of phantom cases as a dataset folder that every command takes."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dualssl.errors import DatasetError, OutputError
from dualssl.phantoms.case import case_name, generate_case
from dualssl.phantoms.settings import PhantomSettings
from dualssl.volumes.write import write_volume

FILE_ENDING = ".nrrd"
_MARK = "phantom_settings"  # the entry of dataset.json by which a folder is known as this generator's own
_PARTIAL = ".phantom-partial-"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PhantomDataset:
    """Where a written dataset lies.

    Attributes:
        folder: holds `images/`, `labels/` and `dataset.json`.
        train: list of all training cases.
        labelled: list of the training cases whose labels training may read.
        unlabelled: list of the other training cases; their labels exist, for judging only.
        validation: list of the cases that no training sees.
    """

    folder: Path
    train: Path
    labelled: Path
    unlabelled: Path
    validation: Path


def write_phantom_dataset(folder: Path, settings: PhantomSettings, labelled: int, validation: int) -> PhantomDataset:
    """Generate all cases of `settings` and write them with their lists.

    The last `validation` cases are held out; of the rest, the first `labelled` are the labelled ones. Files take their
    places only once all are written, `dataset.json` last.

    Args:
        folder: a new or empty folder, or one that an earlier call wrote, which is then replaced.
        settings: what to generate.
        labelled: number of labelled training cases, at least 1.
        validation: number of held-out cases, 0 or more.

    Raises:
        DatasetError: the folder holds something else, or the numbers leave no unlabelled case.
        OutputError: the folder cannot be written.
    """
    training = settings.cases - validation
    if labelled < 1 or validation < 0 or training <= labelled:
        raise DatasetError(
            f"{settings.cases} phantom cases cannot be split into {labelled} labelled, {validation} validation and at "
            "least 1 unlabelled: ask for more cases or for fewer of either."
        )
    _refuse_foreign(folder)
    names = [case_name(index) for index in range(settings.cases)]
    lists = {
        "train.txt": names[:training],
        f"labelled_{labelled}.txt": names[:labelled],
        "unlabelled.txt": names[labelled:training],
        "validation.txt": names[training:],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=folder))
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror}): choose another folder.") from error
    try:
        _write_cases(partial, settings)
        for name, cases in lists.items():
            _write_text(partial / name, "".join(f"{case}\n" for case in cases))
        _write_text(partial / "dataset.json", json.dumps(_description(settings, training), indent=2) + "\n")
        _remove_earlier(folder, partial)
        _move_in(partial, folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror}): free some space or choose another.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return PhantomDataset(folder, *(folder / name for name in lists))


def _write_cases(partial: Path, settings: PhantomSettings) -> None:
    for name in ("images", "labels"):
        (partial / name).mkdir()
    for index in range(settings.cases):
        case = generate_case(settings, index)
        write_volume(case.image, partial / "images" / f"{case.name}{FILE_ENDING}")
        write_volume(case.label_map, partial / "labels" / f"{case.name}{FILE_ENDING}")
        _log.debug("wrote %s", case.name)


def _description(settings: PhantomSettings, training: int) -> dict[str, Any]:
    """The contents of `dataset.json`: nnU-Net's entries, and the settings that made the cases."""
    return {
        "name": "Phantom",
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0} | {label.name: label.value for label in settings.labels},
        "numTraining": training,
        "file_ending": FILE_ENDING,
        _MARK: asdict(settings),
    }


def _refuse_foreign(folder: Path) -> None:
    """Raise unless `folder` is absent, empty, this generator's own, or what an interrupted call left."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DatasetError(f"{folder} is a file, not a folder: choose another place for the phantom dataset.")
    entries = list(folder.iterdir())
    if not entries or any(entry.name.startswith(_PARTIAL) for entry in entries) or _is_own(folder):
        return
    raise DatasetError(f"{folder} holds files that are no phantom dataset: choose an empty or new folder.")


def _is_own(folder: Path) -> bool:
    try:
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(description, dict) and _MARK in description


def _remove_earlier(folder: Path, partial: Path) -> None:
    """Remove what an earlier call wrote; anything that a person added stays."""
    for pattern in (f"images/phantom_*{FILE_ENDING}", f"labels/phantom_*{FILE_ENDING}", "labelled_*.txt"):
        for path in folder.glob(pattern):
            path.unlink()
    for left in folder.glob(f"{_PARTIAL}*"):
        if left != partial:
            shutil.rmtree(left, ignore_errors=True)


def _move_in(partial: Path, folder: Path) -> None:
    """Move everything from `partial` to its place, `dataset.json` last: with it the dataset counts as complete."""
    files = sorted(path.relative_to(partial) for path in partial.rglob("*") if path.is_file())
    for name in sorted(files, key=lambda path: path.name == "dataset.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (partial / name).replace(folder / name)


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
