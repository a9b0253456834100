"""Nodes that only help to show something: in no selector, in no saved scene."""

from __future__ import annotations

from typing import Any


def addHelper(scene: Any, className: str, name: str, singletonTag: str | None = None) -> Any:
    """Add a node that is hidden from editors and selectors and never saved.

    Args:
        scene: where to.
        className: of the node.
        name: of the node; for whoever looks at the scene's hidden nodes.
        singletonTag: gives the node an id of its own that no other node can get, also not in a scene that is loaded later.
    """
    node = scene.CreateNodeByClass(className)
    node.SetName(name)
    # Before it is added: the subject hierarchy and the selectors look once.
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    if singletonTag is not None:
        node.SetSingletonTag(singletonTag)
    added = scene.AddNode(node)
    node.UnRegister(None)
    return added


def removeHelper(node: Any) -> None:
    """Remove such a displayable node and its display nodes from the scene they are in, if any."""
    displays = [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    # Display nodes last: a displayable node whose display node goes first asks for it in vain.
    for part in (node, *displays):
        if part is not None and part.GetScene() is not None:
            part.GetScene().RemoveNode(part)
