"""Draw the icon of the module and extension, and the thumbnail of the sample data: `python Docs/tools/draw_icons.py`.

The icon shows what the extension does: two outlines of one thing, filled where they agree, bright where they do not, and a
border that fades out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

from dualssl.phantoms.case import PhantomCase, generate_case
from dualssl.phantoms.settings import PhantomSettings

ICONS = Path(__file__).resolve().parents[2] / "DualSSLSegmentation" / "Resources" / "Icons"
ICON_SIDE = 128
THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH = 280, 260
SAMPLE_CASE = 999
"""As in sampleData.py of the module's library."""

Plane = NDArray[np.float64]
Picture = NDArray[np.float64]
"""(height, width, 4): red, green, blue and opacity, 0..1."""

# Okabe and Ito's colours, as the structures have them.
AGREED, ONLY_ONE, BRIGHT = (0, 114, 178), (230, 159, 0), (240, 228, 66)
OUTLINE_A, OUTLINE_B = (255, 255, 255), (20, 30, 50)
_FINER = 6  # each pixel is the mean of 6 x 6


def blob(x: Plane, y: Plane, centre: tuple[float, float], radius: float, waves: dict[int, tuple[float, float]]) -> Plane:
    """Distance from the border of a round shape, roughly; negative inside.

    Args:
        x, y: coordinates, -1..1 over the picture.
        centre: of the shape.
        radius: mean.
        waves: how often the border goes in and out to how far (as a share of the radius) and where (radians).
    """
    dx, dy = x - centre[0], y - centre[1]
    angle = np.arctan2(dy, dx)
    border = radius * (1 + sum(height * np.cos(count * angle - turn) for count, (height, turn) in waves.items()))
    return np.hypot(dx, dy) - border


def mixed(below: Picture, color: tuple[int, int, int], opacity: Plane) -> Picture:
    """A picture with a colour laid over it."""
    own = below[..., 3] * (1 - opacity)
    total = own + opacity
    shares = np.divide(opacity, total, out=np.zeros_like(total), where=total > 0)[..., None]
    result = np.empty_like(below)
    result[..., :3] = below[..., :3] * (1 - shares) + np.array(color) / 255 * shares
    result[..., 3] = total
    return result


def inside(distance: Plane, softness: float) -> Plane:
    """1 inside, 0 outside, and a straight way between over `softness`."""
    return np.clip(0.5 - distance / softness, 0, 1)


def line(distance: Plane, width: float, softness: float) -> Plane:
    """Opacity of the border of a shape."""
    return inside(np.abs(distance) - width / 2, softness)


def icon() -> Picture:
    """Two overlapping shapes with an uncertain border."""
    side = ICON_SIDE * _FINER
    axis = ((np.arange(side) + 0.5) / side * 2 - 1) * 0.95
    x, y = np.meshgrid(axis - 0.01, axis - 0.05)
    first = blob(x, y, (-0.10, 0.05), 0.60, {2: (0.10, 0.8), 3: (0.07, 2.0)})
    second = blob(x, y, (0.16, -0.06), 0.56, {2: (0.12, 2.6), 3: (0.08, 0.3)})
    either, both = np.minimum(first, second), np.maximum(first, second)
    soft = 2 / ICON_SIDE
    picture = np.zeros((side, side, 4))
    # The border fades out: nobody knows exactly where it is.
    picture = mixed(picture, ONLY_ONE, 0.75 * np.exp(-((np.maximum(either, 0) / 0.11) ** 2)))
    picture = mixed(picture, ONLY_ONE, inside(either, soft))
    # Where just one of the two says yes, it is brightest half-way.
    between = np.exp(-(((first + second) / 0.16) ** 2)) * inside(either, soft) * (1 - inside(both, soft))
    picture = mixed(picture, BRIGHT, between)
    picture = mixed(picture, AGREED, inside(both, soft))
    picture = mixed(picture, OUTLINE_B, line(second, 0.055, soft))
    picture = mixed(picture, OUTLINE_A, line(first, 0.055, soft))
    return averaged(picture)


def averaged(picture: Picture) -> Picture:
    """A picture `_FINER` times smaller; colours weigh by their opacity."""
    height, width = picture.shape[0] // _FINER, picture.shape[1] // _FINER
    weighted = picture.copy()
    weighted[..., :3] *= picture[..., 3:]
    small = weighted.reshape(height, _FINER, width, _FINER, 4).mean(axis=(1, 3))
    small[..., :3] = np.divide(small[..., :3], small[..., 3:], out=np.zeros_like(small[..., :3]), where=small[..., 3:] > 0)
    return small


def thumbnail(case: PhantomCase) -> Picture:
    """The slice of a case that shows most of its structures, as the sample data look in Slicer."""
    k = int((case.label_map.array > 0).sum(axis=(1, 2)).argmax())
    plane = case.image.array[k].astype(float)
    low, high = np.percentile(plane, (1, 99.5))
    grey = np.clip((plane - low) / (high - low), 0, 1)
    rows = np.linspace(0, grey.shape[0] - 1, THUMBNAIL_HEIGHT)
    columns = np.linspace(0, grey.shape[1] - 1, THUMBNAIL_WIDTH)
    large = interpolated(interpolated(grey, rows).T, columns).T
    return np.dstack([large, large, large, np.ones_like(large)])


def interpolated(plane: Plane, places: Plane) -> Plane:
    """Rows of a plane at fractional places."""
    lower = np.floor(places).astype(int)
    upper = np.minimum(lower + 1, plane.shape[0] - 1)
    share = (places - lower)[:, None]
    return plane[lower] * (1 - share) + plane[upper] * share


def main() -> None:
    """Write both files."""
    ICONS.mkdir(parents=True, exist_ok=True)
    pictures = {
        "DualSSLSegmentation.png": icon(),
        "DualSSLPhantom.png": thumbnail(generate_case(PhantomSettings(), SAMPLE_CASE)),
    }
    for name, picture in pictures.items():
        # Without the version of the library, so that equal pictures are equal files.
        imsave(ICONS / name, np.clip(picture, 0, 1), metadata={"Software": None})


if __name__ == "__main__":
    main()
