"""One worker process as its client sees it: bytes in and out, and the calls that wait for an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dualssl.worker.protocol import (
    CANCELLED,
    VERSION,
    Code,
    LineBuffer,
    Progress,
    WorkerError,
    decode,
    encode,
    request_message,
)

if TYPE_CHECKING:
    from dualssl.worker.client import Call, Transport

_LONGEST_LOG_LINE = 2000
# By a signal, as each kind of transport tells it; Qt knows no more than that.
_KILLED = (-9, 137, None)
_BROKEN_SECONDS = 1.0


class Connection:
    """From the start of a process to its end.

    Attributes:
        alive: whether requests can be made.
        started: whether there is a process yet.
        exited: whether it has ended.
        pid: once it has told.

    Args:
        transport: not started yet.
        hello: id of the first request.
        on_log: told what is no protocol.
        log_file: where the worker's log is, as far as is known.
    """

    def __init__(self, transport: Transport, hello: int, on_log: Callable[[str], None], log_file: str) -> None:
        self.alive = True
        self.started = False
        self.exited = False
        self.pid: int | None = None
        self._transport = transport
        self._hello = hello
        self._on_log = on_log
        self._log_file = log_file
        self._lines = LineBuffer()
        self._calls: dict[int, Call] = {}
        self._broken = False

    def send(self, call: Call, params: Mapping[str, Any]) -> None:
        """Make a request, which is answered or told why not. The first one starts the process.

        Raises:
            TypeError, ValueError: `params` cannot be written as JSON.
        """
        line = encode(request_message(call.id, call.method, params))
        self._calls[call.id] = call
        if not self.started:
            self.started = True
            self._try(lambda: self._transport.start(self._received, self._ended), 0.0)
            self._write(encode(request_message(self._hello, "hello", {})))
        self._write(line)

    def waits_for(self, call: Call) -> bool:
        """Whether a call has had neither result nor error."""
        return self._calls.get(call.id) is call

    def cancel(self, call: Call, patience: float) -> None:
        """Ask for a call's job to end, and after `patience` seconds end the process."""
        self._write(encode(request_message(None, "cancel", {"id": call.id})))

        def see() -> None:
            if self.waits_for(call):
                self._end(self._restarted)

        self._transport.call_later(max(0.0, patience), see)

    def close(self, seconds: float) -> None:
        """Tell nobody anything any more, and see that the process is gone after some seconds at most."""
        self._calls.clear()
        if not self.alive:
            return
        self.alive = False
        with suppress(OSError):
            self._transport.close_stdin()

        def see() -> None:
            if not self.exited:
                self._transport.end_tree(self.pid)

        self._transport.call_later(seconds, see)

    def _received(self, data: bytes) -> None:
        errors: list[Exception] = []
        for line in self._lines.feed(data):
            # One callback that fails must not cost another call its answer.
            try:
                self._line(line)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _line(self, line: bytes | None) -> None:
        if line is None:
            self._on_log("The engine wrote a line that is too long to be read.")
            return
        try:
            message = decode(line)
        except ValueError:
            message = None
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            if line.strip():
                self._on_log(line.decode("utf-8", "replace")[:_LONGEST_LOG_LINE])
        elif "method" in message:
            self._notified(str(message["method"]), message.get("params"))
        else:
            self._answered(message)

    def _notified(self, method: str, params: Any) -> None:
        if method == "progress":
            try:
                progress = Progress.from_json(params)
            except ValueError:
                return
            call = self._calls.get(progress.id) if isinstance(progress.id, int) else None
            if call is not None:
                call.tell_progress(progress)
        elif method == "log" and isinstance(params, dict):
            self._on_log(f"{params.get('level')}: {params.get('text')}")

    def _answered(self, message: dict[str, Any]) -> None:
        id_ = message.get("id")
        if id_ == self._hello:
            self._greeted(message.get("result"))
            return
        call = self._calls.pop(id_, None) if type(id_) is int else None
        if "error" in message:
            error = WorkerError.from_json(message["error"])
            if error.detail:
                self._on_log(error.detail)
            if call is not None:
                call.tell_error(error)
        elif call is not None:
            call.tell_result(message.get("result"))

    def _greeted(self, answer: Any) -> None:
        known = answer if isinstance(answer, dict) else {}
        if known.get("protocol") != VERSION:
            self._end(self._other_version)
            return
        self.pid = known["pid"] if type(known.get("pid")) is int else None
        self._log_file = str(known.get("log") or self._log_file)

    def _write(self, data: bytes) -> None:
        # The transport most likely knows in a moment how the process ended.
        self._try(lambda: self._transport.write(data), _BROKEN_SECONDS)

    def _try(self, action: Callable[[], None], seconds: float) -> None:
        """Do something with the transport; if that fails, the process counts as ended after some seconds."""
        if self.exited or self._broken:
            return
        try:
            action()
        except OSError as error:
            self._broken = True
            self._on_log(f"The engine cannot be reached: {error}")

            def see() -> None:
                if not self.exited:
                    self._transport.end_tree(self.pid)
                    self._ended(None)

            self._transport.call_later(seconds, see)

    def _ended(self, status: int | None) -> None:
        self.exited = True
        if self.alive:
            self.alive = False
            self._fail(lambda call: self._gone(call, status))

    def _end(self, why: Callable[[Call], WorkerError]) -> None:
        """End the process, and tell every call why."""
        if self.alive:
            self.alive = False
            self._transport.end_tree(self.pid)
            self._fail(why)

    def _fail(self, why: Callable[[Call], WorkerError]) -> None:
        calls, self._calls = list(self._calls.values()), {}
        errors: list[Exception] = []
        for call in calls:
            try:
                call.tell_error(why(call))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _gone(self, call: Call, status: int | None) -> WorkerError:
        if call.cancelled:
            return _cancelled()
        if self.pid is None:
            text = "The segmentation engine could not be started: run the set-up or its self-check."
        elif status in _KILLED:
            text = (
                "The segmentation engine was ended by the system, most often because memory ran out: close other programs or "
                "choose a region of interest, then try again."
            )
        else:
            text = "The segmentation engine stopped unexpectedly; your scene is as it was: try again."
        return WorkerError(Code.engine_stopped, f"{text}{self._see_log()}", "EngineStopped", f"exit status {status}")

    def _restarted(self, call: Call) -> WorkerError:
        if call.cancelled:
            return _cancelled()
        text = "The segmentation engine had to be restarted to cancel another job: start this step again."
        return WorkerError(Code.engine_stopped, text, "EngineRestarted")

    def _other_version(self, call: Call) -> WorkerError:  # noqa: ARG002 - as its neighbours
        text = f"The segmentation engine is of another version than this program: run the set-up to update it.{self._see_log()}"
        return WorkerError(Code.engine_stopped, text, "OtherVersion")

    def _see_log(self) -> str:
        return f" Details are in {self._log_file}." if self._log_file else " Details are in the application's log."


def _cancelled() -> WorkerError:
    return WorkerError(Code.cancelled, "The job was cancelled.", CANCELLED)
