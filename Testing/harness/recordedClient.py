"""An engine that answers what a test says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class RecordedClient:
    """Keeps what is asked of the engine; a test answers with `result` or `error` of what `last` gives.

    Attributes:
        asked: all that was asked, in order.
    """

    running = True

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def request(self, method: str, params: Any, on_result: Any, on_error: Any, on_progress: Any = None) -> Any:
        """What was asked, with `cancelled`: whether somebody cancelled it."""
        call = SimpleNamespace(method=method, params=params, result=on_result, error=on_error, progress=on_progress)
        call.cancelled = False
        call.cancel = lambda: setattr(call, "cancelled", True)
        self.asked.append(call)
        return call

    def last(self, method: str) -> Any:
        """The newest request of a method."""
        return [call for call in self.asked if call.method == method][-1]

    def close(self) -> None:
        """Nothing runs."""
