"""Which nodes and attributes make up a segmented case: the one definition of their names.

A segmented case is a segmentation node. All else hangs on it by node references and attributes, which a scene saves.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from dualssl.errors import DatasetError, DualSSLError
from dualssl.labels import LabelTable

PREFIX = "DualSSL."

_ROLE_WORDS: dict[str, str] = {
    "image": "the image",
    "entropy": "the entropy map",
    "kl": "the map of the networks' disagreement (KL)",
    "prediction": "the first prediction",
    "networkA": "the answer of network A",
    "networkB": "the answer of network B",
    "regionMap": "the map of uncertain regions",
    "protectedEdits": "the mask of protected edits",
}
ROLES: tuple[str, ...] = tuple(_ROLE_WORDS)
"""Roles of the nodes that a case refers to; the name of the node reference is `PREFIX` + role."""
OPTIONAL_ROLES = frozenset({"protectedEdits"})
"""Roles that a complete case may lack."""
ATTRIBUTES: tuple[str, ...] = ("provenance", "labels", "regions", "scores", "started")
"""Attributes of a case, JSON text; the name of the node attribute is `PREFIX` + attribute."""

LABEL_VALUE_TAG = PREFIX + "LabelValue"
"""Tag of a segment: its value in label maps, as text."""
ROLE_TAG = PREFIX + "Role"
"""Tag of a segment that only helps, such as a region's mask; it is no structure."""


class CaseError(DualSSLError):
    """A segmented case in the scene lacks a node or an attribute, or does not fit what is to be done with it."""


class SegmentedCase:
    """View of a segmentation node as a segmented case; it holds no state of its own, so any number may view one node.

    Attributes and roles are named with or without `PREFIX`.
    """

    def __init__(self, segmentationNode: Any) -> None:
        """View `segmentationNode` (vtkMRMLSegmentationNode)."""
        self._node = segmentationNode

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SegmentedCase) and other.node is self._node

    def __hash__(self) -> int:
        return hash(self._node)

    @staticmethod
    def isOne(node: Any) -> bool:
        """Whether a node (or None) is the segmentation node of a segmented case."""
        return node is not None and node.IsA("vtkMRMLSegmentationNode") and bool(node.GetAttribute(PREFIX + "labels"))

    @property
    def node(self) -> Any:
        """The segmentation node."""
        return self._node

    @property
    def scene(self) -> Any:
        """The scene, or None where the segmentation was removed from it."""
        return self._node.GetScene()

    @property
    def image(self) -> Any:
        """The volume that was segmented, or None."""
        return self.reference("image")

    @property
    def entropy(self) -> Any:
        """Scalar volume of the normalised entropy, 0..1, or None."""
        return self.reference("entropy")

    @property
    def kl(self) -> Any:
        """Scalar volume of the KL divergence between the networks, nats, or None."""
        return self.reference("kl")

    @property
    def prediction(self) -> Any:
        """Label map volume of the first prediction, against which edits are measured, or None."""
        return self.reference("prediction")

    @property
    def networkA(self) -> Any:
        """Label map volume of network A, or None."""
        return self.reference("networkA")

    @property
    def networkB(self) -> Any:
        """Label map volume of network B, or None."""
        return self.reference("networkB")

    @property
    def regionMap(self) -> Any:
        """Label map volume whose values are ids of regions, or None."""
        return self.reference("regionMap")

    @property
    def protectedEdits(self) -> Any:
        """Label map volume with 1 where a person edited before the last merge, or None."""
        return self.reference("protectedEdits")

    def reference(self, role: str) -> Any:
        """The node in a role, or None where there is none or it was deleted."""
        return self._node.GetNodeReference(_qualified(role, ROLES))

    def setReference(self, role: str, node: Any) -> None:
        """Put a node of the same scene into a role; None takes out what is there (the node itself stays in the scene)."""
        self._node.SetNodeReferenceID(_qualified(role, ROLES), None if node is None else node.GetID())

    @property
    def labels(self) -> LabelTable:
        """The structures and their values.

        Raises:
            CaseError: they are not there or cannot be read.
        """
        try:
            return LabelTable.from_json(self._json("labels", []))
        except (DatasetError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise self._garbled("labels") from error

    @property
    def provenance(self) -> dict[str, Any]:
        """Which model made the prediction, when and on what; empty where that is not known."""
        return dict(self._json("provenance", {}))

    @property
    def scores(self) -> dict[str, Any]:
        """Scores of the whole case, see `dualssl.review.CaseScores`; empty where that is not known."""
        return dict(self._json("scores", {}))

    @property
    def started(self) -> datetime | None:
        """When the review began."""
        text = self._json("started", "")
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError as error:
            raise self._garbled("started") from error

    @property
    def regionEntries(self) -> list[dict[str, Any]]:
        """The regions in order of rank: `region` (see `dualssl.review.PlacedRegion`), `state`, `answer`, `changed`."""
        entries = self._json("regions", [])
        if not all(isinstance(entry, dict) and isinstance(entry.get("region"), dict) for entry in entries):
            raise self._garbled("regions")
        return list(entries)

    def setJson(self, attribute: str, data: Any) -> None:
        """Store plain data in one of `ATTRIBUTES`; None removes it. The node is modified only where the text changes.

        Raises:
            ValueError: the data hold NaN or infinity, or there is no such attribute.
            TypeError: the data are not plain.
        """
        name = _qualified(attribute, ATTRIBUTES)
        # ASCII only: whatever the system's locale is, the text comes back from a scene file as it was.
        text = None if data is None else json.dumps(data, allow_nan=False, separators=(",", ":"))
        self._node.SetAttribute(name, text)

    def missing(self) -> tuple[str, ...]:
        """In words for a person, the parts of a complete case that are not there, most likely because they were deleted."""
        return tuple(
            words for role, words in _ROLE_WORDS.items() if role not in OPTIONAL_ROLES and self.reference(role) is None
        )

    def helperNodes(self, scene: Any = None) -> tuple[Any, ...]:
        """What is of no use without the segmentation: all referenced nodes that are in the scene, but the image.

        Args:
            scene: where to look; only needed once the segmentation itself has left its scene.
        """
        place = scene or self.scene
        if place is None:
            return ()
        ids = (self._node.GetNodeReferenceID(PREFIX + role) for role in ROLES if role != "image")
        found = (place.GetNodeByID(nodeId or "") for nodeId in ids)
        return tuple(node for node in found if node is not None)

    def removeHelperNodes(self, scene: Any = None) -> None:
        """Remove the helper nodes from the scene; `scene` as in `helperNodes`."""
        for node in self.helperNodes(scene):
            removeWithParts(node)

    def _json(self, attribute: str, default: Any) -> Any:
        """Stored data; `default` where there are none, and a check that they are of the same kind as `default`."""
        text = self._node.GetAttribute(PREFIX + attribute)
        if not text:
            return default
        try:
            data = json.loads(text)
        except ValueError as error:
            raise self._garbled(attribute) from error
        if not isinstance(data, type(default)):
            raise self._garbled(attribute)
        return data

    def _garbled(self, attribute: str) -> CaseError:
        return CaseError(
            f"What the scene says of '{self._node.GetName()}' cannot be read (attribute {PREFIX}{attribute}): load an earlier "
            "copy of the scene, or segment the image again."
        )


def removeWithParts(node: Any) -> None:
    """Remove a node from its scene, and its display and storage nodes where no other node uses them."""
    scene = node.GetScene()
    if scene is None:
        return
    parts = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    parts += [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
    scene.RemoveNode(node)
    for part in parts:
        if part is not None and part.GetScene() is scene and _userOf(part) is None:
            scene.RemoveNode(part)


def _userOf(part: Any) -> Any:
    """A node that uses a display or storage node, or None."""
    return part.GetDisplayableNode() if part.IsA("vtkMRMLDisplayNode") else part.GetStorableNode()


def _qualified(name: str, known: tuple[str, ...]) -> str:
    short = name.removeprefix(PREFIX)
    if short not in known:
        raise ValueError(f"a segmented case has no '{name}', only {', '.join(known)}")
    return PREFIX + short
