"""Loss and validation Dice of a training as lines, dots and ticks, for a front end to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.jobs.fineTuning import Curves

Points = Sequence[tuple[int, float]]

_LEAST_DICE_RANGE = 0.02


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where (0 its beginning, 1 its end), and its text."""

    place: float
    text: str


@dataclass(frozen=True)
class Axis:
    """What it shows, with unit, and its ticks."""

    title: str
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class CurvePlot:
    """A plot of one training; all places are 0..1 from the lower left corner.

    Attributes:
        stage: which training it is.
        step, loss, dice: axes: below, on the left, on the right.
        line: of the loss.
        dots: of the Dice on validation cases; there may be none.
        summary: the newest figures in words, for who cannot see the plot.
    """

    stage: str
    step: Axis
    loss: Axis
    dice: Axis
    line: tuple[tuple[float, float], ...]
    dots: tuple[tuple[float, float], ...]
    summary: str


def curvePlot(curves: Curves) -> CurvePlot | None:
    """The newest training's plot, or None while nothing has been told."""
    if not curves.loss:
        return None
    stage = curves.stage if curves.stage in curves.loss else list(curves.loss)[-1]
    loss, dice = curves.loss[stage], curves.dice.get(stage, [])
    last = max(iteration for iteration, _value in (*loss, *dice))
    steps = _ticks(0.0, float(last), 4)
    losses = _ticks(0.0, max(value for _i, value in loss) or 1.0, 4)
    percents = [(iteration, 100.0 * value) for iteration, value in dice]
    dices = _ticks(*_diceRange(percents), 4)
    return CurvePlot(
        stage,
        _axis(_("Step"), steps),
        _axis(_("Loss"), losses),
        _axis(_("Validation Dice (%)"), dices),
        _placed(loss, steps[-1], losses),
        _placed(percents, steps[-1], dices),
        _summary(loss, percents),
    )


def _summary(loss: Points, percents: Points) -> str:
    text = _("step {step}: loss {loss}").format(step=loss[-1][0], loss=f"{loss[-1][1]:.3g}")
    return text if not percents else _("{text}, Dice {dice} %").format(text=text, dice=f"{percents[-1][1]:.1f}")


def _diceRange(percents: Points) -> tuple[float, float]:
    values = [value for _iteration, value in percents] or [0.0, 100.0]
    low, high = min(values), max(values)
    more = max(0.0, 100.0 * _LEAST_DICE_RANGE - (high - low)) / 2
    return max(0.0, low - more), min(100.0, high + more)


def _ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Round numbers that enclose a range, at most `most` steps apart."""
    raw = (high - low) / most or 1.0
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return tuple(step * n for n in range(first, max(last, first + 1) + 1))


def _axis(title: str, ticks: tuple[float, ...]) -> Axis:
    low, high = ticks[0], ticks[-1]
    return Axis(title, tuple(Tick((value - low) / (high - low), f"{value:.10g}") for value in ticks))


def _placed(points: Points, last: float, ticks: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    low, high = ticks[0], ticks[-1]
    return tuple((iteration / last, (value - low) / (high - low)) for iteration, value in points)
