"""The front end's end of the worker. Standard library only, no threads, no Qt: the event loop comes with the transport.

    client = WorkerClient(make_transport, on_log=print)
    call = client.request("predict", {...}, on_result=show, on_error=explain, on_progress=bar)
    call.cancel()

All calls and callbacks happen in one thread, that of the event loop, and no callback before `request` has returned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dualssl.worker.connection import Connection
from dualssl.worker.protocol import Progress, WorkerError

__all__ = ["Call", "Progress", "Transport", "WorkerClient", "WorkerError"]

PATIENCE_SECONDS = 1.5
"""So long a cancelled job may take to end by itself; then its process is ended."""

FINETUNE_PATIENCE_SECONDS = 20.0
"""The same for fine-tuning: it ends after a training step and then writes its checkpoint, which would be lost."""

CLOSING_SECONDS = 2.0


class Transport(Protocol):
    """How to start a worker and talk to it: QProcess in Slicer, asyncio on a server, subprocess in tests.

    One transport is one process. Its callbacks come from the event loop, never from inside one of these methods.
    """

    def start(self, on_bytes: Callable[[bytes], None], on_exit: Callable[[int | None], None]) -> None:
        """Start the process.

        Args:
            on_bytes: told what the process writes to stdout, as it comes.
            on_exit: told once, after the last bytes, that the process has ended, with its exit status (negative for a signal,
                as `subprocess` has it) or None where there is none, also if it could not be started at all.
        """

    def write(self, data: bytes) -> None:
        """Write to the process's stdin, without waiting for it to read."""

    def close_stdin(self) -> None:
        """Close the process's stdin: a worker ends when nobody can speak to it any more."""

    def end_tree(self, pid: int | None) -> None:
        """End the process and all below it; `dualssl.worker.tree.end_tree` does that.

        Args:
            pid: of the interpreter, as it told itself; None where it has not: then end what was started, if anything.
        """

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function from the event loop after some time."""


class Call:
    """A request that was made.

    Attributes:
        id: of the request.
        method: name.
        cancelled: whether `cancel` was called while it was going on.
    """

    def __init__(
        self,
        client: WorkerClient,
        id_: int,
        method: str,
        on_result: Callable[[Any], None],
        on_error: Callable[[WorkerError], None],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.id = id_
        self.method = method
        self.cancelled = False
        self._client = client
        self._on_result = on_result
        self._on_error = on_error
        self._on_progress = on_progress

    @property
    def done(self) -> bool:
        """Whether its result or error was told, or the client was closed."""
        return not self._client._waits_for(self)

    def cancel(self, patience: float | None = None) -> None:
        """Have the job end; afterwards `on_error` is told, with the kind `Cancelled`.

        A job that came to its own end in the same moment still has its result told: what it did is done. A second call, or one
        after the end, does nothing.

        Args:
            patience: seconds that the job may take to end by itself. After them the process is ended with everything in it, and
                other calls are told so. None takes the usual ones.
        """
        if self.done or self.cancelled:
            return
        self.cancelled = True
        usual = FINETUNE_PATIENCE_SECONDS if self.method == "finetune" else PATIENCE_SECONDS
        self._client._cancel(self, usual if patience is None else patience)

    def tell_result(self, result: Any) -> None:
        """For the connection."""
        if not self._client._closed:
            self._on_result(result)

    def tell_error(self, error: WorkerError) -> None:
        """For the connection."""
        if not self._client._closed:
            self._on_error(error)

    def tell_progress(self, progress: Progress) -> None:
        """For the connection."""
        if self._on_progress is not None and not self._client._closed:
            self._on_progress(progress)


class WorkerClient:
    """Makes requests of a worker, which it starts when there is none.

    Args:
        transport_factory: makes a transport for every process.
        on_log: told what is worth keeping in a log: lines that are no protocol, warnings of the worker, tracebacks.
        log_file: where the worker's own log is, for messages; it tells that itself once it has started.
    """

    def __init__(
        self,
        transport_factory: Callable[[], Transport],
        on_log: Callable[[str], None] | None = None,
        log_file: str = "",
    ) -> None:
        self._make_transport = transport_factory
        self._on_log = on_log
        self._log_file = log_file
        self._last_id = 0
        self._connection: Connection | None = None
        self._leaving: list[Connection] = []
        self._closed = False

    @property
    def running(self) -> bool:
        """Whether there is a worker, as far as is known."""
        return self._connection is not None and self._connection.alive and self._connection.started

    @property
    def pid(self) -> int | None:
        """Process id of the worker, once it has told."""
        return self._connection.pid if self._connection is not None and self.running else None

    def request(
        self,
        method: str,
        params: Mapping[str, Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[WorkerError], None],
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Call:
        """Ask for something.

        Exactly one of `on_result` and `on_error` is called, once, unless the client is closed before.

        Args:
            method: name.
            params: plain data; paths must be absolute.
            on_result: told the result.
            on_error: told why there is none.
            on_progress: told how far it is.

        Raises:
            RuntimeError: the client was closed.
            TypeError, ValueError: `params` cannot be written as JSON.
        """
        if self._closed:
            raise RuntimeError("the client was closed")
        call = Call(self, self._next_id(), method, on_result, on_error, on_progress)
        self._living_connection().send(call, params)
        return call

    def close(self) -> None:
        """Let the worker go, and end it if it will not; nothing is told any more. A second call does nothing."""
        self._closed = True
        if self._connection is not None:
            self._connection.close(CLOSING_SECONDS)

    def _living_connection(self) -> Connection:
        before = self._connection
        if before is not None and before.alive:
            return before
        # A process that is ending must not lose its last reference: Qt would wait for it.
        self._leaving = [one for one in (*self._leaving, before) if one is not None and not one.exited]
        self._connection = Connection(self._make_transport(), self._next_id(), self._log, self._log_file)
        return self._connection

    def _log(self, text: str) -> None:
        if self._on_log is not None and not self._closed:
            self._on_log(text)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _waits_for(self, call: Call) -> bool:
        return self._connection is not None and self._connection.waits_for(call)

    def _cancel(self, call: Call, patience: float) -> None:
        if self._connection is not None:
            self._connection.cancel(call, patience)
