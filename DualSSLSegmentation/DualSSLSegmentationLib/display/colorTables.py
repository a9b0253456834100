"""How uncertainty is coloured: one scale and one colour table for the entropy and one for the KL divergence.

Both tables are straight lines in OKLCh, the polar form of OKLab (Ottosson, A perceptual color space for image processing,
2020): lightness and hue grow evenly with the value at one chroma, so equal steps of the value look equally large. Lightness
runs over the same range in both, so that either can be read in grey. Their hues keep to opposite sides of the blue-yellow
axis, which the common forms of colour blindness leave intact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TABLE_ATTRIBUTE = "DualSSL.ColorTable"
"""Attribute by which a scene's colour tables are known again; its value is the kind."""
COLORS = 256
"""Entries of a table."""


@dataclass(frozen=True)
class UncertaintyScale:
    """What the values of an uncertainty map mean on the screen.

    Attributes:
        kind: `entropy` or `kl`.
        title: above the colour legend.
        tableName: name of the colour table node.
        top: the value that gets the last colour, as do all above it; the first colour stands for 0.
        labels: how many numbers stand at the legend, both ends included.
        hues: first and last hue, degrees in OKLCh.
        chroma: in OKLCh.
    """

    kind: str
    title: str
    tableName: str
    top: float
    labels: int
    hues: tuple[float, float]
    chroma: float


# With a KL divergence of 2 nats, each of two networks is about 92 % sure of what the other takes to be wrong.
SCALES: dict[str, UncertaintyScale] = {
    "entropy": UncertaintyScale("entropy", "Entropy", "DualSSL entropy", 1.0, 6, (20.0, 105.0), 0.135),
    "kl": UncertaintyScale("kl", "KL (nats)", "DualSSL KL divergence", 2.0, 5, (282.0, 195.0), 0.105),
}
"""The scales by kind. They are fixed, so that a colour means the same in every case."""
KINDS: tuple[str, ...] = tuple(SCALES)

_LIGHTNESS = (0.35, 0.93)  # darker or lighter ends would leave sRGB, or be taken for the image's own black and white

# Ottosson's matrices: OKLab to the cube roots of the cones' responses, and these responses to linear sRGB.
_TO_CONES = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_TO_LINEAR_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def colorsOf(kind: str, count: int = COLORS) -> NDArray[np.float64]:
    """The colours of a scale, from value 0 to the top.

    Args:
        kind: `entropy` or `kl`.
        count: how many, at least 2.

    Returns:
        (count, 3) sRGB, 0..1.
    """
    scale = SCALES[kind]
    along = np.linspace(0.0, 1.0, count)
    lightness = _LIGHTNESS[0] + (_LIGHTNESS[1] - _LIGHTNESS[0]) * along
    hue = np.deg2rad(scale.hues[0] + (scale.hues[1] - scale.hues[0]) * along)
    lab = np.stack([lightness, scale.chroma * np.cos(hue), scale.chroma * np.sin(hue)], axis=-1)
    linear = (lab @ _TO_CONES.T) ** 3 @ _TO_LINEAR_RGB.T
    # The transfer function of sRGB, IEC 61966-2-1.
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)
    return np.clip(encoded, 0.0, 1.0)


def colorTable(scene: Any, kind: str) -> Any:
    """The scene's colour table of a kind, made if it has none; it is saved with the scene.

    A scene that was loaded into one that had the table already brings a second one: it is taken out again, and whoever used it
    gets the first.

    Args:
        scene: vtkMRMLScene.
        kind: `entropy` or `kl`.

    Returns:
        vtkMRMLColorTableNode.
    """
    found = [node for node in _nodesOf(scene, "vtkMRMLColorTableNode") if node.GetAttribute(TABLE_ATTRIBUTE) == kind]
    if not found:
        return _makeTable(scene, kind)
    kept, *others = found
    if kept.GetNumberOfColors() != COLORS:  # its file is not there any more
        _fill(kept, kind)
    for other in others:
        _replace(other, kept)
    return kept


def useScale(displayNode: Any, kind: str) -> None:
    """Show a display node's values in the colours and the range of a scale.

    Args:
        displayNode: of a scalar volume, or of a model with scalars.
        kind: `entropy` or `kl`.
    """
    scale = SCALES[kind]
    table = colorTable(displayNode.GetScene(), kind)
    modifying = displayNode.StartModify()
    displayNode.SetAndObserveColorNodeID(table.GetID())
    if displayNode.IsA("vtkMRMLScalarVolumeDisplayNode"):
        displayNode.SetAutoWindowLevel(False)
        displayNode.SetWindowLevelMinMax(0.0, scale.top)
    else:
        displayNode.SetScalarRangeFlag(displayNode.UseManualScalarRange)
        displayNode.SetScalarRange(0.0, scale.top)
    displayNode.EndModify(modifying)


def _makeTable(scene: Any, kind: str) -> Any:
    table = scene.CreateNodeByClass("vtkMRMLColorTableNode")
    table.SetName(SCALES[kind].tableName)
    table.SetAttribute(TABLE_ATTRIBUTE, kind)
    _fill(table, kind)
    scene.AddNode(table)
    table.UnRegister(None)
    return table


def _fill(table: Any, kind: str) -> None:
    modifying = table.StartModify()
    table.SetTypeToUser()
    table.SetNumberOfColors(COLORS)
    table.SetDescription(f"{SCALES[kind].title}, evenly in OKLCh")
    for entry, (red, green, blue) in enumerate(colorsOf(kind)):
        name = f"{SCALES[kind].top * entry / (COLORS - 1):.3f}"
        table.SetColor(entry, name, float(red), float(green), float(blue), 1.0)
    table.GetLookupTable().SetTableRange(0, COLORS - 1)
    table.EndModify(modifying)


def _replace(old: Any, new: Any) -> None:
    scene = old.GetScene()
    for node in _nodesOf(scene, "vtkMRMLDisplayNode"):
        if node.GetColorNodeID() == old.GetID():
            node.SetAndObserveColorNodeID(new.GetID())
    storage = old.GetStorageNode()  # those that were loaded have one
    scene.RemoveNode(old)
    if storage is not None:
        scene.RemoveNode(storage)


def _nodesOf(scene: Any, className: str) -> list[Any]:
    """In the order in which they came into the scene."""
    count = scene.GetNumberOfNodesByClass(className)
    return [scene.GetNthNodeByClass(index, className) for index in range(count)]
