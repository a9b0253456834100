"""Loss and validation Dice as an SVG that goes into the page: drawn here, so that no plotting library is needed."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from DualSSLSegmentationLib.presentation.curvePlot import CurvePlot

WIDTH, HEIGHT = 368, 230
LEFT, RIGHT, TOP, BOTTOM = 52, 318, 30, 186
LOSS, DICE, GRID, TEXT = "#8ecbff", "#ffb454", "#3a4149", "#d5dade"  # told apart by every common form of colour blindness
_DOT = 3.5


def curves_svg(plot: CurvePlot | None) -> str:
    """The plot as text of an `svg` element; empty where there is none.

    The loss is a line and the Dice are squares, so that the two are told apart without colours.
    """
    if plot is None:
        return ""
    parts = [
        *_grid(plot),
        _text(LEFT, 14, "— " + plot.loss.title, LOSS),
        *([_text(RIGHT, 14, "■ " + plot.dice.title, DICE, "end")] if plot.dots else []),
        _text((LEFT + RIGHT) / 2, HEIGHT - 8, plot.step.title, TEXT, "middle"),
        f'<polyline points="{_joined(plot.line)}" fill="none" stroke="{LOSS}" stroke-width="1.6" stroke-linejoin="round"/>',
        *(_square(*_place(*dot)) for dot in plot.dots),
    ]
    label = escape(f"{plot.stage}, {plot.summary}", quote=True)
    opening = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" font-size="12" font-family="inherit">'
    return f"{opening}<title>{escape(plot.stage)}</title>{''.join(parts)}</svg>"


def _grid(plot: CurvePlot) -> Iterable[str]:
    yield f'<rect x="{LEFT}" y="{TOP}" width="{RIGHT - LEFT}" height="{BOTTOM - TOP}" fill="none" stroke="{GRID}"/>'
    for tick in plot.loss.ticks:
        _, y = _place(0.0, tick.place)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}" stroke="{GRID}"/>'
        yield _text(LEFT - 6, y + 4, tick.text, LOSS, "end")
    for tick in plot.dice.ticks if plot.dots else ():
        _, y = _place(0.0, tick.place)
        yield f'<line x1="{RIGHT}" y1="{y:.1f}" x2="{RIGHT + 4}" y2="{y:.1f}" stroke="{DICE}"/>'
        yield _text(RIGHT + 7, y + 4, tick.text, DICE)
    for tick in plot.step.ticks:
        x, _ = _place(tick.place, 0.0)
        yield f'<line x1="{x:.1f}" y1="{BOTTOM}" x2="{x:.1f}" y2="{BOTTOM + 4}" stroke="{TEXT}"/>'
        yield _text(x, BOTTOM + 17, tick.text, TEXT, "middle")


def _place(x: float, y: float) -> tuple[float, float]:
    return LEFT + x * (RIGHT - LEFT), BOTTOM - y * (BOTTOM - TOP)


def _joined(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in (_place(*point) for point in points))


def _square(x: float, y: float) -> str:
    return f'<rect x="{x - _DOT:.1f}" y="{y - _DOT:.1f}" width="{2 * _DOT}" height="{2 * _DOT}" fill="{DICE}"/>'


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
