"""A job as the functions that do it see it: what they may tell, and whether somebody wants it to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dualssl.worker.protocol import Id, Progress

if TYPE_CHECKING:
    from dualssl.worker.networks import Networks


class JobCancelledError(Exception):
    """Somebody cancelled the job. No DualSSLError: there is nothing to mend, and no batch goes on after it."""


class Task:
    """One job.

    Attributes:
        id: of the request.
        method: name.
        params: by name.
        networks: those in memory.
    """

    def __init__(
        self,
        id: Id,
        method: str,
        params: Mapping[str, Any],
        networks: Networks,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.id = id
        self.method = method
        self.params = params
        self.networks = networks
        self._on_progress = on_progress
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the job to end; a second time changes nothing."""
        self._cancelled.set()

    def cancelled(self) -> bool:
        """Whether somebody asked it to end."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Go no further if somebody asked it to end.

        Raises:
            JobCancelledError: somebody did.
        """
        if self.cancelled():
            raise JobCancelledError

    def tell(
        self,
        stage: str,
        done: int | None = None,
        total: int | None = None,
        *,
        seconds_left: float | None = None,
        loss: float | None = None,
        dice: float | None = None,
        note: str = "",
    ) -> None:
        """Tell the client how far the job is, as in `Progress`. As often as one likes: too many are merged.

        Raises:
            JobCancelledError: somebody asked it to end.
        """
        self.check()
        self._on_progress(Progress(self.id, stage, done, total, seconds_left, loss, dice, note))


class Stage:
    """One stage of a job, whose steps take about the same time each.

    Args:
        task: the job.
        name: of the stage, for the person.
    """

    def __init__(self, task: Task, name: str) -> None:
        self._task = task
        self._name = name
        self._began = time.monotonic()
        task.tell(name)

    def tell(self, done: int, total: int, note: str = "") -> None:
        """Tell how many steps are done, with an estimate of the time left.

        Raises:
            JobCancelledError: somebody asked the job to end.
        """
        left = (time.monotonic() - self._began) / done * (total - done) if done else None
        self._task.tell(self._name, done, total, seconds_left=left, note=note)
