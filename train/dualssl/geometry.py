"""Where a voxel grid lies in the patient: the only definition of spacing, direction, and of RAS against LPS.

Arrays are indexed k, j, i (slice, row, column) everywhere. ITK's world is LPS (left, posterior, superior positive), 3D
Slicer's is RAS; `Geometry` stores LPS, as files do, and converts to RAS in `ijk_to_ras` and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

Direction = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
IDENTITY_DIRECTION: Direction = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Geometry:
    """A voxel grid in space.

    Attributes:
        shape: number of voxels along (k, j, i), as `array.shape`.
        spacing: distance of neighbouring voxels in mm along (k, j, i), the order of the array's axes.
        origin: centre of voxel (0, 0, 0) in LPS, mm.
        direction: 3x3 rows; its columns are the unit vectors, in LPS, along which i, j and k grow (ITK's direction).
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: Direction = IDENTITY_DIRECTION

    def __post_init__(self) -> None:
        if any(n < 1 for n in self.shape):
            raise ValueError(f"a grid needs at least one voxel along every axis, not shape {self.shape}")
        if not all(np.isfinite(s) and s > 0 for s in self.spacing):
            raise ValueError(f"spacing must be positive and finite, not {self.spacing}")
        if not np.all(np.isfinite(self.origin)):
            raise ValueError(f"the origin must be finite, not {self.origin}")
        if not abs(np.linalg.det(np.asarray(self.direction))) >= 1e-6:  # written so that NaN is refused as well
            raise ValueError("the direction's axes must be finite and independent of each other")

    @property
    def ijk_to_lps(self) -> NDArray[np.float64]:
        """4x4 matrix from voxel indices (i, j, k, 1) to LPS in mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.asarray(self.direction) * np.asarray(self.spacing[::-1])
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def ijk_to_ras(self) -> NDArray[np.float64]:
        """4x4 matrix from voxel indices (i, j, k, 1) to RAS in mm, as Slicer's `GetIJKToRASMatrix`."""
        return LPS_TO_RAS @ self.ijk_to_lps

    @classmethod
    def from_ijk_to_ras(cls, matrix: ArrayLike, shape: tuple[int, int, int]) -> Geometry:
        """Geometry of an array of `shape` (k, j, i) whose 4x4 IJK-to-RAS matrix is given."""
        return cls.from_ijk_to_lps(LPS_TO_RAS @ np.asarray(matrix, dtype=float), shape)

    @classmethod
    def from_ijk_to_lps(cls, matrix: ArrayLike, shape: tuple[int, int, int]) -> Geometry:
        """Geometry of an array of `shape` (k, j, i) whose 4x4 IJK-to-LPS matrix is given."""
        lps = np.asarray(matrix, dtype=float)
        spacing_ijk = np.linalg.norm(lps[:3, :3], axis=0)
        if not np.all(spacing_ijk > 0):
            raise ValueError("an IJK-to-world matrix with a zero column has no spacing")
        d = lps[:3, :3] / spacing_ijk
        return cls(
            shape=(int(shape[0]), int(shape[1]), int(shape[2])),
            spacing=(float(spacing_ijk[2]), float(spacing_ijk[1]), float(spacing_ijk[0])),
            origin=(float(lps[0, 3]), float(lps[1, 3]), float(lps[2, 3])),
            direction=tuple(tuple(float(v) for v in row) for row in d),  # type: ignore[arg-type]
        )

    def kji_to_ras(self, points: ArrayLike) -> NDArray[np.float64]:
        """World coordinates (..., 3) in RAS mm of (fractional) array indices (..., 3) given as k, j, i."""
        ijk = np.asarray(points, dtype=float)[..., ::-1]
        matrix = self.ijk_to_ras
        return ijk @ matrix[:3, :3].T + matrix[:3, 3]

    def ras_to_kji(self, points: ArrayLike) -> NDArray[np.float64]:
        """Fractional array indices k, j, i (..., 3) of world points (..., 3) in RAS mm."""
        inverse = np.linalg.inv(self.ijk_to_ras)
        ijk = np.asarray(points, dtype=float) @ inverse[:3, :3].T + inverse[:3, 3]
        return ijk[..., ::-1]

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return abs(float(np.linalg.det(self.ijk_to_lps[:3, :3]))) / 1000.0

    @property
    def extent(self) -> tuple[float, float, float]:
        """How far the grid reaches, whole voxels at its ends, in mm along (k, j, i)."""
        k, j, i = (count * step for count, step in zip(self.shape, self.spacing, strict=True))
        return k, j, i

    def cropped(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Geometry:
        """The sub-grid of `shape` that begins at voxel `start`, both (k, j, i); `start` may lie outside."""
        corner = self.ijk_to_lps @ np.array([start[2], start[1], start[0], 1.0])
        return Geometry(shape, self.spacing, (float(corner[0]), float(corner[1]), float(corner[2])), self.direction)

    def matches(self, other: Geometry, tolerance_mm: float = 1e-2) -> bool:
        """Whether both grids have one shape and every corner agrees within `tolerance_mm`."""
        if self.shape != other.shape:
            return False
        last = np.array(self.shape, dtype=float) - 1
        corners = np.array(np.meshgrid(*[(0.0, n) for n in last], indexing="ij")).reshape(3, -1).T
        return bool(np.all(np.abs(self.kji_to_ras(corners) - other.kji_to_ras(corners)) <= tolerance_mm))

    def describe(self) -> str:
        """A short text for error messages: size and spacing in the order i x j x k."""
        size = " x ".join(str(n) for n in self.shape[::-1])
        mm = " x ".join(f"{s:.4g}" for s in self.spacing[::-1])
        return f"{size} voxels of {mm} mm, origin {tuple(round(o, 2) for o in self.origin)} LPS"
