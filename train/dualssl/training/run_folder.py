"""The folder of a training run: what lies where, and whether it may be used."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dualssl.errors import TrainingError
from dualssl.files import make_folder, write_json
from dualssl.plain_data import StoredSettings


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its files."""

    path: Path

    @property
    def settings(self) -> Path:
        """`run.json`: what the run was asked to do."""
        return self.path / "run.json"

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint."""
        return self.path / "checkpoint.safetensors"

    @property
    def model(self) -> Path:
        """The model folder that the finished run leaves."""
        return self.path / "model"

    def begin(self, config: StoredSettings, processes: int) -> None:
        """Write down what the run was asked to do. Not before its cases could be opened: a refused run leaves no trace."""
        write_json(self.settings, {**config.to_json(), "processes": processes})

    def open(self, config: StoredSettings, resume: bool, processes: int) -> None:
        """Make the folder, or see that it holds the run that `config` describes.

        Raises:
            TrainingError: the folder holds a run and `resume` is off, or it holds another run or none and it is on.
            OutputError: the folder cannot be made or written.
        """
        if not resume:
            if make_folder(self.path):
                raise TrainingError(
                    f"{self.path} is not empty: resume the run that it holds, or name a new folder.", command_line="--resume"
                )
            return
        if not self.settings.is_file():
            raise TrainingError(f"{self.path} holds no run to resume: start one instead.")
        try:
            stored = dict(json.loads(self.settings.read_text(encoding="utf-8")))
            changed = config.differences(stored)
            # Each process draws its own share of the patches: another number of them would be another run.
            changed += ["number of processes"] if stored.get("processes") != processes else []
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"{self.settings} is damaged: restore it, or start a new run in another folder.") from error
        self._remove_leftovers()
        if changed:
            raise TrainingError(
                f"The run in {self.path} was started with other settings ({', '.join(changed)}): repeat them as they were, "
                "or start a new run in another folder."
            )

    def _remove_leftovers(self) -> None:
        """A run that was killed while it wrote a checkpoint leaves the unfinished file, which nobody else would remove."""
        for unfinished in self.path.glob(f".*-{self.checkpoint.name}"):
            with suppress(OSError):
                unfinished.unlink()
