"""Places for results, tried out before the work that fills them."""

from __future__ import annotations

from pathlib import Path

from dualssl.errors import OutputError
from dualssl.files import output_error, temporary_beside


def refuse_file(folder: Path) -> None:
    """See that no file is where a folder of results will be.

    Raises:
        OutputError: `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"--output {folder} is a file, not a folder: choose another place for the results.")


def ready_folder(folder: Path) -> None:
    """Make `folder` and the folders above it, and see that files can be made in it.

    Raises:
        OutputError: it is a file, or it cannot be made or written to.
    """
    refuse_file(folder)
    trial = temporary_beside(folder / "trial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise output_error(folder, error) from error


def ready_file(path: Path) -> None:
    """See that `path` can be written: its folder is made, the file is not.

    Raises:
        OutputError: it is a folder, or its folder cannot be made or written to.
    """
    if path.is_dir():
        raise OutputError(f"--output {path} is a folder: name a file in it.")
    ready_folder(path.parent)
