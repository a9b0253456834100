"""What the worker can do: for each method a function in a file of this folder, and the lane in which it is done.

A function takes the task and its parameters and returns plain data. Its file is imported when it is first asked for: a worker
that only lists models never imports torch, and one that was just started answers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from dualssl.worker.requests import Params
from dualssl.worker.task import Task

Lane = Literal["compute", "file"]
Function = Callable[[Task, Params], Any]


@dataclass(frozen=True)
class Method:
    """How a request is carried out.

    Attributes:
        lane: `compute` where the device or much time is needed; `file` goes on beside it, so that a correction can be saved
            while a fine-tuning runs.
        load: gives the function that does it; may import for seconds.
    """

    lane: Lane
    load: Callable[[], Function]


def _here(lane: Lane, file: str, name: str) -> Method:
    def load() -> Function:
        function: Function = getattr(import_module(f"dualssl.worker.jobs.{file}"), name)
        return function

    return Method(lane, load)


METHODS: dict[str, Method] = {
    "devices": _here("compute", "predict", "devices"),
    "prepare": _here("compute", "predict", "prepare"),
    "predict": _here("compute", "predict", "predict"),
    "finetune": _here("compute", "finetune", "finetune"),
    "evaluate": _here("compute", "evaluate", "evaluate"),
    "predict_library": _here("compute", "predict_library", "predict_library"),
    "self_check": _here("compute", "self_check", "self_check"),
    "models": _here("file", "models", "models"),
    "save_case": _here("file", "save_case", "save_case"),
    "library": _here("file", "library", "library"),
    "worklist": _here("file", "library", "worklist"),
    "registry": _here("file", "registry", "registry"),
    "add_model": _here("file", "registry", "add_model"),
    "activate": _here("file", "registry", "activate"),
    "rollback": _here("file", "registry", "rollback"),
    "discard": _here("file", "registry", "discard"),
}
