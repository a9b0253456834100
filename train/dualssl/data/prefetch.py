"""Batches made ahead of time by a thread, so that the device does not wait for the disk and the crops.

A thread, not processes: inside Slicer `sys.executable` is a launcher and worker processes hang.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from dualssl.data.batches import Batch, BatchSource


def prefetched(source: BatchSource, start: int, stop: int, ahead: int = 2) -> Iterator[tuple[int, Batch]]:
    """Pairs (iteration, batch) for `start` <= iteration < `stop`; an error of the thread is raised here."""
    ready: queue.Queue[tuple[int, Batch] | BaseException] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(item: tuple[int, Batch] | BaseException) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for iteration in range(start, stop):
                if not put((iteration, source.batch(iteration))):
                    return
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        for _ in range(start, stop):
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
