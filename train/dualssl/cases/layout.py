"""What is called what in a library's folder. Paths inside a case's folder are texts with `/`, as the index keeps them."""

from __future__ import annotations

import re
from pathlib import Path

INDEX = "library.sqlite"
DESCRIPTION = "library.json"
CASES = "cases"
INCOMING = "incoming"
"""Where volumes are written before they get their names; what a killed process left stays here."""
PREDICTING = "predicting"
"""Empty files that processes hold locks on while they predict a case; they stay and mean nothing else."""
TRASH = "trash"
RECOVERED = "recovered"
"""Where `check` puts what may be somebody's work but belongs to no case."""

CASE_NOTE = "case.json"
STATE_NOTE = "state.json"
LABELS = "labels"
PREDICTIONS = "predictions"
PREDICTION_NOTE = "prediction.json"

_LABEL_FILE = re.compile(r"(\d{4,})(?:\.nrrd|\.edits\.nrrd|\.json)")
_SCRAP = re.compile(r"\.[0-9a-f]{8}-.+")
_PREDICTION_FOLDER = re.compile(r"\d{4,}")


def case_folder(library: Path, name: str) -> Path:
    """The folder of a case."""
    return library / CASES / name


def prediction_lock(library: Path, name: str) -> Path:
    """The file to hold a lock on while a case is predicted."""
    return library / PREDICTING / f"{name}.lock"


def image_file(channel: int) -> str:
    """The image of a channel, which counts from 0."""
    return f"image_{channel:04d}.nrrd"


def labels_file(number: int) -> str:
    """The label map of a version."""
    return f"{LABELS}/{number:04d}.nrrd"


def edits_file(number: int) -> str:
    """The edit mask of a version."""
    return f"{LABELS}/{number:04d}.edits.nrrd"


def labels_note(number: int) -> str:
    """What there is to know about a version. Written last: where it is, the version is whole."""
    return f"{LABELS}/{number:04d}.json"


def prediction_folder(number: int) -> str:
    """The folder of a prediction."""
    return f"{PREDICTIONS}/{number:04d}"


def prediction_file(number: int, kind: str) -> str:
    """A volume of a prediction: `labels`, `entropy` or `kl`."""
    return f"{prediction_folder(number)}/{kind}.nrrd"


def prediction_note(number: int) -> str:
    """What there is to know about a prediction."""
    return f"{prediction_folder(number)}/{PREDICTION_NOTE}"


def label_numbers(folder: Path) -> set[int]:
    """Numbers of all label versions of which the case's folder holds any file."""
    return {int(match[1]) for name in _names(folder / LABELS) if (match := _LABEL_FILE.fullmatch(name))}


def prediction_numbers(folder: Path) -> set[int]:
    """Numbers of all predictions of which the case's folder holds a folder."""
    return {int(name) for name in _names(folder / PREDICTIONS) if _PREDICTION_FOLDER.fullmatch(name)}


def scraps(folder: Path) -> list[Path]:
    """What writes that were killed left in a folder: files under the names that `dualssl.files` writes to."""
    return sorted(folder / name for name in _names(folder) if _SCRAP.fullmatch(name) and (folder / name).is_file())


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []
