"""The record of a run: `metrics.jsonl`, one JSON object a line, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from dualssl.files import atomic_write, output_error

_log = logging.getLogger(__name__)


class MetricsLog:
    """Appends records; when a run is resumed, records after the checkpoint are dropped first, so that none stands twice.

    Args:
        folder: the run; gets `metrics.jsonl` and `tensorboard/`.
        resumed_at: iteration of the checkpoint the run goes on from; 0 for a new run.
    """

    def __init__(self, folder: Path, resumed_at: int) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [record for record in self.records() if 0 < record["iteration"] <= resumed_at]
        with atomic_write(self.path) as temporary:
            temporary.write_text("".join(_line(record) for record in kept), encoding="utf-8")
        self._file = self.path.open("a", encoding="utf-8")
        self._board = _tensorboard(folder / "tensorboard", resumed_at)

    def add(self, iteration: int, kind: str, values: dict[str, Any]) -> None:
        """Record `values` of `kind` ("train" or "validation") after `iteration` steps.

        Raises:
            OutputError: the record cannot be written, for instance because the disk is full.
        """
        try:
            self._file.write(_line({"iteration": iteration, "kind": kind, **values}))
            self._file.flush()
        except OSError as error:
            raise output_error(self.path, error) from error
        if self._board is not None:
            for key, value in values.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(f"{kind}/{key}", value, iteration)

    def records(self) -> list[dict[str, Any]]:
        """All records so far; what a crash cut short is left out."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return [record for record in found if isinstance(record, dict) and {"iteration", "kind"} <= record.keys()]

    def validations(self) -> list[dict[str, Any]]:
        """Those of `records` that are of validations, the first one first."""
        return [record for record in self.records() if record["kind"] == "validation"]

    def close(self) -> None:
        """Flush and close the files."""
        # Closing tries once more to write what a full disk refused; `add` has told of that already.
        with suppress(OSError):
            self._file.close()
        if self._board is not None:
            self._board.close()


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record) + "\n"


def _tensorboard(folder: Path, resumed_at: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        _log.info("TensorBoard is not installed: metrics go to metrics.jsonl only (pip install 'dualssl[report]')")
        return None
    return SummaryWriter(str(folder), purge_step=resumed_at + 1 if resumed_at else None)
