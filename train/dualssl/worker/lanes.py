"""A queue of jobs that are done one at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from dualssl.worker.protocol import Id
from dualssl.worker.task import Task


class Lane:
    """One queue. `work` does its jobs in whichever thread calls it; the rest may be called from any.

    A job waits, is at work or is over, and one lock decides which: a cancel finds a job in the queue and takes it out, or at
    work and tells it, and never falls between the two.

    Args:
        do: does a job and returns what is to be said about it; raises nothing.
        say: is told that once the job is over, so that whoever hears it can use the job's id again.
        dropped: told a job that was cancelled before it began.
    """

    def __init__(self, do: Callable[[Task], bytes], say: Callable[[Id, bytes], None], dropped: Callable[[Task], None]) -> None:
        self._do = do
        self._say = say
        self._dropped = dropped
        self._changed = threading.Condition()
        self._queue: deque[Task] = deque()
        self._at_work: Task | None = None
        self._saying = False
        self._stopped = False

    def add(self, task: Task) -> None:
        """Put a job at the end of the queue; one that comes after `stop` is dropped."""
        with self._changed:
            stopped = self._stopped
            if not stopped:
                self._queue.append(task)
                self._changed.notify_all()
        if stopped:
            self._dropped(task)

    def holds(self, id_: Id) -> bool:
        """Whether a job with this id waits or is at work."""
        with self._changed:
            return any(task.id == id_ for task in self._all())

    def cancel(self, id_: Id) -> bool:
        """Take a job out of the queue, or tell it to end; it may still come to its own end first.

        Returns:
            False where there is no such job, or it is over.
        """
        with self._changed:
            waiting = next((task for task in self._queue if task.id == id_), None)
            if waiting is not None:
                self._queue.remove(waiting)
            elif self._at_work is not None and self._at_work.id == id_:
                self._at_work.cancel()
                return True
        if waiting is not None:
            waiting.cancel()
            self._dropped(waiting)
        return waiting is not None

    def snapshot(self) -> tuple[Task | None, tuple[Task, ...]]:
        """The job at work, and those that wait."""
        with self._changed:
            return self._at_work, tuple(self._queue)

    def work(self) -> None:
        """Do jobs until `stop`."""
        while (task := self._next()) is not None:
            reply = self._do(task)
            with self._changed:
                self._at_work, self._saying = None, True
            self._say(task.id, reply)
            with self._changed:
                self._saying = False
                self._changed.notify_all()

    def stop(self, finish: bool) -> None:
        """Take no more jobs.

        Args:
            finish: do those that wait; otherwise they are dropped, and the one at work is told to end.
        """
        with self._changed:
            self._stopped = True
            waiting = [] if finish else list(self._queue)
            if not finish:
                self._queue.clear()
                if self._at_work is not None:
                    self._at_work.cancel()
            self._changed.notify_all()
        for task in waiting:
            self._dropped(task)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is at work and nothing waits; False if that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._queue or self._at_work or self._saying), seconds)

    def _next(self) -> Task | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopped)
            self._at_work = self._queue.popleft() if self._queue else None
            return self._at_work

    def _all(self) -> list[Task]:
        return [*self._queue, *([self._at_work] if self._at_work is not None else [])]
