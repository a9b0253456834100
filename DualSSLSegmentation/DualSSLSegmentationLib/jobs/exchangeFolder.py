"""Where files are handed to the worker and back: a folder of the program's own for as long as the workspace is open."""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path

from dualssl.files import output_error


class ExchangeFolder:
    """Made when it is first needed, in the system's folder for temporary files, where only its owner can read it."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._numbers = count(1)

    @property
    def path(self) -> Path | None:
        """The folder, or None while there is none."""
        return self._folder

    def forJob(self) -> Path:
        """A folder for one job's files; it does not exist yet.

        Raises:
            OutputError: no space, no permission.
        """
        if self._folder is None:
            try:
                self._folder = Path(tempfile.mkdtemp(prefix="dualssl-"))
            except OSError as error:
                raise output_error(Path(tempfile.gettempdir()), error) from error
        return self._folder / str(next(self._numbers))

    def remove(self) -> None:
        """Delete it with everything in it; it is made anew when it is needed again."""
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
