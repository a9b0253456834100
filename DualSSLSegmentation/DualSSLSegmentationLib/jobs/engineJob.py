"""A job that the worker does for the scene: prepared in short steps, asked for, and finished in short steps."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.jobs.jobState import Ended, JobState
from DualSSLSegmentationLib.steps import Schedule, Steps, Stepwise

if TYPE_CHECKING:
    from dualssl.worker.client import Call, Progress, WorkerClient, WorkerError

_log = logging.getLogger(__name__)


class EngineJob:
    """Runs once, from its making on.

    Args:
        client: of the worker.
        schedule: calls a function soon, from the event loop.
        method: that the worker is asked for.
        prepare: steps that return the parameters.
        finish: makes steps from the worker's answer; what they return is the value of the job. None: the answer itself is.
        onState: told where it stands.
        onEnd: told once how it ended, unless it was abandoned.
        onProgress: told each of the worker's notifications as it came.
        cleanUp: called once when neither the application nor the worker does anything for the job any more, also where it was
            abandoned; not where the client is closed before.
    """

    def __init__(
        self,
        client: WorkerClient,
        schedule: Schedule,
        method: str,
        prepare: Steps,
        finish: Callable[[dict[str, Any]], Steps] | None,
        onState: Callable[[JobState], None],
        onEnd: Callable[[Ended], None],
        onProgress: Callable[[Progress], None] | None = None,
        cleanUp: Callable[[], None] | None = None,
    ) -> None:
        self._client = client
        self._schedule = schedule
        self._method = method
        self._finish = finish
        self._onState: Callable[[JobState], None] | None = onState
        self._onEnd: Callable[[Ended], None] | None = onEnd
        self._onProgress = onProgress
        self._cleanUp = cleanUp
        self._cancelling = False
        self._call: Call | None = None
        self._steps: Stepwise | None = Stepwise(prepare, schedule, self._ask, self._failed, self._tell)

    @property
    def running(self) -> bool:
        """Whether it has neither ended nor been abandoned."""
        return self._onEnd is not None

    def cancel(self) -> None:
        """Stop; it ends at once, or as soon as the worker has let go. A second call does nothing more.

        Where nothing is to be finished here, and the worker was done in the same moment, it ends as done.
        """
        if not self.running or self._cancelling:
            return
        if self._call is None:
            self._end(Ended(False, cancelled=True))
            return
        self._tell("Cancelling")
        self._cancelling = True
        self._call.cancel()

    def abandon(self) -> None:
        """Stop without a word to anybody, for instance because the scene is closed."""
        self._onEnd = self._onState = self._onProgress = None
        self._stopSteps()
        if self._call is None:
            self._clean()
        else:
            self._call.cancel()

    def _ask(self, params: dict[str, Any]) -> None:
        self._steps = None
        self._tell("Waiting for the engine" if self._client.running else "Starting the engine")
        try:
            self._call = self._client.request(self._method, params, self._answered, self._refused, self._progress)
        except Exception as error:  # most likely there is no interpreter to run the engine
            self._failed(error)

    def _progress(self, progress: Progress) -> None:
        if self._onProgress is not None:
            self._onProgress(progress)
        if self._onState is not None and not self._cancelling:
            self._onState(JobState.ofProgress(progress))

    def _answered(self, answer: dict[str, Any]) -> None:
        self._call = None
        if not self.running:
            self._clean()
        elif self._finish is None:
            self._end(Ended(True, value=answer))
        elif self._cancelling:
            self._end(Ended(False, cancelled=True))
        else:
            self._steps = Stepwise(self._finish(answer), self._schedule, self._finished, self._failed, self._tell)

    def _finished(self, value: Any) -> None:
        self._steps = None
        self._end(Ended(True, value=value))

    def _refused(self, error: WorkerError) -> None:
        self._call = None
        cancelled = error.kind == "Cancelled"
        self._end(Ended(False, "" if cancelled else error.message, cancelled, error.detail))

    def _failed(self, error: Exception) -> None:
        self._steps = None
        detail = "".join(traceback.format_exception(error))
        if isinstance(error, DualSSLError):
            self._end(Ended(False, str(error), detail=detail))
            return
        _log.error("Job '%s' failed in the application.", self._method, exc_info=error)
        self._end(Ended(False, f"Something went wrong that should not ({type(error).__name__}: {error}).", detail=detail))

    def _tell(self, text: str) -> None:
        if self._onState is not None:
            self._onState(JobState(text))

    def _end(self, ended: Ended) -> None:
        onEnd, self._onEnd = self._onEnd, None
        self._onState = self._onProgress = None
        self._stopSteps()
        self._clean()
        if onEnd is not None:
            onEnd(ended)

    def _stopSteps(self) -> None:
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.cancel()

    def _clean(self) -> None:
        cleanUp, self._cleanUp = self._cleanUp, None
        if cleanUp is not None:
            cleanUp()
