"""A new prediction for a case that a person has worked on: the maps become the new ones, the person's voxels stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.review.protection import MergeChoice, merged
from DualSSLSegmentationLib.scene.caseNodes import CaseError, removeWithParts
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import volumeOf

if TYPE_CHECKING:
    from collections.abc import Callable

    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase


class OtherPredictionError(CaseError):
    """A prediction cannot be merged into a case, for it is one of other structures or of another image."""


def adopt(session: CaseSession, fresh: SegmentedCase, choice: MergeChoice, saveStateForUndo: Callable[[Any], object]) -> int:
    """Merge a new prediction into the case of a session; one step of the segment editor's undo brings everything back.

    The segmentation node stays, and with it the person's segments, views and undo history. The nodes of the new case are
    removed.

    Args:
        session: of the case that was worked on.
        fresh: the new prediction of the same image, on the same grid.
        choice: what happens to the person's work.
        saveStateForUndo: called with the segmentation before anything changes.

    Returns:
        Voxels whose label changed.

    Raises:
        OtherPredictionError: the two do not belong together; nothing has changed then.
        CaseError, VolumeError: nodes of the case are gone or do not fit; nothing has changed then.
    """
    case, tracker = session.case, session.tracker
    image, labels = case.image, case.labels
    _checkFit(case, fresh)
    volume = volumeOf(fresh.prediction)
    prediction = Volume(volume.array.copy(), volume.geometry)
    now = labelMapOf(case, labels, image).array
    result, protected = merged(now, tracker.editMask(), prediction.array, _reviewed(session), choice)
    session.hideMarks()
    with tracker.programmatic():
        saveStateForUndo(case.node)
        writeLabels(case.node, Volume(result, prediction.geometry), labels, only=None, undo=None)
        session.maps.replace(fresh)
        tracker.newBaseline(prediction, protected if protected.any() else None)
    fresh.removeHelperNodes()
    removeWithParts(fresh.node)
    session.predictionChanged()
    return int(np.count_nonzero(result != now))


def _checkFit(case: SegmentedCase, fresh: SegmentedCase) -> None:
    if fresh.image is not case.image:
        raise OtherPredictionError(f"'{case.node.GetName()}' was made from another volume: choose a segmentation of this one.")
    if fresh.labels.names != case.labels.names:
        raise OtherPredictionError(
            f"'{case.node.GetName()}' has the structures {', '.join(case.labels.names)}, the new result "
            f"{', '.join(fresh.labels.names)}: they are kept apart."
        )


def _reviewed(session: CaseSession) -> Any:
    """True in the regions that a person has decided on, or None where that cannot be told."""
    regionMap = session.case.regionMap
    return None if regionMap is None else np.isin(volumeOf(regionMap).array, session.review.decided())
