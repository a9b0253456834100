"""Blank figures of one style, and the way from a figure to a small PNG file.

The only module that decides whether matplotlib is there. Figures are drawn by Agg, without pyplot and its global state.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dualssl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MAX_BYTES = 150_000
"""Size of a picture file: a page of ten stays easy to mail, and a repository to clone."""

_DPI = (150, 120, 100, 80, 60)


Dash = Literal["-", "--", "-.", ":"]


@dataclass(frozen=True)
class LineStyle:
    """How a run is drawn; colour, dash and marker all differ, so that any one of them tells runs apart."""

    color: str
    dash: Dash
    marker: str


# Okabe and Ito's colours for the colour-blind, those that are dark enough for lines on white.
RUN_STYLES = (
    LineStyle("#0072B2", "-", "o"),
    LineStyle("#D55E00", "--", "s"),
    LineStyle("#009E73", "-.", "^"),
    LineStyle("#AA4499", ":", "D"),
    LineStyle("#000000", "-", "v"),
    LineStyle("#B8860B", "--", "P"),
)

GRID: dict[str, Any] = {"color": "#D0D0D0", "linewidth": 0.6}
"""How the lines of a panel's grid look."""

_SETTINGS: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "legend.frameon": False,
    # Names are names: a dollar sign in one does not start a formula.
    "text.parse_math": False,
    "text.usetex": False,
}


def run_style(number: int) -> LineStyle:
    """The style of run `number`, 0 and up; styles repeat after the last."""
    return RUN_STYLES[number % len(RUN_STYLES)]


@contextmanager
def drawing() -> Iterator[None]:
    """Everything drawn in the block has the report's style, whatever the user's own matplotlib settings.

    Raises:
        OutputError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise OutputError(
            "Pictures and reports need matplotlib, which is not installed: run pip install 'dualssl[report]'."
        ) from error
    with rc_context(_SETTINGS):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of this size in inches, to be filled inside `drawing()`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def legend_below(figure: Figure, panel: Axes) -> None:
    """The names of a panel's lines, in two columns at the bottom of the figure."""
    handles, names = panel.get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=2, fontsize=8.5, handlelength=2.8, labelspacing=0.3)


def rendered(figure: Figure, dpi: float) -> NDArray[np.uint8]:
    """Pixels (row, column, RGB) of the figure, first row at the top."""
    figure.set_dpi(dpi)
    canvas: Any = figure.canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def png_bytes(figure: Figure, max_bytes: int = MAX_BYTES) -> bytes:
    """The figure as PNG, as sharp as fits into `max_bytes`: in full colour, then in 256 colours, then at less resolution.

    The least resolution is used even if that does not fit.
    """
    from PIL import Image

    data = b""
    for dpi in _DPI:
        image = Image.fromarray(rendered(figure, dpi))
        data = _encoded(image)
        if len(data) > max_bytes:
            # Dithering would cost more bytes than the colours save; without k-means greys get a tint.
            data = _encoded(image.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE))
        if len(data) <= max_bytes:
            break
    return data


def _encoded(image: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def label_text(text: str, longest: int = 36) -> str:
    """A name as it stands in a figure: one line, cut if long, and never taken for a legend's private entry."""
    line = " ".join(text.split())
    if len(line) > longest:
        line = line[: longest - 1].rstrip() + "…"
    return f" {line}" if line.startswith("_") else line
