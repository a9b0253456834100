"""What went wrong in a job, as the client is told it."""

from __future__ import annotations

import sys
import traceback

from dualssl.errors import DualSSLError, TrainingCancelledError
from dualssl.worker.protocol import CANCELLED, Code, WorkerError
from dualssl.worker.requests import RequestError
from dualssl.worker.task import JobCancelledError

_OUT_OF_MEMORY = (
    "The memory ran out: close other programs, choose a region of interest around the structure, or compute on the CPU."
)


def failure(error: BaseException) -> WorkerError:
    """The error that stands for an exception: a sentence for the person, and the traceback for the log."""
    kind = type(error).__name__
    detail = "".join(traceback.format_exception(error))
    if _is_cancelled(error):
        return WorkerError(Code.cancelled, str(error) or "The job was cancelled.", CANCELLED)
    if isinstance(error, RequestError):
        return WorkerError(error.code, str(error), kind, detail)
    if is_out_of_memory(error):
        message = str(error) if isinstance(error, DualSSLError) else _OUT_OF_MEMORY
        return WorkerError(Code.out_of_memory, message, kind, detail)
    if isinstance(error, DualSSLError):
        return WorkerError(Code.mendable, str(error), kind, detail)
    if isinstance(error, ImportError):
        return WorkerError(Code.mendable, f"A part of the engine is missing ({error}): run the set-up again.", kind, detail)
    return WorkerError(Code.internal, f"The engine failed ({kind}: {error}); the details are in the log.", kind, detail)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or one that it came from, says that there is no memory left, here or on the device."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if _says_so(cause):
            return True
        cause = cause.__cause__
    return False


def _says_so(error: BaseException) -> bool:
    # Importing torch to ask it would need the memory that is not there.
    if "torch" in sys.modules:
        from dualssl.devices import is_out_of_memory as of_device

        return of_device(error)
    return isinstance(error, MemoryError)


def _is_cancelled(error: BaseException) -> bool:
    if isinstance(error, (JobCancelledError, TrainingCancelledError)):
        return True
    prediction = sys.modules.get("dualssl.prediction.sliding")
    return prediction is not None and isinstance(error, prediction.Cancelled)
