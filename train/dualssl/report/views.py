"""Slices as radiologists look at them: which one, which way up, and which part of it. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dualssl.metrics.band import bounding_box
from dualssl.volumes.orient import Orientation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.geometry import Geometry
    from dualssl.report.contents import ReportCase

Plane = Literal["axial", "coronal", "sagittal"]
_PLANES: tuple[Plane, Plane, Plane] = ("axial", "coronal", "sagittal")
"""By the canonical axis (k, j, i) that a slice is taken across."""

_EDGES: dict[Plane, tuple[str, str, str, str]] = {
    "axial": ("A", "P", "R", "L"),
    "coronal": ("S", "I", "R", "L"),
    "sagittal": ("S", "I", "A", "P"),
}

MARGIN_MM = 18.0
"""Surroundings shown on every side of what is segmented."""


@dataclass(frozen=True)
class SliceView:
    """A window in one slice of a volume.

    Pictures (row, column) have row 0 at the top: anterior up and the patient's right on the left in axial slices,
    superior up in coronal (right on the left) and sagittal ones (anterior on the left). On an oblique grid these are the
    directions closest to the slice's own.

    Attributes:
        orientation: from the volume's array to canonical axes.
        plane: which way the slice lies.
        index: its place along the canonical axis across it.
        rows, columns: the window, in the whole slice's rows and columns.
        spacing: mm between rows and between columns.
    """

    orientation: Orientation
    plane: Plane
    index: int
    rows: slice
    columns: slice
    spacing: tuple[float, float]

    @property
    def edges(self) -> tuple[str, str, str, str]:
        """Letters of the patient's directions at the top, bottom, left and right edge."""
        return _EDGES[self.plane]

    def of(self, array: NDArray[Any]) -> NDArray[Any]:
        """The window (row, column) of an array on the volume's grid (k, j, i)."""
        return _whole_slice(self.orientation, array, self.plane, self.index)[self.rows, self.columns]


def telling_view(case: ReportCase) -> SliceView:
    """The slice that shows most, across the axis of the coarsest spacing, axial if all are alike.

    It is the one with the most wrong voxels if the truth is known; else the one through the centre of the first region;
    else the one with the most foreground; else the middle one.
    """
    geometry = case.image.geometry
    orientation = Orientation.of(geometry)
    grid = orientation.of_geometry(geometry)
    # A hair of rounding in the spacing must not turn the plane of an isotropic volume.
    across = int(np.argmax(np.round(np.asarray(grid.spacing), 3)))
    plane = _PLANES[across]
    index = _best_index(case, orientation, grid, across)
    step = [s for axis, s in enumerate(grid.spacing) if axis != across]
    content = _whole_slice(orientation, case.prediction.label, plane, index) != 0
    if case.truth is not None:
        content |= _whole_slice(orientation, case.truth, plane, index) != 0
    rows, columns = _window(content, (step[0], step[1]))
    return SliceView(orientation, plane, index, rows, columns, (step[0], step[1]))


def _whole_slice(orientation: Orientation, array: NDArray[Any], plane: Plane, index: int) -> NDArray[Any]:
    across = _PLANES.index(plane)
    # Cut first: a canonical copy of a whole volume, for one slice, would cost its memory again.
    source = orientation.axes[across]
    place = array.shape[source] - 1 - index if orientation.flips[across] else index
    thin = np.take(array, [place], axis=source)
    picture = np.take(orientation.apply(thin), 0, axis=across)
    # Canonical k grows upwards, rows of a picture go down.
    return picture if plane == "axial" else picture[::-1]


def _best_index(case: ReportCase, orientation: Orientation, grid: Geometry, across: int) -> int:
    source = orientation.axes[across]
    others = tuple(axis for axis in range(3) if axis != source)
    flip = orientation.flips[across]

    def fullest(mask: NDArray[Any]) -> int | None:
        counts = np.count_nonzero(mask, axis=others)
        # In canonical order, so that ties do not fall to another slice when the same case is stored the other way.
        return int(np.argmax(counts[::-1] if flip else counts)) if counts.any() else None

    index = None if case.truth is None else fullest(case.prediction.label != case.truth)
    if index is None and len(case.regions):
        place = case.regions.regions[0].centre_kji[source]
        index = grid.shape[across] - 1 - place if flip else place
    if index is None:
        index = fullest(case.prediction.label)
    return grid.shape[across] // 2 if index is None else index


def _window(content: NDArray[np.bool_], spacing: tuple[float, float]) -> tuple[slice, slice]:
    """A square of millimetres around the content, as far as the picture reaches; the whole picture without content."""
    box = bounding_box(content)
    if box is None:
        return slice(0, content.shape[0]), slice(0, content.shape[1])
    half = max((part.stop - part.start) * mm for part, mm in zip(box, spacing, strict=True)) / 2 + MARGIN_MM
    parts = []
    for part, mm, length in zip(box, spacing, content.shape, strict=True):
        middle = (part.start + part.stop) / 2
        parts.append(slice(max(round(middle - half / mm), 0), min(round(middle + half / mm), length)))
    return parts[0], parts[1]
