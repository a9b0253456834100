"""One case in one slice: the image, what was segmented, where the networks are unsure, and what to check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dualssl.metrics.band import bounding_box
from dualssl.report.figures import drawing, label_text, new_figure
from dualssl.report.marks import place_marks
from dualssl.report.views import SliceView, telling_view
from dualssl.review.regions import region_label_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from dualssl.labels import Label, LabelTable
    from dualssl.report.contents import ReportCase
    from dualssl.review.region import Region

MAX_NAMES = 5
"""As many structures are named beneath a picture; more would not fit."""

MAX_REGIONS = 6
"""As many regions are outlined in a slice, the most important ones."""

REGION_LOOKS: dict[str, tuple[str, Literal["solid", "dashed"]]] = {
    "ambiguous": ("#F0E442", "solid"),
    "conflict": ("#FF8FCB", "dashed"),
}
"""Colour and dash by kind of region."""


@dataclass(frozen=True)
class HeatMap:
    """How an uncertainty map is shown: fixed limits, so that cases can be compared.

    Attributes:
        title: of the panel.
        unit: of the colour bar.
        colors: name of a perceptually uniform matplotlib map whose lightness alone tells high from low.
        threshold: lower values are transparent.
        top: end of the scale; higher values have the last colour.
    """

    title: str
    unit: str
    colors: str
    threshold: float
    top: float


ENTROPY = HeatMap("Unsure (entropy)", "entropy, 0 to 1", "inferno", 0.1, 1.0)
KL = HeatMap("Networks disagree (KL)", "KL divergence, nats", "viridis", 0.1, 3.0)

# Lengths in inches.
_PANEL, _GAP, _SIDE, _TOP, _BOTTOM = 2.3, 0.12, 0.06, 0.3, 0.72


def slice_figure(case: ReportCase, labels: LabelTable, view: SliceView | None = None) -> Figure:
    """Five panels of one slice: image; outlines of truth and prediction; entropy; KL; regions to check.

    Args:
        case: what to show.
        labels: names and colours of the structures.
        view: the slice; the most telling one if None.

    Returns:
        A figure whose first five axes are the panels, in mm from the upper left corner of the window.

    Raises:
        OutputError: matplotlib is not installed.
    """
    with drawing():
        chosen = view or telling_view(case)
        image = chosen.of(case.image.array).astype(np.float32)
        # A narrow window would leave no room for titles.
        aspect = float(np.clip(image.shape[0] * chosen.spacing[0] / (image.shape[1] * chosen.spacing[1]), 0.5, 1.6))
        width = 2 * _SIDE + 5 * _PANEL + 4 * _GAP
        height = _TOP + _PANEL * aspect + _BOTTOM
        figure = new_figure(width, height)
        panels = [
            figure.add_axes(
                (
                    (_SIDE + n * (_PANEL + _GAP)) / width,
                    _BOTTOM / height,
                    _PANEL / width,
                    _PANEL * aspect / height,
                )
            )
            for n in range(5)
        ]
        for panel in panels:
            _show_image(panel, image, chosen.spacing)
        panels[0].set_title("Image")
        _mark_directions(panels[0], chosen)
        _scale_bar(panels[0], image.shape[1] * chosen.spacing[1], image.shape[0] * chosen.spacing[0])
        _draw_outlines(panels[1], case, labels, chosen)
        _draw_map(panels[2], chosen.of(case.prediction.entropy), ENTROPY, chosen.spacing)
        _draw_map(panels[3], chosen.of(case.prediction.kl), KL, chosen.spacing)
        _draw_regions(panels[4], case, chosen)
        for panel in panels:
            # Lines must not stretch the window.
            panel.set_xlim(0, image.shape[1] * chosen.spacing[1])
            panel.set_ylim(image.shape[0] * chosen.spacing[0], 0)
        return figure


def shown_regions(case: ReportCase, view: SliceView) -> list[Region]:
    """The regions that the last panel outlines, the most important first."""
    seen = {int(n) for n in np.unique(view.of(region_label_map(case.regions))) if n}
    return [region for region in case.regions if region.id in seen][:MAX_REGIONS]


def _show_image(panel: Axes, image: NDArray[np.float32], spacing: tuple[float, float]) -> None:
    low, high = np.percentile(image, (0.5, 99.5))
    panel.imshow(
        image,
        cmap="gray",
        vmin=float(low),
        vmax=float(max(high, low + 1e-6)),
        extent=_extent(image.shape, spacing),
        interpolation="bilinear",
        aspect="equal",
    )
    panel.set_axis_off()
    panel.set_anchor("C")


def _extent(shape: tuple[int, ...], spacing: tuple[float, float]) -> tuple[float, float, float, float]:
    return (0.0, shape[1] * spacing[1], shape[0] * spacing[0], 0.0)


def _outlined(text: Any) -> None:
    from matplotlib.patheffects import withStroke

    text.set_path_effects([withStroke(linewidth=2.2, foreground="black")])


def _mark_directions(panel: Axes, view: SliceView) -> None:
    top, bottom, left, right = view.edges
    places = ((0.5, 0.985, top, "center", "top"), (0.5, 0.015, bottom, "center", "bottom"))
    sides = ((0.02, 0.5, left, "left", "center"), (0.98, 0.5, right, "right", "center"))
    for x, y, letter, across, up in (*places, *sides):
        _outlined(panel.text(x, y, letter, transform=panel.transAxes, ha=across, va=up, color="white", weight="bold"))


def _scale_bar(panel: Axes, width_mm: float, height_mm: float) -> None:
    length = next((n for n in (100, 50, 20, 10, 5, 2, 1) if n <= width_mm / 3), None)
    if length is None:
        return
    x, y = 0.05 * width_mm, 0.95 * height_mm
    panel.plot([x, x + length], [y, y], color="black", linewidth=3.6, solid_capstyle="butt")
    panel.plot([x, x + length], [y, y], color="white", linewidth=2.0, solid_capstyle="butt")
    _outlined(panel.text(x, 0.93 * height_mm, f"{length} mm", color="white", fontsize=8, ha="left", va="bottom"))


def _outline(panel: Axes, mask: NDArray[np.bool_], spacing: tuple[float, float], **look: Any) -> None:
    """A line along the border of the mask's pixels; `look` goes to matplotlib."""
    if not mask.any():
        return
    # Beyond the picture's edge there is background, so that outlines close there.
    padded = np.pad(mask, 1).astype(np.float32)
    rows = (np.arange(padded.shape[0]) - 0.5) * spacing[0]
    columns = (np.arange(padded.shape[1]) - 0.5) * spacing[1]
    panel.contour(columns, rows, padded, levels=[0.5], **look)


def _draw_outlines(panel: Axes, case: ReportCase, labels: LabelTable, view: SliceView) -> None:
    from matplotlib.lines import Line2D

    panel.set_title("Segmentation" if case.truth is None else "Segmentation and truth")
    predicted = view.of(case.prediction.label)
    truth = None if case.truth is None else view.of(case.truth)
    # What is enclosed comes last, or the outline of its surroundings would hide its own.
    for label in sorted(labels, key=lambda label: -_reach(predicted == label.value)):
        _outline(panel, predicted == label.value, view.spacing, colors="black", linewidths=3.2)
        _outline(panel, predicted == label.value, view.spacing, colors=[_color(label)], linewidths=2.2)
    entries = [(Line2D([], [], color=_color(n), linewidth=3), label_text(n.name, 14)) for n in list(labels)[:MAX_NAMES]]
    if truth is not None:
        for label in labels:
            _outline(panel, truth == label.value, view.spacing, colors="black", linewidths=1.8)
            _outline(panel, truth == label.value, view.spacing, colors="white", linewidths=0.9)
        entries.append((_bordered(), "truth"))
    _legend(panel, entries)


def _reach(mask: NDArray[np.bool_]) -> int:
    box = bounding_box(mask)
    return 0 if box is None else (box[0].stop - box[0].start) * (box[1].stop - box[1].start)


def _color(label: Label) -> tuple[float, float, float]:
    red, green, blue = label.color
    return red / 255, green / 255, blue / 255


def _bordered() -> Any:
    """A legend line as the truth is drawn: thin, white, with a black border."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import Normal, withStroke

    line = Line2D([], [], color="white", linewidth=0.9)
    line.set_path_effects([withStroke(linewidth=2.4, foreground="black"), Normal()])
    return line


def _legend(panel: Axes, entries: list[tuple[Any, str]]) -> None:
    panel.legend(
        [line for line, _ in entries],
        [text for _, text in entries],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.01),
        ncols=2 if len(entries) > 2 else max(len(entries), 1),
        fontsize=8,
        handlelength=1.6,
        columnspacing=1.2,
        borderaxespad=0.3,
        labelspacing=0.25,
    )


def _draw_map(panel: Axes, values: NDArray[np.float32], look: HeatMap, spacing: tuple[float, float]) -> None:
    panel.set_title(look.title)
    shown = np.ma.masked_less(values.astype(np.float32), look.threshold)
    drawn = panel.imshow(
        shown,
        cmap=look.colors,
        vmin=0.0,
        vmax=look.top,
        extent=_extent(values.shape, spacing),
        interpolation="nearest",
        alpha=0.85,
        aspect="equal",
    )
    bar_axes = panel.inset_axes((0.06, -0.11, 0.88, 0.05))
    bar = panel.figure.colorbar(drawn, cax=bar_axes, orientation="horizontal", extend="max" if look.top > 1 else "neither")
    # The bar shows the colours as they are on a white image, opaque.
    if bar.solids is not None:
        bar.solids.set_alpha(1.0)
    bar.ax.spines["outline"].set_visible(False)
    bar.ax.tick_params(labelsize=8, length=2, pad=1.5)
    bar.set_label(look.unit, fontsize=8, labelpad=1)


def _draw_regions(panel: Axes, case: ReportCase, view: SliceView) -> None:
    from matplotlib.lines import Line2D

    panel.set_title("Regions to check")
    ids = view.of(region_label_map(case.regions))
    shown = shown_regions(case, view)
    for region in shown:
        color, dash = REGION_LOOKS[region.kind]
        _outline(panel, ids == region.id, view.spacing, colors="black", linewidths=2.8)
        _outline(panel, ids == region.id, view.spacing, colors=color, linewidths=1.6, linestyles=dash)
    for mark in place_marks(ids, [region.id for region in shown], view.spacing):
        panel.plot([mark.at[1], mark.text_at[1]], [mark.at[0], mark.text_at[0]], color="white", linewidth=0.8)
        row, column = mark.text_at
        _outlined(panel.text(column, row, str(mark.id), color="white", weight="bold", ha="center", va="center"))
    if shown:
        kinds = [kind for kind in REGION_LOOKS if any(region.kind == kind for region in shown)]
        lines = [Line2D([], [], color=REGION_LOOKS[k][0], linestyle=REGION_LOOKS[k][1], linewidth=2) for k in kinds]
        for line in lines:
            _dark_border(line)
        _legend(panel, list(zip(lines, kinds, strict=True)))
    else:
        panel.text(0.5, -0.04, "none in this slice", transform=panel.transAxes, ha="center", va="top", fontsize=8)


def _dark_border(line: Any) -> None:
    from matplotlib.patheffects import Normal, withStroke

    line.set_path_effects([withStroke(linewidth=3.4, foreground="#444444"), Normal()])
