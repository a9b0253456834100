"""What the worker says, written in a thread of its own: a client that is slow to read holds up neither jobs nor answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from dualssl.worker.protocol import Id, Progress, encode, request_message

PROGRESS_SECONDS = 0.1
"""A job's progress is told this often at most. What comes in between is merged: the newest counts, every note is kept."""

_MOST_LOG_LINES = 1000


class Outbox:
    """Lines that wait to be written.

    Args:
        write: writes all of its bytes, however long that takes; OSError says that nobody reads any more.
        gone: called once when nobody reads any more; everything said after that is dropped.
    """

    def __init__(self, write: Callable[[bytes], None], gone: Callable[[], None]) -> None:
        self._write = write
        self._gone = gone
        self._changed = threading.Condition()
        self._lines: list[bytes] = []
        self._log_lines = 0
        self._progress: dict[Id, Progress] = {}
        self._told: dict[Id, float] = {}
        self._writing = False
        self._broken = False
        threading.Thread(target=self._work, name="outbox", daemon=True).start()

    def send(self, line: bytes) -> None:
        """Write a line as soon as can be."""
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def finish(self, id_: Id, line: bytes) -> None:
        """Write the last line about a job, after the newest of its progress."""
        with self._changed:
            self._told.pop(id_, None)
            last = self._progress.pop(id_, None)
            if last is not None:
                self._lines.append(_line(last))
            self._lines.append(line)
            self._changed.notify_all()

    def progress(self, progress: Progress) -> None:
        """Tell how far a job is, now or with what comes later."""
        with self._changed:
            waiting = self._progress.get(progress.id)
            if waiting is not None and waiting.note:
                progress = replace(progress, note="\n".join(filter(None, (waiting.note, progress.note))))
            self._progress[progress.id] = progress
            self._changed.notify_all()

    def log(self, level: str, text: str) -> None:
        """Tell something for the client's log; dropped where very many wait already."""
        with self._changed:
            if self._log_lines < _MOST_LOG_LINES:
                self._log_lines += 1
                self._lines.append(encode(request_message(None, "log", {"level": level, "text": text})))
                self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until everything but progress is written, or nobody reads any more; False if that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._broken or not (self._lines or self._writing), seconds)

    def _work(self) -> None:
        while True:
            batch = self._next()
            try:
                self._write(batch)
            except OSError:
                with self._changed:
                    self._broken = True
                    self._changed.notify_all()
                self._gone()
                return
            with self._changed:
                self._writing = False
                self._changed.notify_all()

    def _next(self) -> bytes:
        """Wait for something to write, and take it."""
        with self._changed:
            while not (self._lines or self._due()):
                self._changed.wait(self._pause())
            lines, self._lines, self._log_lines = self._lines, [], 0
            now = time.monotonic()
            for id_ in self._due():
                self._told[id_] = now
                lines.append(_line(self._progress.pop(id_)))
            self._writing = True
        return b"".join(lines)

    def _due(self) -> list[Id]:
        now = time.monotonic()
        return [id_ for id_ in self._progress if now - self._told.get(id_, -PROGRESS_SECONDS) >= PROGRESS_SECONDS]

    def _pause(self) -> float | None:
        now = time.monotonic()
        return min((self._told[id_] + PROGRESS_SECONDS - now for id_ in self._progress if id_ in self._told), default=None)


def _line(progress: Progress) -> bytes:
    return encode(request_message(None, "progress", progress.to_json()))
