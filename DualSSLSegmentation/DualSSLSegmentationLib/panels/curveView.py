"""Loss and validation Dice of a training, drawn as they come."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from DualSSLSegmentationLib.jobs.fineTuning import Curves

WIDTH, HEIGHT = 360, 160
LEFT, RIGHT, TOP, BOTTOM = 40, WIDTH - 40, 24, HEIGHT - 22
LOSS, DICE, AXES = "#0072b2", "#d55e00", "#505050"  # told apart by every common form of colour blindness


class CurveView:
    """A picture in a label: the newest training's loss (line) and Dice (dots), each with its own scale.

    Args:
        name: of the widget.
    """

    def __init__(self, name: str) -> None:
        self.widget = qt.QLabel()
        self.widget.objectName = name
        self.widget.toolTip = _("Loss of the training (line, left scale) and Dice on validation cases (dots, right scale)")
        self.widget.visible = False

    def clear(self) -> None:
        """Show nothing, and take no room."""
        self.widget.visible = False

    def show(self, curves: Curves) -> None:
        """Draw what has been told, if anything has."""
        if not curves.loss:
            return
        stage = curves.stage if curves.stage in curves.loss else list(curves.loss)[-1]
        picture = qt.QPixmap(WIDTH, HEIGHT)
        picture.fill(qt.QColor("white"))
        painter = qt.QPainter(picture)
        try:
            _draw(painter, curves.loss[stage], curves.dice.get(stage, []))
        finally:
            # A painter that is not ended keeps the picture, and the next one crashes.
            painter.end()
        self.widget.setPixmap(picture)
        self.widget.visible = True


def _draw(painter: Any, loss: Sequence[tuple[int, float]], dice: Sequence[tuple[int, float]]) -> None:
    painter.setRenderHint(qt.QPainter.Antialiasing, True)
    last = max(iteration for iteration, _value in (*loss, *dice))
    _text(painter, AXES, RIGHT - 44, HEIGHT - 6, _("step {number}").format(number=last))
    painter.drawRect(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP)
    if loss:
        top = max(value for _i, value in loss) or 1.0
        _text(painter, LOSS, LEFT, TOP - 8, _("Loss"))
        _text(painter, LOSS, 4, TOP + 10, f"{top:.2g}")
        _text(painter, LOSS, 4, BOTTOM, "0")
        points = [_place(iteration / last, value / top) for iteration, value in loss]
        for (x0, y0), (x1, y1) in pairwise(points):
            painter.drawLine(x0, y0, x1, y1)
        # Of one value there is no line yet.
        x, y = points[-1]
        painter.drawEllipse(x - 1, y - 1, 2, 2)
    if dice:
        floor = max(0.0, min(0.99, min(value for _i, value in dice)) - 0.01)
        _text(painter, DICE, RIGHT - 40, TOP - 8, _("Dice (%)"))
        _text(painter, DICE, RIGHT + 4, TOP + 10, "100")
        _text(painter, DICE, RIGHT + 4, BOTTOM, f"{100 * floor:.0f}")
        for iteration, value in dice:
            x, y = _place(iteration / last, (value - floor) / (1.0 - floor))
            painter.drawEllipse(x - 2, y - 2, 4, 4)


def _text(painter: Any, colour: str, x: int, y: int, text: str) -> None:
    """Write, and go on in the same colour."""
    painter.setPen(qt.QColor(colour))
    painter.drawText(x, y, text)


def _place(right: float, up: float) -> tuple[int, int]:
    return round(LEFT + right * (RIGHT - LEFT)), round(BOTTOM - up * (BOTTOM - TOP))
