"""What a prediction left of itself in a case besides the labels: exchanged at a merge, and brought back when that is undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from DualSSLSegmentationLib.scene.caseNodes import PREFIX

if TYPE_CHECKING:
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

_ROLES = ("entropy", "kl", "networkA", "networkB", "regionMap")
_ATTRIBUTES = tuple(PREFIX + name for name in ("scores", "regions"))
_PROVENANCE = PREFIX + "provenance"
_KEPT = 6
"""Predictions whose maps are kept for undo, a few megabytes to a few tens each. Of older ones only the labels come back."""


class PredictionMaps:
    """The maps, scores and regions of a case's predictions; the provenance says which prediction is in force.

    The nodes stay the same, so that what shows them goes on showing them; their voxels are exchanged. The first prediction
    itself and the provenance are brought back at undo by `baselines`.

    Args:
        case: whose maps they are.
    """

    def __init__(self, case: SegmentedCase) -> None:
        self._case = case
        self._inForce = _provenanceOf(case)
        self._kept: dict[str, _Maps] = {}

    def replace(self, fresh: SegmentedCase) -> None:
        """Take over maps, scores, regions and provenance of another case of the same image, which is of no use after that.

        The provenance gets a field more: `merged`, when that was (ISO 8601, UTC).
        """
        self._keep()
        # The time tells apart two predictions of one model within a second. Noted before it is written, which calls `follow`.
        provenance = {**fresh.provenance, "merged": datetime.now(timezone.utc).isoformat()}
        fresh.setJson("provenance", provenance)
        self._inForce = _provenanceOf(fresh)
        self._case.setJson("provenance", provenance)
        _takeNodes(fresh, self._case)
        _Maps.of(fresh).putInto(self._case)

    def follow(self) -> bool:
        """See whether undo or redo led to another prediction, and bring back what belongs to it.

        Returns:
            Whether it did.
        """
        now = _provenanceOf(self._case)
        if now == self._inForce:
            return False
        maps = self._kept.pop(now, None)
        self._keep()
        self._inForce = now
        if maps is not None:
            maps.putInto(self._case)
        return True

    def _keep(self) -> None:
        self._kept[self._inForce] = _Maps.of(self._case)
        while len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]


@dataclass(frozen=True)
class _Maps:
    """Voxels (vtkImageData) by role, and attributes as text."""

    images: Mapping[str, Any]
    attributes: Mapping[str, str | None]

    @classmethod
    def of(cls, case: SegmentedCase) -> _Maps:
        nodes = {role: case.reference(role) for role in _ROLES}
        images = {role: node.GetImageData() for role, node in nodes.items() if node is not None}
        return cls(images, {name: case.node.GetAttribute(name) for name in _ATTRIBUTES})

    def putInto(self, case: SegmentedCase) -> None:
        for role, image in self.images.items():
            node = case.reference(role)
            if node is not None and node.GetImageData() is not image:
                node.SetAndObserveImageData(image)
        for name, text in self.attributes.items():
            case.node.SetAttribute(name, text)


def _takeNodes(fresh: SegmentedCase, case: SegmentedCase) -> None:
    """Give a case the nodes that were deleted from it, and the place in space of the others."""
    for role in _ROLES:
        new, own = fresh.reference(role), case.reference(role)
        if new is None:
            continue
        if own is None:
            case.setReference(role, new)
            fresh.setReference(role, None)
        else:
            own.CopyOrientation(new)
            own.SetAndObserveTransformNodeID(new.GetTransformNodeID())


def _provenanceOf(case: SegmentedCase) -> str:
    return case.node.GetAttribute(_PROVENANCE) or ""
