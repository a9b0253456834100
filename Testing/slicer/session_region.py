"""A region of interest: placed with a button, dragged by its handle, segmented in, and out of the way after that."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import slicer
import vtk
from slicerSession import Session, run, say


def steps(session: Session) -> None:
    """Place, drag, segment, correct, adjust, and take the region away."""
    region = placing(session)
    dragging(session, region)
    segmenting(session, region)
    adjusting(session, region)
    session.panels.segment.roiSelector.setCurrentNode(None)
    session.turn()
    session.check(session.widget._parameterNode.roi is None, "without a region it is the whole volume again")
    slicer.mrmlScene.RemoveNode(region)
    session.turn()


def placing(session: Session) -> Any:
    """Where the slice views cross."""
    say("Placing")
    panel, image = session.panels.segment, session.widget._parameterNode.image
    session.press(panel.placeButton)
    region = session.widget._parameterNode.roi
    session.check(region is not None and panel.roiSelector.currentNode() is region, "the new region is chosen")
    bounds = [0.0] * 6
    image.GetRASBounds(bounds)
    session.check(all(length > 0 for length in region.GetSize()), "it has a size")
    session.check(_inside(_bounds(region), bounds), "it lies within the volume")
    session.picture("region_placed")
    return region


def dragging(session: Session, region: Any) -> None:
    """The handle at the edge of the frame follows the mouse."""
    say("Dragging")
    region.SetSize(20, 20, 12)
    session.turn()
    before = _bounds(region)
    centre = (before.reshape(3, 2)).mean(axis=1)
    start = _onScreen("Red", (before[0], centre[1], centre[2]))
    end = _onScreen("Red", (before[0] - 6, centre[1], centre[2]))
    session.stroke("Red", start, end)
    after = _bounds(region)
    session.check(abs(after[0] - before[0]) > 2, f"the edge has moved ({before[0]:.1f} to {after[0]:.1f} mm)")
    session.check(abs(after[1] - before[1]) < 0.5, "the edge on the other side has not")
    session.picture("region_dragged")


def segmenting(session: Session, region: Any) -> None:
    """Nothing is found outside; a frame without handles stays, and painting is not caught by it."""
    say("Segmenting")
    from DualSSLSegmentationLib.scene.roi import isAdjustable

    bounds = _bounds(region)
    session.segment()
    case = session.case.case
    session.check(np.allclose(case.provenance["roi"], bounds, atol=1e-3), "the region was segmented")
    entropy = slicer.util.arrayFromVolume(case.entropy)
    session.check(0 < np.count_nonzero(entropy) < entropy.size, "nothing is known outside of it")
    session.check(not isAdjustable(region), "its handles are gone")
    session.check(session.panels.segment.placeButton.text == "Adjust region", "the button brings them back")
    for note in (session.panels.segment.modelNote, session.panels.segment.sizeNote):
        session.check(not note.visible or note.height >= note.heightForWidth(note.width), f"{note.objectName} is seen whole")
    session.picture("region_segmented")
    session.unfold(session.panels.correct)
    session.editor.setActiveEffectByName("Paint")
    edge = _onScreen("Red", (bounds[0], (bounds[2] + bounds[3]) / 2, 0.0))
    session.stroke("Red", edge, (edge[0], edge[1] - 0.05))
    session.editor.setActiveEffect(None)
    session.check(np.allclose(_bounds(region), bounds, atol=1e-6), "a stroke over its frame does not move it")


def adjusting(session: Session, region: Any) -> None:
    """The handles come back."""
    say("Adjusting")
    from DualSSLSegmentationLib.scene.roi import isAdjustable

    session.unfold(session.panels.segment)
    session.press(session.panels.segment.placeButton)
    session.check(isAdjustable(region), "it has handles again")
    session.picture("region_adjusted")


def _bounds(region: Any) -> Any:
    found = [0.0] * 6
    region.GetRASBounds(found)
    return np.array(found)


def _inside(inner: Any, outer: Any) -> bool:
    return all(a >= b - 0.5 for a, b in zip(inner[::2], outer[::2], strict=True)) and all(
        a <= b + 0.5 for a, b in zip(inner[1::2], outer[1::2], strict=True)
    )


def _onScreen(view: str, ras: tuple[float, float, float]) -> tuple[float, float]:
    """A place in a slice view, as shares of its width and height from the top left."""
    node = slicer.app.layoutManager().sliceWidget(view).mrmlSliceNode()
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(node.GetXYToRAS())
    matrix.Invert()
    x, y = matrix.MultiplyPoint((*ras, 1.0))[:2]
    width, height = node.GetDimensions()[:2]
    return x / width, 1.0 - y / height


run(steps)
