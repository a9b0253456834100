"""Which jobs go on, one of each kind at most, and who is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.callbacks import Callbacks
from DualSSLSegmentationLib.jobs.jobState import Ended, JobState
from DualSSLSegmentationLib.scene.caseNodes import CaseError

if TYPE_CHECKING:
    from DualSSLSegmentationLib.jobs.engineJob import EngineJob

JobKind = Literal["segment", "save", "library", "finetune", "check", "models"]

_WORDS: dict[str, str] = {
    "segment": "A segmentation",
    "save": "The saving of a case",
    "library": "The prediction of a library",
    "finetune": "A fine-tuning",
    "check": "A self-check",
    "models": "A change of the models",
}


class JobBoard:
    """Starts jobs and forgets them at their end.

    Attributes:
        onJob: told (kind, `JobState`), and (kind, None) when nothing of the kind goes on any more.
        onMessage: told (`info` or `error`, text, detail) that a person should read.
    """

    def __init__(self) -> None:
        self.onJob = Callbacks()
        self.onMessage = Callbacks()
        self._jobs: dict[str, EngineJob] = {}

    def busy(self, kind: JobKind) -> bool:
        """Whether a job of a kind goes on."""
        return kind in self._jobs

    def refuseSecond(self, kind: JobKind) -> None:
        """See that no job of a kind goes on.

        Raises:
            CaseError: one does.
        """
        if kind in self._jobs:
            raise CaseError(f"{_WORDS[kind]} is under way already: wait until it has ended, or cancel it.")

    def start(
        self,
        kind: JobKind,
        make: Callable[[Callable[[JobState], None], Callable[[Ended], None]], EngineJob],
        onValue: Callable[[Any], None],
    ) -> None:
        """Start a job.

        Args:
            kind: of which none goes on.
            make: makes the job, given who is told of its state and its end.
            onValue: told what the job gave; what it raises for a person is said to the person.
        """
        self.refuseSecond(kind)

        def state(now: JobState) -> None:
            self.onJob(kind, now)

        def end(how: Ended) -> None:
            self._jobs.pop(kind, None)
            self.onJob(kind, None)
            self._say(how, onValue)

        self._jobs[kind] = make(state, end)

    def cancel(self, kind: JobKind) -> None:
        """Stop the job of a kind; nothing happens if there is none."""
        job = self._jobs.get(kind)
        if job is not None:
            job.cancel()

    def abandon(self, *kinds: str) -> None:
        """Stop the jobs of some kinds, or of all kinds, without a word on how they ended."""
        for kind in kinds or tuple(self._jobs):
            job = self._jobs.pop(kind, None)
            if job is not None:
                job.abandon()
                self.onJob(kind, None)

    def _say(self, how: Ended, onValue: Callable[[Any], None]) -> None:
        if how.cancelled:
            self.onMessage("info", "Cancelled.", "")
        elif not how.ok:
            self.onMessage("error", how.message, how.detail)
        else:
            try:
                onValue(how.value)
            except DualSSLError as error:
                self.onMessage("error", str(error), "")
