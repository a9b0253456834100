"""Who wants to know: plain lists of functions, for signals in Python subclasses are unreliable under PythonQt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)


class Callbacks:
    """Functions that are called with the same arguments, in the order they were added.

    One that fails is logged and keeps no other from being called.
    """

    def __init__(self) -> None:
        self._functions: dict[object, Callable[..., object]] = {}

    def add(self, function: Callable[..., object]) -> Callable[[], None]:
        """Call `function` from now on; added twice, it is called twice.

        Returns:
            A function that ends this; calling it twice does no harm.
        """
        key = object()
        self._functions[key] = function
        return lambda: self._remove(key)

    def clear(self) -> None:
        """Forget all functions."""
        self._functions = {}

    def __call__(self, *arguments: Any) -> None:
        """Call them all, but those that are removed while others are called."""
        for key, function in tuple(self._functions.items()):
            if key not in self._functions:
                continue
            try:
                function(*arguments)
            except Exception:
                _log.exception("A listener failed.")

    def _remove(self, key: object) -> None:
        self._functions.pop(key, None)
