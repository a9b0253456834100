"""Colour legends of the uncertainty scales.

Slicer shows the legend of a volume only where that volume is background, foreground or label layer, in 5.10 as in 5.12. The
legend of an additional layer therefore hangs on a model without a mesh, made for nothing else.
"""

from __future__ import annotations

from typing import Any

from DualSSLSegmentationLib.display.colorTables import SCALES, useScale
from DualSSLSegmentationLib.scene.helperNodes import addHelper, removeHelper

_WIDTH, _HEIGHT = 0.05, 0.3  # of the view; the size of the letters follows from the width
_RIGHT = 0.98
_BOTTOM = {"entropy": 0.9, "kl": 0.2}  # apart from each other, and above the ruler; 0 is the lower end, 1 the upper


class SliceLegend:
    """The legend of a scale in the slice views, there from the beginning until `remove`."""

    def __init__(self, scene: Any, kind: str) -> None:
        display = addHelper(scene, "vtkMRMLModelDisplayNode", f"DualSSL {kind} legend colors")
        display.SetVisibility3D(False)
        display.SetVisibility2D(True)
        useScale(display, kind)
        self._carrier = addHelper(scene, "vtkMRMLModelNode", f"DualSSL {kind} legend")
        self._carrier.SetAndObserveDisplayNodeID(display.GetID())
        self.node = addLegend(self._carrier, kind)

    @property
    def shown(self) -> bool:
        """Whether all of it is still in the scene."""
        return self._carrier.GetScene() is not None and self.node.GetScene() is not None

    def remove(self) -> None:
        """Take it out of the views and the scene."""
        removeHelper(self._carrier)


def addLegend(displayableNode: Any, kind: str) -> Any:
    """Give a node of some display node the legend of a scale; it goes when `removeHelper` removes the node.

    Returns:
        vtkMRMLColorLegendDisplayNode, seen wherever the node's display node is.
    """
    scale = SCALES[kind]
    display = displayableNode.GetDisplayNode()
    legend = addHelper(displayableNode.GetScene(), "vtkMRMLColorLegendDisplayNode", f"DualSSL {kind} legend")
    modifying = legend.StartModify()
    legend.SetTitleText(scale.title)
    legend.SetNumberOfLabels(scale.labels)
    legend.SetSize(_WIDTH, _HEIGHT)
    legend.SetPosition(_RIGHT, _BOTTOM[kind])
    legend.SetAndObservePrimaryDisplayNode(display)
    displayableNode.AddAndObserveDisplayNodeID(legend.GetID())
    # Last: being added to a displayable node is no event that the views' managers listen to, being modified is.
    legend.EndModify(modifying)
    return legend
