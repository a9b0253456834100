"""The worker's conversation: requests are read, answered at once or queued, and every one gets its reply."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dualssl.version import __version__
from dualssl.worker.failures import failure, is_out_of_memory
from dualssl.worker.jobs import Method
from dualssl.worker.lanes import Lane
from dualssl.worker.networks import Networks
from dualssl.worker.outbox import Outbox
from dualssl.worker.protocol import (
    LONGEST_LINE,
    VERSION,
    Code,
    Id,
    LineBuffer,
    WorkerError,
    encode,
    error_message,
    is_id,
    result_message,
)
from dualssl.worker.requests import Params, Request, RequestError, read_request
from dualssl.worker.task import JobCancelledError, Task

_log = logging.getLogger(__name__)

GRACE_SECONDS = 0.8
"""So long may jobs that were told to end go on after the client has left."""

SAVING_SECONDS = 1.8
"""So long may corrections that are being saved."""


class Server:
    """One conversation. Jobs are done by whoever calls `compute.work` and `files.work`.

    Args:
        read: gives the bytes that have arrived, or none when the client has left.
        write: writes bytes; OSError says that nobody reads any more.
        gone: called when nobody reads any more; `read` may go on waiting for a client that will never write again.
        methods: what can be done.
        log: file of the log, which the client is told, or None.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        write: Callable[[bytes], None],
        gone: Callable[[], None],
        methods: Mapping[str, Method],
        log: Path | None = None,
    ) -> None:
        self._read = read
        self._methods = methods
        self._log_file = log
        self._networks = Networks()
        self._began: dict[Id, float] = {}
        self._shut = False
        self.outbox = Outbox(write, gone)
        self.compute = Lane(self._do, self.outbox.finish, self._dropped)
        self.files = Lane(self._do, self.outbox.finish, self._dropped)

    def serve(self) -> None:
        """Read and answer until the client leaves or shuts the worker down."""
        lines = LineBuffer()
        while not self._shut:
            data = self._read()
            if not data:
                return
            for line in lines.feed(data):
                self._answer(line)

    def stop(self) -> None:
        """Jobs that compute are told to end, corrections are saved to the end, neither for longer than said above."""
        began = time.monotonic()
        self.compute.stop(finish=False)
        self.files.stop(finish=True)
        waits = ((self.compute, GRACE_SECONDS), (self.files, SAVING_SECONDS), (self.outbox, GRACE_SECONDS))
        for whom, seconds in waits:
            whom.wait(max(0.0, began + seconds - time.monotonic()))

    def _answer(self, line: bytes | None) -> None:
        try:
            if line is None:
                raise RequestError(Code.parse, f"The line is longer than {LONGEST_LINE} bytes.")
            if not line.strip():
                return
            self._carry_out(read_request(line))
        except RequestError as error:
            self.outbox.send(encode(error_message(error.id, failure(error))))

    def _carry_out(self, request: Request) -> None:
        at_once: dict[str, Callable[[Request], Any]] = {
            "hello": self._hello,
            "status": self._status,
            "cancel": self._cancel,
            "shutdown": self._shutdown,
        }
        if request.method in at_once:
            result = at_once[request.method](request)
            if request.id is not None:
                self.outbox.send(encode(result_message(request.id, result)))
        elif request.method in self._methods:
            self._queue(request, self._methods[request.method])
        elif request.id is not None:
            raise RequestError(Code.unknown_method, f"The engine knows no method '{request.method}'.", request.id)

    def _queue(self, request: Request, method: Method) -> None:
        if request.id is None:
            # Nobody could hear of its end, or cancel it.
            raise RequestError(Code.invalid_request, f"'{request.method}' needs an id.")
        if self.compute.holds(request.id) or self.files.holds(request.id):
            raise RequestError(Code.invalid_request, f"A job with the id {request.id!r} is not over yet.", request.id)
        task = Task(request.id, request.method, request.params, self._networks, self.outbox.progress)
        (self.compute if method.lane == "compute" else self.files).add(task)

    def _do(self, task: Task) -> bytes:
        """Do a job, whatever comes of it, and return the reply."""
        self._began[task.id] = time.monotonic()
        _log.info("%s begins: %s", task.id, task.method)
        try:
            task.tell("Starting the engine")
            run = self._methods[task.method].load()
            task.check()
            reply = encode(result_message(task.id, run(task, Params(task.params))))
            _log.info("%s is done", task.id)
            return reply
        except BaseException as error:  # whatever a library raises, the worker goes on
            known, out_of_memory = _described(error)
        finally:
            self._began.pop(task.id, None)
        # Out of that block, for the error holds everything that the job held.
        if out_of_memory:
            self._networks.forget()
        _log.log(logging.ERROR if known.code == Code.internal else logging.INFO, "%s failed: %s", task.id, known.message)
        _log.info("%s", known.detail)
        return encode(error_message(task.id, known))

    def _dropped(self, task: Task) -> None:
        self.outbox.finish(task.id, encode(error_message(task.id, failure(JobCancelledError()))))

    def _hello(self, request: Request) -> dict[str, Any]:  # noqa: ARG002 - as its neighbours
        return {
            "protocol": VERSION,
            "dualssl": __version__,
            "python": platform.python_version(),
            "pid": os.getpid(),
            "platform": sys.platform,
            "log": None if self._log_file is None else str(self._log_file),
        }

    def _status(self, request: Request) -> dict[str, Any]:  # noqa: ARG002 - as its neighbours
        running: list[dict[str, Any]] = []
        queued: list[dict[str, Any]] = []
        for lane in (self.compute, self.files):
            at_work, waiting = lane.snapshot()
            if at_work is not None:
                seconds = time.monotonic() - self._began.get(at_work.id, time.monotonic())
                running.append({"id": at_work.id, "method": at_work.method, "seconds": round(seconds, 1)})
            queued += [{"id": task.id, "method": task.method} for task in waiting]
        return {"running": running, "queued": queued}

    def _cancel(self, request: Request) -> dict[str, Any]:
        wanted = request.params.get("id")
        if not is_id(wanted):
            raise RequestError(Code.invalid_params, "'id' must be that of the request to cancel.", request.id)
        return {"cancelled": self.compute.cancel(wanted) or self.files.cancel(wanted)}

    def _shutdown(self, request: Request) -> dict[str, Any]:  # noqa: ARG002 - as its neighbours
        self._shut = True
        return {}


def _described(error: BaseException) -> tuple[WorkerError, bool]:
    """What the client is told, and whether memory ran out."""
    try:
        return failure(error), is_out_of_memory(error)
    except BaseException:  # no memory left to find words, or an error that has none
        return WorkerError(Code.internal, "The engine failed and could not say why.", type(error).__name__), True
