"""The highest resident memory of this process within a block, above what it was at the start."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import TracebackType

import psutil

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
_INTERVAL_SECONDS = 0.005


class PeakMemory:
    """Context manager. The kernel's own record of the peak where Linux keeps one, else samples taken by a thread.

    `ru_maxrss` is of no use here: a new process inherits it from the one that started it.

    Attributes:
        bytes: the peak above the start, after the block.
        method: `kernel` or `sampled`.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.method = "sampled"
        self._process = psutil.Process()
        self._start = 0
        self._sampled = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="peak memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        if _reset_kernel_peak():
            self.method = "kernel"
        self._start = self._sampled = self._resident()
        if self.method == "sampled":
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self.method == "kernel":
            peak = _kernel_peak()
        else:
            self._stop.set()
            self._thread.join()
            peak = max(self._sampled, self._resident())
        self.bytes = max(0, peak - self._start)

    def _sample(self) -> None:
        while not self._stop.wait(_INTERVAL_SECONDS):
            self._sampled = max(self._sampled, self._resident())

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)


def _reset_kernel_peak() -> bool:
    """Make the kernel's peak what is resident now (proc(5), clear_refs); False where that is not possible."""
    try:
        _CLEAR.write_text(_RESET_PEAK, encoding="utf-8")
        return _kernel_peak() > 0
    except OSError:
        return False


def _kernel_peak() -> int:
    found = re.search(r"^VmHWM:\s*(\d+) kB", _STATUS.read_text(encoding="utf-8"), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0
