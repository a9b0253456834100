"""Which nodes of a scene a qMRMLNodeComboBox offers: Slicer's rules for types, hidden nodes and attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class NodeFilter:
    """The rules of one selector.

    Attributes:
        types: classes that are offered, with what derives from them; empty: all.
        hiddenTypes: derived classes that are not offered.
        attributes: type -> (name of an attribute that a node must have, its value or None for any).
        showHidden: whether nodes that hide from editors are offered.
        showChildTypes: whether derived classes are offered.
    """

    types: list[str] = field(default_factory=list)
    hiddenTypes: list[str] = field(default_factory=list)
    attributes: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    showHidden: bool = False
    showChildTypes: bool = True

    def accepts(self, node: Any) -> bool:
        """Whether a node is offered."""
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        for nodeType in self.types:
            if not node.IsA(nodeType) or (not self.showChildTypes and nodeType != node.GetClassName()):
                continue
            if self.showChildTypes and any(node.IsA(hidden) for hidden in self.hiddenTypes):
                return False
            name, value = self.attributes.get(nodeType, ("", None))
            return not name or (node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name)))
        return not self.types

    def nodesOf(self, scene: Any) -> list[Any]:
        """The nodes of a scene that are offered, in its order."""
        if scene is None:
            return []
        # Asked after each change of any node: the C++ of the scene looks through the others faster.
        [wanted] = self.types if len(self.types) == 1 else ("vtkMRMLNode",)
        count = scene.GetNumberOfNodesByClass(wanted)
        every = (scene.GetNthNodeByClass(index, wanted) for index in range(count))
        return [node for node in every if self.accepts(node)]
