"""Modal dialogs: answered by the test, and watched, so that one nobody closes ends as a fault and not as a hanging test."""

from __future__ import annotations

from collections import deque
from typing import Any

from PySide6 import QtCore, QtWidgets

import guard

# After so long a dialog that nobody closes is rejected.
PATIENCE_MS = 10_000


class Answers:
    """What the person will do in the next dialogs.

    Attributes:
        asked: what the dialogs said: (name of the function or class, its arguments or texts).
    """

    def __init__(self) -> None:
        self._waiting: deque[Any] = deque()
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def give(self, *answers: Any) -> None:
        """The next dialogs are answered so, in this order.

        A message box takes the text of one of its buttons or a standard button, a static function of a dialog the value that it
        returns.
        """
        self._waiting.extend(answers)

    def take(self, function: str, arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """The answer to a dialog; a fault, and `otherwise`, where nobody answers."""
        self.asked.append((function, arguments))
        if self._waiting:
            return self._waiting.popleft()
        guard.log.add("dialog", f"Nobody answers {function}{arguments!r}.")
        return otherwise

    def forget(self) -> None:
        """Begin anew; an answer that nothing asked for is a fault."""
        if self._waiting:
            guard.log.add("dialog", f"No dialog asked for the answers {list(self._waiting)!r}.")
        self._waiting.clear()
        self.asked.clear()

    @property
    def isWaiting(self) -> bool:
        """Whether there is an answer for the next dialog."""
        return bool(self._waiting)


answers = Answers()


def execute(dialog: QtWidgets.QDialog) -> Any:
    """Run a dialog until somebody closes it: the answer of the test, or a click from a timer of the test."""
    if isinstance(dialog, QtWidgets.QMessageBox) and answers.isWaiting:
        answer = answers.take("QMessageBox", (dialog.text(), dialog.informativeText()), None)
        QtCore.QTimer.singleShot(0, dialog, lambda: _click(dialog, answer))
    timer = QtCore.QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(lambda: _giveUp(dialog))
    timer.start(PATIENCE_MS)
    try:
        return dialog.exec()
    finally:
        timer.stop()
        if getattr(dialog, "toBeDeleted", False):
            QtCore.QObject.deleteLater(dialog)


def _click(box: QtWidgets.QMessageBox, answer: Any) -> None:
    if isinstance(answer, str):
        found = [button for button in box.buttons() if button.text().replace("&", "") == answer]
        button = found[0] if found else None
    else:
        button = box.button(answer)
    if button is None:
        guard.log.add("dialog", f"'{box.text()}' has no button {answer!r}.")
        box.reject()
    else:
        button.click()


def _giveUp(dialog: QtWidgets.QDialog) -> None:
    guard.log.add("dialog", f"Nobody closes the dialog '{dialog.windowTitle()}' ({dialog.metaObject().className()}).")
    dialog.reject()


def popUp(menu: QtWidgets.QMenu) -> None:
    """A menu that waits for a choice would stand for ever."""
    guard.log.add("dialog", f"The menu '{menu.title()}' was opened with exec_(); popup() does not wait.")
