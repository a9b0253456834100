"""Additional layers of slice views: volumes above the background and the foreground that leave the user's own layers alone.

A vtkMRMLSliceCompositeNode keeps them in a list without gaps behind its three layers. Taking one out moves the volumes behind
it up, but not their opacities; that is made up for here. Layers are known by the id of their volume, so that they are also
found where that volume is gone.
"""

from __future__ import annotations

from typing import Any

_ROLE = "additionalLayerVolume"  # role of the node references of vtkMRMLSliceCompositeNode
_DEFAULT_OPACITY = 1.0  # what a composite node says of layers nobody set


def layersOf(compositeNode: Any) -> list[str]:
    """Ids of the volumes in the additional layers, from the lowest up."""
    count = compositeNode.GetNumberOfNodeReferences(_ROLE)
    return [compositeNode.GetNthNodeReferenceID(_ROLE, index) or "" for index in range(count)]


def addLayer(compositeNode: Any, volumeId: str, opacity: float) -> None:
    """Put a volume on top of the additional layers."""
    index = compositeNode.Layer_Last + len(layersOf(compositeNode))
    modifying = compositeNode.StartModify()
    compositeNode.SetNthLayerVolumeID(index, volumeId)
    compositeNode.SetNthLayerOpacity(index, opacity)
    compositeNode.EndModify(modifying)


def setLayerOpacity(compositeNode: Any, volumeId: str, opacity: float) -> None:
    """Set the opacity (0..1) of the layer with this volume; without one, nothing happens."""
    layers = layersOf(compositeNode)
    if volumeId in layers:
        compositeNode.SetNthLayerOpacity(compositeNode.Layer_Last + layers.index(volumeId), opacity)


def removeLayer(compositeNode: Any, volumeId: str) -> None:
    """Take a volume out of the additional layers; the others keep their order and opacities."""
    layers = layersOf(compositeNode)
    if volumeId not in layers:
        return
    first = compositeNode.Layer_Last
    index = layers.index(volumeId)
    opacities = [compositeNode.GetNthLayerOpacity(first + n) for n in range(len(layers))]
    opacities.pop(index)
    modifying = compositeNode.StartModify()
    compositeNode.SetNthLayerVolumeID(first + index, None)
    for n, opacity in enumerate([*opacities, _DEFAULT_OPACITY]):
        compositeNode.SetNthLayerOpacity(first + n, opacity)
    compositeNode.EndModify(modifying)
