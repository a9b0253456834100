"""The segmented cases of a scene, and what happens when a person deletes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk

from DualSSLSegmentationLib.scene.caseNodes import PREFIX, ROLES, SegmentedCase


def casesIn(scene: Any) -> tuple[SegmentedCase, ...]:
    """The segmented cases of a scene, in the order they were added."""
    nodes = scene.GetNodesByClass("vtkMRMLSegmentationNode")
    nodes.UnRegister(None)
    found = (nodes.GetItemAsObject(n) for n in range(nodes.GetNumberOfItems()))
    return tuple(SegmentedCase(node) for node in found if SegmentedCase.isOne(node))


class CaseWatch:
    """Removes the hidden nodes of a case whose segmentation is deleted; in no selector, they would stay for ever.

    Args:
        scene: to watch.
        onDeleted: told the segmentation node, first.
    """

    def __init__(self, scene: Any, onDeleted: Callable[[Any], None]) -> None:
        self._scene = scene
        self._onDeleted = onDeleted

        def removed(_scene: Any, _event: str, node: Any) -> None:
            if SegmentedCase.isOne(node):
                self._deleted(SegmentedCase(node))

        removed.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]
        self._observation: int | None = scene.AddObserver(scene.NodeRemovedEvent, removed)

    def stop(self) -> None:
        """Watch no longer. A second call does nothing."""
        if self._observation is not None:
            self._scene.RemoveObserver(self._observation)
            self._observation = None

    def _deleted(self, case: SegmentedCase) -> None:
        self._onDeleted(case.node)
        # A copy of a segmentation refers to the nodes of the original.
        shared = any(_references(other) & _references(case) for other in casesIn(self._scene))
        if not (self._scene.IsClosing() or shared):
            case.removeHelperNodes(self._scene)


def _references(case: SegmentedCase) -> set[str]:
    ids = (case.node.GetNodeReferenceID(PREFIX + role) for role in ROLES if role != "image")
    return {nodeId for nodeId in ids if nodeId}
