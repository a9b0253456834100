"""The results of a loop, one record a line, and the small files that let it go on after any stop. No torch."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from dualssl.errors import TrainingError
from dualssl.files import atomic_write, write_json
from dualssl.plain_data import plain

Kind = Literal["frozen", "finetune", "scratch"]


@dataclass(frozen=True)
class Record:
    """One model and how good it is.

    Attributes:
        kind: `frozen` is the model that the loop began with, `finetune` goes on from it, `scratch` is trained from the start on
            the same labelled cases.
        order: in which cases were corrected; None for the frozen model.
        cases: how many were.
        names: of them, in the order of correction.
        voxels_corrected: that the reader changed in all of them.
        errors_before, errors_after: wrong voxels in all of them, as predicted and as corrected.
        dice, hd95: means over the validation cases, 0..1 and mm.
        dice_by_case: Dice of each validation case.
        old_dice: mean over the old cases.
        old_dice_base: the same of the frozen model.
        seconds_training: of this training alone.
        seconds_total: of the round: predictions, corrections, this training, scores; from scratch, of training and scores. 0
            for the frozen model.
        device: that trained, for people; empty for the frozen model.
    """

    kind: Kind
    order: str | None
    cases: int
    names: tuple[str, ...]
    voxels_corrected: int
    errors_before: int
    errors_after: int
    dice: float
    hd95: float
    dice_by_case: Mapping[str, float]
    old_dice: float
    old_dice_base: float
    seconds_training: float
    seconds_total: float
    device: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return dict(plain(asdict(self)))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Record:
        """Inverse of `to_json`; KeyError, TypeError or ValueError where `data` are something else."""
        if data["kind"] not in get_args(Kind):
            raise ValueError(f"no record is of the kind {data['kind']!r}")
        return cls(
            kind=data["kind"],
            order=None if data["order"] is None else str(data["order"]),
            cases=int(data["cases"]),
            names=tuple(map(str, data["names"])),
            voxels_corrected=int(data["voxels_corrected"]),
            errors_before=int(data["errors_before"]),
            errors_after=int(data["errors_after"]),
            dice=float(data["dice"]),
            hd95=float(data["hd95"]),
            dice_by_case={str(name): float(value) for name, value in data["dice_by_case"].items()},
            old_dice=float(data["old_dice"]),
            old_dice_base=float(data["old_dice_base"]),
            seconds_training=float(data["seconds_training"]),
            seconds_total=float(data["seconds_total"]),
            device=str(data["device"]),
        )


class Results:
    """The file of records. It is written anew with each record, so that a stop never leaves half a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def records(self) -> tuple[Record, ...]:
        """All records, the oldest first.

        Raises:
            TrainingError: the file is damaged.
        """
        if not self.path.is_file():
            return ()
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            return tuple(Record.from_json(json.loads(line)) for line in lines)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(self.path) from error

    def find(self, kind: Kind, order: str | None, cases: int) -> Record | None:
        """The record of one model, or None if it was not scored yet."""
        found = (record for record in self.records() if (record.kind, record.order, record.cases) == (kind, order, cases))
        return next(found, None)

    def add(self, record: Record) -> None:
        """Append a record.

        Raises:
            OutputError: the file cannot be written.
        """
        lines = [json.dumps(r.to_json(), ensure_ascii=False, allow_nan=False) for r in (*self.records(), record)]
        with atomic_write(self.path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


class Stopwatch:
    """Seconds of the steps of a round, kept in a file, so that a round that was stopped counts what was done before.

    Of a process that is killed, the step that it was in is lost.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seconds: dict[str, float] = {}
        if path.is_file():
            self._seconds = {str(step): float(value) for step, value in read_object(path).items()}

    @contextmanager
    def running(self, step: str) -> Iterator[None]:
        """Add the time of the block to a step, also if an exception ends it."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[step] = self.seconds(step) + time.perf_counter() - began
            write_json(self._path, self._seconds)

    def seconds(self, step: str) -> float:
        """Of one step so far; 0 for one that never ran."""
        return self._seconds.get(step, 0.0)

    def total(self, *left_out: str) -> float:
        """Of all steps but those named."""
        return sum(value for step, value in self._seconds.items() if step not in left_out)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object that the loop wrote.

    Raises:
        TrainingError: the file is not there, or damaged.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise damaged(path) from error


def damaged(path: Path) -> TrainingError:
    """What a person should read when a file of the loop cannot be used."""
    return TrainingError(f"{path} is damaged: restore it, or start a new learning loop in another folder.")
