"""Work in short steps, between which the application stays alive."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Generator
from typing import Any

from DualSSLSegmentationLib.rendering import paused

_log = logging.getLogger(__name__)

Schedule = Callable[[Callable[[], None]], None]
"""Calls a function soon, from the application's event loop; never at once."""

Steps = Generator[str, None, Any]
"""Yields a short text before each step, and returns a result. Closed early, it undoes what it did so far."""


def runAll(steps: Steps) -> Any:
    """Take all steps at once, for scripts and tests; returns and raises what they do."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


class Stepwise:
    """Runs a generator one step an event: a timer in Qt, a task in asyncio.

    Args:
        steps: to run.
        schedule: of the application.
        onDone: told the generator's result.
        onError: told what it raised.
        onStep: told the text of each step.
    """

    def __init__(
        self,
        steps: Steps,
        schedule: Schedule,
        onDone: Callable[[Any], None],
        onError: Callable[[Exception], None],
        onStep: Callable[[str], None] | None = None,
    ) -> None:
        self._steps: Steps | None = steps
        self._schedule = schedule
        self._onDone = onDone
        self._onError = onError
        self._onStep = onStep or (lambda _: None)
        schedule(self._next)

    @property
    def running(self) -> bool:
        """Whether steps are left."""
        return self._steps is not None

    def cancel(self) -> None:
        """Take no further step; nobody is told. A second call does nothing."""
        steps, self._steps = self._steps, None
        # What a step does may lead to this very call, for instance by an observer of the scene: closed is then after the step.
        if steps is not None and inspect.getgeneratorstate(steps) != inspect.GEN_RUNNING:
            _close(steps)

    def _next(self) -> None:
        steps = self._steps
        if steps is None:
            return
        try:
            with paused():
                text = next(steps)
        except StopIteration as end:
            self._ended(self._onDone, end.value)
        except Exception as error:  # whatever it is, the person is told; the application goes on
            self._ended(self._onError, error)
        else:
            if self._steps is None:
                _close(steps)
                return
            # First, so that a listener that fails does not leave the work half done.
            self._schedule(self._next)
            self._onStep(text)

    def _ended(self, tell: Callable[[Any], None], what: Any) -> None:
        wanted, self._steps = self._steps is not None, None
        if wanted:
            tell(what)


def _close(steps: Steps) -> None:
    try:
        steps.close()
    except Exception:
        _log.exception("What was done so far could not be undone.")
