"""Take over, in one region, what network A, network B or their mean says there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.review.regionMask import RegionMask, regionVoxels
from DualSSLSegmentationLib.scene.caseNodes import CaseError
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, writeLabels
from DualSSLSegmentationLib.scene.segmentNotes import noteAnswer
from DualSSLSegmentationLib.scene.volumes import volumeOf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

__all__ = ["RegionMask", "takeAnswer"]

_SOURCES = {"a": "networkA", "b": "networkB", "mean": "prediction"}
_WORDS = {"a": "network A", "b": "network B", "mean": "the mean of both networks"}


def takeAnswer(case: SegmentedCase, regionId: int, source: str, saveStateForUndo: Callable[[Any], None]) -> int:
    """Give the voxels of a region, and no others, the labels of an answer; segments of a person's own stay as they are.

    A person decided so: where the answer is not the prediction, the voxels count as theirs. The segment editor's undo takes it
    back in one step.

    Args:
        case: whose region it is.
        regionId: of the region.
        source: `a`, `b` or `mean`.
        saveStateForUndo: called with the segmentation node before the first change; not called where nothing changes.

    Returns:
        Voxels whose label changed.

    Raises:
        ValueError: there is no such source.
        CaseError: the image, the map of regions or the answer are gone, or they do not fit each other.
    """
    if source not in _SOURCES:
        raise ValueError(f"an answer is one of {', '.join(_SOURCES)}, not '{source}'")
    region, answer = regionVoxels(case, regionId), _labelsOf(case, source)
    image, labels = case.image, case.labels
    now = labelMapOf(case, labels, image).array
    if answer.shape != now.shape:
        raise CaseError(
            f"The answer of {_WORDS[source]} for '{case.node.GetName()}' does not fit its image: segment the image again."
        )
    changed = int(np.count_nonzero(region & (now != answer)))
    if changed:
        grid = volumeOf(image).geometry
        writeLabels(case.node, Volume(answer, grid), labels, only=region, undo=lambda: saveStateForUndo(case.node))
        noteAnswer(case.node, regionId, source)
    return changed


def _labelsOf(case: SegmentedCase, source: str) -> NDArray[Any]:
    node = case.reference(_SOURCES[source])
    if node is None:
        raise CaseError(
            f"The answer of {_WORDS[source]} for '{case.node.GetName()}' was deleted: load the scene again, or segment the "
            "image again."
        )
    return volumeOf(node).array
