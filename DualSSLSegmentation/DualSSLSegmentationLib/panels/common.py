"""What the panels share: sections, buttons that say why they are disabled, and connections that are sure to be made."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.jobs.jobState import JobState
    from DualSSLSegmentationLib.presentation.offer import Offer

_log = logging.getLogger(__name__)


def section(title: str, layout: Any) -> tuple[Any, Any]:
    """A part of the module's panel that can be folded away.

    Fold it only once it holds its widgets: what is added to a folded section is not sure to be seen when it opens.

    Returns:
        The button that folds it, and its form layout.
    """
    button = ctk.ctkCollapsibleButton()
    button.text = title
    layout.addWidget(button)
    return button, qt.QFormLayout(button)


def pushButton(text: str, toolTip: str, slot: Callable[[], None], name: str) -> Any:
    """A button that calls `slot`, with a name that tests find it by."""
    button = qt.QPushButton(text)
    button.toolTip = toolTip
    button.objectName = name
    connect(button, "clicked(bool)", slot)
    return button


def row(*widgets: Any) -> Any:
    """Widgets side by side, as a layout."""
    layout = qt.QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def note(name: str) -> Any:
    """A label for sentences, of as many lines as they need; it takes no room while it is empty."""
    label = qt.QLabel()
    label.wordWrap = True
    label.objectName = name
    # A long sentence takes more lines; it shall not make the panel wider, and the views smaller.
    policy = label.sizePolicy
    policy.setHorizontalPolicy(qt.QSizePolicy.Ignored)
    label.sizePolicy = policy
    label.visible = False
    return label


def say(label: Any, text: str) -> None:
    """Give a `note` its text."""
    if label.text == text:
        return
    label.text = text
    label.visible = bool(text)
    parent = label.parentWidget()
    if parent is not None and parent.layout() is not None:
        # A form does not ask a line that has just come how high it is at the present width, and cuts another one short for it.
        parent.layout().invalidate()
        parent.layout().activate()


def allow(widget: Any, toolTip: str, unless: str = "") -> None:
    """Enable a widget, or disable it and say why.

    Args:
        widget: button or other control.
        toolTip: what it does.
        unless: why it cannot be used now; empty where it can.
    """
    widget.enabled = not unless
    widget.toolTip = unless or toolTip


def offer(widget: Any, what: Offer) -> None:
    """Enable a widget, or disable it and say why, as what it does is offered."""
    allow(widget, what.does, what.unless)


def connect(sender: Any, signal: str, slot: Callable[..., None]) -> None:
    """Connect a signal.

    Raises:
        RuntimeError: there is no such signal, which PythonQt says only by its return value.
    """
    if not sender.connect(signal, slot):
        raise RuntimeError(f"{sender.className()} has no signal {signal}")


def readOnlyTable(name: str, titles: list[str], toolTip: str) -> Any:
    """A table to be read, a line at a time."""
    table = qt.QTableWidget()
    table.objectName = name
    table.toolTip = toolTip
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(titles)
    table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
    table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
    table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
    # Tab leads on to the next control, as everywhere else in the panel; the arrow keys go through the table.
    table.tabKeyNavigation = False
    table.verticalHeader().visible = False
    return table


def setCell(table: Any, line: int, column: int, text: str) -> Any:
    """Give a cell its text, and touch it only where that changes; returns its item."""
    item = table.item(line, column)
    if item is None:
        item = qt.QTableWidgetItem(text)
        table.setItem(line, column, item)
    elif item.text() != text:
        item.setText(text)
    # In a narrow panel it is cut.
    item.setToolTip(text)
    return item


class JobDisplay:
    """How far a job is, and below it what there is to say.

    Args:
        form: layout that it goes into.
        name: the bar is called so with `Bar` at its end, the label with `Status`.
    """

    def __init__(self, form: Any, name: str) -> None:
        self.bar = qt.QProgressBar()
        self.bar.objectName = f"{name}Bar"
        self.bar.visible = False
        form.addRow(self.bar)
        self.status = note(f"{name}Status")
        form.addRow(self.status)

    def show(self, state: JobState | None) -> None:
        """Show where a job stands; None: nothing goes on any more."""
        self.bar.visible = state is not None
        if state is None:
            self.say("")
            return
        left = state.timeText()
        self.say(f"{state.text} ({left})" if left else state.text)
        # A range of 0..0 shows that something goes on of which nobody knows how long it takes.
        self.bar.maximum = 0 if state.fraction is None else 100
        self.bar.value = 0 if state.fraction is None else round(100 * state.fraction)

    def say(self, text: str) -> None:
        """Say something to the person."""
        say(self.status, text)


def interactive() -> bool:
    """Whether there is a person to be asked: not without a main window, and not in the application's tests."""
    return slicer.util.mainWindow() is not None and not slicer.app.testingEnabled()


def warn(text: str, detail: str = "") -> None:
    """Show a sentence that needs a person's attention; where there is nobody to be asked it is only logged."""
    _log.warning("%s", text)
    if interactive():
        slicer.util.errorDisplay(text, windowTitle=_("DualSSL Segmentation"), detailedText=detail or None)


def agreed(text: str) -> bool:
    """Whether a person says yes to a question; nobody does where there is nobody to be asked."""
    return interactive() and bool(slicer.util.confirmYesNoDisplay(text, windowTitle=_("DualSSL Segmentation")))
