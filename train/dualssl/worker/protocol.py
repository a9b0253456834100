"""What worker and client say to each other: JSON-RPC 2.0, one JSON object a line. Standard library only.

Lines are written in ASCII, which is UTF-8 too: other signs are escaped, so that even a file name of no valid encoding comes
through. What is read may be any UTF-8.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any, TypeGuard

VERSION = 1
"""Of the protocol; `hello` tells it."""

LONGEST_LINE = 64 << 20
"""Bytes; a longer line is dropped. Voxels travel in files, so that no message comes near it."""

Id = int | str


class Code(IntEnum):
    """Codes of errors: JSON-RPC's own and ours."""

    parse = -32700
    invalid_request = -32600
    unknown_method = -32601
    invalid_params = -32602
    internal = -32603
    engine_stopped = -32000
    mendable = -32001
    cancelled = -32002
    out_of_memory = -32003


CANCELLED = "Cancelled"
"""The kind of every error that says no more than that somebody cancelled."""


@dataclass(frozen=True)
class WorkerError:
    """Why a call failed.

    Attributes:
        code: see `Code`.
        message: a sentence for the person.
        kind: name of the error's class.
        detail: traceback or the like for a log, or empty.
    """

    code: int
    message: str
    kind: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """The `error` of a JSON-RPC reply."""
        return {"code": int(self.code), "message": self.message, "data": {"kind": self.kind, "detail": self.detail}}

    @classmethod
    def from_json(cls, data: Any) -> WorkerError:
        """Read the `error` of a reply; what is missing or garbled is left empty."""
        found = data if isinstance(data, dict) else {}
        more = found.get("data")
        more = more if isinstance(more, dict) else {}
        code = found.get("code")
        return cls(
            code if type(code) is int else int(Code.internal),
            str(found.get("message", "")),
            str(more.get("kind", "")),
            str(more.get("detail", "")),
        )


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        id: of the request.
        stage: what is being done, for the person.
        done, total: steps of this stage, or None.
        seconds_left: estimate, or None.
        loss, dice: of a training, or None.
        note: a sentence worth showing, or empty.
    """

    id: Id
    stage: str
    done: int | None = None
    total: int | None = None
    seconds_left: float | None = None
    loss: float | None = None
    dice: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The `params` of the notification."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Progress:
        """Read the `params` of the notification; fields that it does not know are left aside.

        Raises:
            ValueError: there is no id, or it is of the wrong kind.
        """
        if not isinstance(data, dict) or not is_id(data.get("id")):
            raise ValueError("progress without the id of a request")
        return cls(
            id=data["id"],
            stage=str(data.get("stage", "")),
            done=_whole(data.get("done")),
            total=_whole(data.get("total")),
            seconds_left=_number(data.get("seconds_left")),
            loss=_number(data.get("loss")),
            dice=_number(data.get("dice")),
            note=str(data.get("note", "")),
        )


class LineBuffer:
    """Cuts a stream of bytes, however it arrives, into lines. They are decoded later, so that no character is cut in two.

    Args:
        longest: most bytes of a line that is kept.
    """

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._kept = bytearray()
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """The lines that `data` completes, without their ends; None stands for a line that was too long."""
        *ends, rest = data.split(b"\n")
        lines: list[bytes | None] = []
        for part in ends:
            self._keep(part)
            lines.append(None if self._dropping else bytes(self._kept).removesuffix(b"\r"))
            self._kept.clear()
            self._dropping = False
        self._keep(rest)
        return lines

    def _keep(self, part: bytes) -> None:
        if self._dropping or len(self._kept) + len(part) > self._longest:
            self._dropping = True
            self._kept.clear()
        else:
            self._kept += part


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as a line, with its end. Numbers that are not finite become null, paths text.

    Raises:
        TypeError: it holds something that is no plain data.
        ValueError: it goes in a circle.
    """
    return json.dumps(plain(message), allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Any:
    """What a line says.

    Raises:
        ValueError: it is no UTF-8, no JSON, or nested too deeply.
    """
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def plain(data: Any) -> Any:
    """Data as JSON can hold it: numbers that are not finite become None, numpy's numbers Python's, paths text.

    Raises:
        ValueError: it goes in a circle, or is nested too deeply.
    """
    try:
        return _plain(data)
    except RecursionError as error:
        raise ValueError("nested too deeply, or in a circle") from error


def _plain(data: Any) -> Any:
    if data is None or isinstance(data, (str, bool)):
        return data
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(value) for value in data]
    if isinstance(data, Integral):
        return int(data)
    if isinstance(data, Real):
        return _number(float(data))
    return fspath(data) if isinstance(data, PathLike) else data


def request_message(id_: Id | None, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """A request, or a notification where `id_` is None."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    return message if id_ is None else {**message, "id": id_}


def result_message(id_: Id, result: Any) -> dict[str, Any]:
    """The reply to a request that succeeded."""
    return {"jsonrpc": "2.0", "id": id_, "result": result}


def error_message(id_: Id | None, error: WorkerError) -> dict[str, Any]:
    """The reply to a request that failed; `id_` is None where the request could not be read."""
    return {"jsonrpc": "2.0", "id": id_, "error": error.to_json()}


def is_id(value: Any) -> TypeGuard[Id]:
    """Whether `value` can be the id of a request."""
    return type(value) in (int, str)


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None


def _number(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
