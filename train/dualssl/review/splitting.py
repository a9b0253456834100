"""Cuts a large connected region into pieces that a person can take in at once.

Uncertainty often forms a thin shell around a whole structure: one component of ten centimetres that nobody can work on as
one item. Its pieces are found as follows. The most uncertain voxel is the first seed; the most uncertain voxel farther
than half the permitted extent from every seed is the next, until none is left; each voxel then goes to the nearest seed.
So every voxel lies within half the extent of its seed, no two voxels of a piece are farther apart than the extent, and
equal input gives equal pieces. Distances are straight lines in mm. Where a piece is not connected in itself (two
opposite walls near one seed), each of its parts is a piece of its own. A solid mass of millions of voxels is first halved
by planes, and the rule applied to each part.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NEIGHBOURS_26 = np.ones((3, 3, 3), dtype=bool)
_CHUNK = 4096
# Masses of more voxels (an image that is uncertain all over) are halved first, which bounds memory. A shell has fewer.
_MOST_AT_ONCE = 1 << 22


def pieces_of(
    member: NDArray[np.bool_],
    uncertainty: NDArray[np.float32],
    steps: NDArray[np.float64],
    max_extent_mm: float,
) -> Iterator[NDArray[np.intp]]:
    """Pieces of one 26-connected component, none of which extends farther than `max_extent_mm`.

    Args:
        member: mask (k, j, i) of the component in its bounding box.
        uncertainty: map of the same shape; its peaks become the pieces' seeds.
        steps: (3, 3); row a is the way in mm, in the world, from a voxel to the next along axis a of (k, j, i).
        max_extent_mm: largest distance of two voxel centres in a piece.

    Yields:
        Indices (n, 3) along (k, j, i) in the box, in memory order; together the pieces hold every voxel once.
    """
    if _diagonal_mm(member.shape, steps) <= max_extent_mm:
        yield np.argwhere(member)
        return
    if np.count_nonzero(member) > _MOST_AT_ONCE:
        for half, part in _halves(member, steps):
            for indices in pieces_of(part, uncertainty[half], steps, max_extent_mm):
                yield indices + np.array([s.start for s in half])
        return
    from scipy import ndimage

    owner = _nearest_seed(member, uncertainty, steps, max_extent_mm / 2.0)
    for number, box in enumerate(ndimage.find_objects(owner), start=1):
        piece = owner[box] == number
        parts, count = ndimage.label(piece, structure=NEIGHBOURS_26)
        indices = np.argwhere(piece) + np.array([s.start for s in box])
        part_of = parts[piece]
        by_part = np.argsort(part_of, kind="stable")
        ends = np.cumsum(np.bincount(part_of, minlength=count + 1)[1:])
        yield from np.split(indices[by_part], ends[:-1])


def _halves(member: NDArray[np.bool_], steps: NDArray[np.float64]) -> Iterator[tuple[tuple[slice, ...], NDArray[np.bool_]]]:
    """Cut across the longest axis: the connected parts of both halves, each as its box and the mask in that box."""
    from scipy import ndimage

    axis = int(np.argmax(np.asarray(member.shape) * np.linalg.norm(steps, axis=1)))
    middle = member.shape[axis] // 2
    for low, high in ((0, middle), (middle, member.shape[axis])):
        components, _ = ndimage.label(member[(slice(None),) * axis + (slice(low, high),)], structure=NEIGHBOURS_26)
        for number, box in enumerate(ndimage.find_objects(components), start=1):
            moved = tuple(slice(s.start + low, s.stop + low) if a == axis else s for a, s in enumerate(box))
            yield moved, components[box] == number


def _nearest_seed(
    member: NDArray[np.bool_], uncertainty: NDArray[np.float32], steps: NDArray[np.float64], radius_mm: float
) -> NDArray[np.int32]:
    """Number (1, 2, ...) of each member's nearest seed, 0 elsewhere; seeds lie farther than the radius from each other."""
    owner = np.zeros(member.shape, dtype=np.int32)
    distance = np.full(member.shape, np.inf, dtype=np.float32)
    reach, ball = _ball(member.shape, steps, radius_mm)
    for number, voxel in enumerate(_free_voxels(member, uncertainty, owner), start=1):
        seed = np.unravel_index(voxel, member.shape)
        # Only voxels inside the radius can have this seed as their nearest: all others get a nearer one of their own.
        start = [max(int(s) - r, 0) for s, r in zip(seed, reach, strict=True)]
        stop = [min(int(s) + r + 1, n) for s, r, n in zip(seed, reach, member.shape, strict=True)]
        window = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        shifts = [r - int(s) for s, r in zip(seed, reach, strict=True)]
        away = ball[tuple(slice(a + d, b + d) for a, b, d in zip(start, stop, shifts, strict=True))]
        closer = (away < distance[window]) & member[window]
        distance[window][closer] = away[closer]
        owner[window][closer] = number
    return owner


def _free_voxels(member: NDArray[np.bool_], uncertainty: NDArray[np.float32], owner: NDArray[np.int32]) -> Iterator[int]:
    """Flat indices of the members that have no owner when they are asked for, the most uncertain first."""
    values, taken = uncertainty.reshape(-1), owner.reshape(-1)
    voxels = np.flatnonzero(member)
    # The seeds among the most uncertain eighth take nearly all the others, which then need not be brought into order.
    some = len(voxels) // 8
    bound = np.partition(values[voxels], -some - 1)[-some - 1]
    for part in (values[voxels] >= bound, values[voxels] < bound):
        free = voxels[part & (taken[voxels] == 0)]
        ordered = free[np.argsort(-values[free], kind="stable")]
        position = 0
        while position < ordered.size:
            chunk = ordered[position : position + _CHUNK]
            left = np.flatnonzero(taken[chunk] == 0)
            position += int(left[0]) if left.size else chunk.size
            if left.size:
                yield int(ordered[position])


def _ball(shape: tuple[int, ...], steps: NDArray[np.float64], radius_mm: float) -> tuple[list[int], NDArray[np.float32]]:
    """Half widths of the window around a seed, and the distance in mm of each of its voxels, infinite beyond the radius."""
    # The farthest that a ball reaches along an axis of a grid that need not be orthogonal: x G x = r², G = steps stepsᵀ.
    inverse = np.linalg.inv(steps @ steps.T)
    reach = [min(int(radius_mm * np.sqrt(inverse[a, a]) + 1e-6), shape[a]) for a in range(3)]
    along = np.ix_(*(np.arange(-r, r + 1.0) for r in reach))
    distance = np.sqrt(sum(sum(n * step[axis] for n, step in zip(along, steps, strict=True)) ** 2 for axis in range(3)))
    return reach, np.where(distance <= radius_mm, distance, np.inf).astype(np.float32)


def _diagonal_mm(shape: tuple[int, ...], steps: NDArray[np.float64]) -> float:
    """Largest distance of two corner voxels of a box."""
    edges = (np.asarray(shape) - 1.0)[:, None] * steps
    return max(float(np.linalg.norm(np.array(signs) @ edges)) for signs in product((1.0,), (1.0, -1.0), (1.0, -1.0)))
