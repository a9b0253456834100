"""What the panels share: the workspace, what was chosen, and the page that shows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trame_server.utils.typed_state import TypedState

from dualssl.errors import DualSSLError
from dualssl_web.choices import Choices
from DualSSLSegmentationLib.callbacks import Callbacks
from DualSSLSegmentationLib.presentation.offer import Offer

if TYPE_CHECKING:
    from dualssl_web.web_workspace import WebWorkspace

_log = logging.getLogger(__name__)


class Panel(Protocol):
    """A part of the page."""

    def build(self) -> None:
        """Make its widgets where it is called."""

    def show(self) -> None:
        """Push into the state what there is to see now."""

    def close(self) -> None:
        """Listen no more."""


class Bench:
    """Shared by all panels.

    Args:
        server: of trame.
        web: the workspace and what it stands on.

    Attributes:
        server, web: as given.
        choices: what a person has chosen.
        onShow: told when what is to be seen may be another; several changes in one turn of the event loop are told once.
    """

    def __init__(self, server: Any, web: WebWorkspace) -> None:
        self.server = server
        self.web = web
        self.choices: TypedState[Choices] = TypedState(server.state, Choices)
        self.onShow = Callbacks()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._asked = False
        self.put("said", {"case": "", "segment": "", "review": "", "save": "", "library": "", "finetune": "", "models": ""})
        self.put("notice", None)

    @property
    def workspace(self) -> Any:
        """What the panels drive."""
        return self.web.workspace

    @property
    def chosen(self) -> Choices:
        """What a person has chosen, as of now; to be set, too."""
        return self.choices.data

    def put(self, name: str, value: Any) -> None:
        """Set a variable of the page to plain data, or to something that `plain` makes it of."""
        self.server.state[name] = plain(value)

    def changed(self, *_told: object) -> None:
        """Something may be other than it is shown."""
        if not self._asked:
            self._asked = True
            self.web.soon(self._show)

    def say(self, place: str, text: str) -> None:
        """Say something in a panel; an empty text takes it back."""
        self.put("said", {**self.server.state.said, place: text})
        self.changed()

    def alert(self, place: str, text: str, detail: str = "") -> None:
        """Say something that needs a person's attention, in a panel and wherever they look."""
        _log.warning("%s%s", text, f"\n{detail}" if detail else "")
        self.put("notice", {"text": text, "detail": detail})
        self.say(place, text)

    def guarded(self, place: str, function: Callable[..., Any]) -> Callable[..., None]:
        """A function that says what goes wrong, in a way that a person can mend, in a panel."""

        def call(*arguments: Any) -> None:
            try:
                function(*arguments)
            except DualSSLError as error:
                self.alert(place, str(error))
            self.changed()

        return call

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Go on with something beside everything else."""
        task = self.web.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def close(self) -> None:
        """Nothing goes on any more."""
        self.onShow.clear()
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("Something that went on beside the page failed.", exc_info=task.exception())

    def _show(self) -> None:
        self._asked = False
        self.onShow()
        self.server.state.flush()


def plain(value: Any) -> Any:
    """Data that the page can hold: offers as what they enable and say, enumerations as their values, paths as text."""
    if isinstance(value, Offer):
        return {"enabled": value.enabled, "hint": value.hint}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
