"""Faults that nobody is told of: exceptions of slots and observers are printed and forgotten, those of listeners logged."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

OURS = ("DualSSLSegmentation", "DualSSLSegmentationLib", "dualssl")


@contextmanager
def unnoticedFaults() -> Iterator[list[str]]:
    """Inside, errors that this extension logs, and exceptions that reach nobody, are collected in the list that it gives."""
    faults: list[str] = []
    handler = _Errors(faults)
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        faults.append("".join(traceback.format_exception(kind, error, trace)))
        before(kind, error, trace)

    logging.getLogger().addHandler(handler)
    sys.excepthook = hook
    try:
        yield faults
    finally:
        sys.excepthook = before
        logging.getLogger().removeHandler(handler)


class _Errors(logging.Handler):
    def __init__(self, faults: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in OURS:
            self._faults.append(logging.Formatter("%(name)s: %(message)s").format(record))
