"""Requests as the worker reads them: which method, which parameters, each of the kind it must be. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualssl.worker.protocol import Code, Id, decode, is_id


class RequestError(Exception):
    """A request that cannot be carried out as it stands: a fault of the program that sent it.

    Args:
        code: which kind of fault.
        message: what is wrong.
        id: of the request, or None where that is not known.
    """

    def __init__(self, code: Code, message: str, id: Id | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = id


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        id: None where no reply is wanted.
        method: name.
        params: by name.
    """

    id: Id | None
    method: str
    params: Mapping[str, Any]


def read_request(line: bytes) -> Request:
    """What a line asks for.

    Raises:
        RequestError: it is no request.
    """
    try:
        data = decode(line)
    except ValueError as error:
        raise RequestError(Code.parse, f"The line is no JSON in UTF-8 ({error}).") from error
    if not isinstance(data, dict):
        raise RequestError(Code.invalid_request, "A request is one JSON object.")
    id_ = data.get("id")
    known = id_ if is_id(id_) else None
    if "id" in data and known is None:
        raise RequestError(Code.invalid_request, "The id of a request is a text or a whole number.")
    method, params = data.get("method"), data.get("params", {})
    if data.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RequestError(Code.invalid_request, 'A request has "jsonrpc": "2.0" and the name of a method.', known)
    if not isinstance(params, dict):
        raise RequestError(Code.invalid_params, "Parameters are given by name, in an object.", known)
    return Request(known, method, params)


class Params:
    """The parameters of a request, each asked for once by name and kind. `end` refuses those that nobody asked for.

    Every method raises RequestError where the parameter is missing or of the wrong kind.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._asked: set[str] = set()

    def end(self) -> None:
        """See that there are no others: a misspelt name must not be taken for its default."""
        unknown = sorted(set(self._data) - self._asked)
        if unknown:
            raise _wrong(f"there is no parameter '{unknown[0]}'; there are {', '.join(sorted(self._asked))}")

    def has(self, name: str) -> bool:
        """Whether it is given, and not null."""
        self._asked.add(name)
        return self._data.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text; required where there is no default."""
        return str(self._one(name, str, "a text", default))

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        return bool(self._one(name, bool, "true or false", default))

    def number(self, name: str, default: float) -> float:
        """A finite number."""
        return finite_number(self._one(name, (int, float), "a number", default), name)

    def whole(self, name: str, default: int) -> int:
        """A whole number."""
        value = self._one(name, int, "a whole number", default)
        if isinstance(value, bool):
            raise _wrong(f"'{name}' must be a whole number")
        return int(value)

    def choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of some texts."""
        value = self.text(name, default)
        if value not in allowed:
            raise _wrong(f"'{name}' must be one of {', '.join(allowed)}, not '{value}'")
        return value

    def path(self, name: str) -> Path:
        """The absolute path of a file or folder: the worker's working folder is none of the client's business."""
        return absolute_path(self.text(name), name)

    def optional_path(self, name: str) -> Path | None:
        """The same, or None."""
        return self.path(name) if self.has(name) else None

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts, or None."""
        if not self.has(name):
            return None
        value = self._one(name, list, "a list", None)
        if not all(isinstance(item, str) for item in value):
            raise _wrong(f"'{name}' must be a list of texts")
        return tuple(value)

    def numbers(self, name: str, count: int) -> tuple[float, ...] | None:
        """A list of so many finite numbers, or None."""
        if not self.has(name):
            return None
        value = self._one(name, list, "a list", None)
        if len(value) != count:
            raise _wrong(f"'{name}' must be a list of {count} numbers")
        return tuple(finite_number(item, name) for item in value)

    def objects(self, name: str) -> list[dict[str, Any]]:
        """A list of objects; empty where it is not given."""
        value = self._one(name, list, "a list", [])
        if not all(isinstance(item, dict) for item in value):
            raise _wrong(f"'{name}' must be a list of objects")
        return list(value)

    def object(self, name: str) -> dict[str, Any] | None:
        """An object, or None."""
        return dict(self._one(name, dict, "an object", None)) if self.has(name) else None

    def required_object(self, name: str) -> dict[str, Any]:
        """An object."""
        return dict(self._one(name, dict, "an object", None))

    def _one(self, name: str, kind: type | tuple[type, ...], words: str, default: Any) -> Any:
        value = self._data.get(name) if self.has(name) else default
        if value is None:
            raise _wrong(f"'{name}' is missing")
        if not isinstance(value, kind):
            raise _wrong(f"'{name}' must be {words}")
        return value


def finite_number(value: Any, name: str) -> float:
    """A number that a float holds.

    Raises:
        RequestError: it is none.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _wrong(f"'{name}' must be a finite number")
    return number


def absolute_path(text: str, name: str) -> Path:
    """A path that does not depend on where the worker runs.

    Raises:
        RequestError: it is relative, or no path.
    """
    if "\0" in text or not Path(text).is_absolute():
        raise _wrong(f"'{name}' must be an absolute path, not '{text}'")
    return Path(text)


def _wrong(what: str) -> RequestError:
    return RequestError(Code.invalid_params, f"The engine was asked in a wrong way: {what}.")
