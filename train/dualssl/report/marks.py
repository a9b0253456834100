"""Where a region's number stands in a picture: beside the region, inside the picture, clear of the other numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_DIRECTIONS = 16


@dataclass(frozen=True)
class Mark:
    """The number of a region.

    Attributes:
        id: of the region.
        at: a point of the region, mm from the upper left corner (down, right).
        text_at: where the number stands, likewise.
    """

    id: int
    at: tuple[float, float]
    text_at: tuple[float, float]


def place_marks(ids: NDArray[np.integer], wanted: Sequence[int], spacing: tuple[float, float]) -> list[Mark]:
    """Places for the numbers of the regions in a picture.

    For each region in turn the nearest place around it is taken that lies off every region, inside the picture and away
    from numbers already placed; where there is none, the one that is best on all counts.

    Args:
        ids: region ids (row, column), 0 elsewhere.
        wanted: ids to mark, all of them in the picture.
        spacing: mm between rows and between columns.
    """
    step = np.asarray(spacing)
    size = np.asarray(ids.shape) * step
    reach = float(size.max()) * 0.075
    angles = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    ways = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    marked = (np.argwhere(np.isin(ids, wanted)) + 0.5) * step
    marks: list[Mark] = []
    for number in wanted:
        points = (np.argwhere(ids == number) + 0.5) * step
        start = points[int(np.argmin(np.linalg.norm(points - points.mean(axis=0), axis=1)))]
        candidates = np.concatenate([start + ways * reach * n for n in (1.0, 1.6, 2.4, 3.4)])
        taken = np.array([m.text_at for m in marks] or [(-1e6, -1e6)])
        room = np.linalg.norm(candidates[:, None] - taken[None], axis=-1).min(axis=1)
        free = np.linalg.norm(candidates[:, None] - marked[None], axis=-1).min(axis=1)
        inside = np.minimum(candidates, size - candidates).min(axis=1)
        cost = (
            np.linalg.norm(candidates - start, axis=1)
            + 10 * np.maximum(reach - room, 0)
            + 5 * np.maximum(0.6 * reach - free, 0)
            + 20 * np.maximum(0.6 * reach - inside, 0)
        )
        best = candidates[int(np.argmin(cost))]
        marks.append(Mark(int(number), (float(start[0]), float(start[1])), (float(best[0]), float(best[1]))))
    return marks
