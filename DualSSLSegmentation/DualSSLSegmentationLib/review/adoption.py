"""A new prediction for a case that a person has worked on: the maps become the new ones, the person's voxels stay."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.review.protection import MergeChoice, merged
from DualSSLSegmentationLib.scene.caseNodes import CaseError, removeWithParts
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import volumeOf
from DualSSLSegmentationLib.steps import runAll

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

_ATTEMPTS = 3
"""So often a merge is worked out in steps; who goes on painting meanwhile has the next one worked out in one go."""


class OtherPredictionError(CaseError):
    """A prediction cannot be merged into a case, for it is one of other structures or of another image."""


def adoptSteps(
    session: CaseSession, fresh: SegmentedCase, choice: MergeChoice, saveStateForUndo: Callable[[Any], object]
) -> Generator[str, None, int]:
    """Merge a new prediction into the case of a session; one step of the segment editor's undo brings everything back.

    The segmentation node stays, and with it the person's segments, views and undo history. The nodes of the new case are of no
    use afterwards, see `removeAll`. What is worked out in the first steps is worked out again if the person has changed
    anything meanwhile; all that undo must bring back together is written in the last one.

    Closed early, the new case is removed.

    Args:
        session: of the case that was worked on.
        fresh: the new prediction of the same image, on the same grid.
        choice: what happens to the person's work.
        saveStateForUndo: called with the segmentation before anything changes.

    Yields:
        What the next step does, for a person.

    Returns:
        Voxels whose label changed, as the value of StopIteration.

    Raises:
        OtherPredictionError: the two do not belong together; nothing has changed then.
        CaseError, VolumeError: nodes of the case are gone or do not fit; nothing has changed then.
    """
    try:
        plan = yield from _planned(session, fresh, choice)
    except GeneratorExit:
        removeAll(fresh)
        raise
    _write(session, fresh, plan, saveStateForUndo)
    session.predictionChanged()
    return plan.changed


def removeAll(case: SegmentedCase) -> None:
    """Remove a case and what is of no use without it; nothing happens where its scene is gone."""
    case.removeHelperNodes()
    removeWithParts(case.node)


def adopt(session: CaseSession, fresh: SegmentedCase, choice: MergeChoice, saveStateForUndo: Callable[[Any], object]) -> int:
    """All of `adoptSteps` and `removeAll` at once, for scripts and tests. Returns and raises what the former does."""
    changed = int(runAll(adoptSteps(session, fresh, choice, saveStateForUndo)))
    removeAll(fresh)
    return changed


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is to be written, all (k, j, i).

    Attributes:
        prediction: the new one, copied out of the scene.
        labels: the new label map.
        protected: not 0 where voxels are the person's.
        changed: voxels whose label changes.
    """

    prediction: Volume
    labels: NDArray[np.uint8]
    protected: NDArray[np.uint8]
    changed: int


def _planned(session: CaseSession, fresh: SegmentedCase, choice: MergeChoice) -> Generator[str, None, _Plan]:
    """Work out a merge that fits what the case is when the last step has been taken."""
    case, tracker = session.case, session.tracker
    for attempt in range(_ATTEMPTS):
        pausing = attempt < _ATTEMPTS - 1
        if pausing:
            yield "Comparing with your work"
        stamp = _stamp(session)
        _checkFit(case, fresh)
        volume = volumeOf(fresh.prediction)
        prediction = Volume(volume.array.copy(), volume.geometry)
        now = labelMapOf(case, case.labels, case.image).array
        edits = tracker.editMask()
        if pausing:
            yield "Bringing both together"
        reviewed = _reviewed(session) if choice is MergeChoice.onlyUntouched else None
        result, protected = merged(now, edits, prediction.array, reviewed, choice)
        if pausing:
            yield "Writing the new result"
        if _stamp(session) == stamp:
            return _Plan(prediction, result, protected, int(np.count_nonzero(result != now)))
    raise AssertionError("what is worked out in one go fits")


def _stamp(session: CaseSession) -> tuple[Any, ...]:
    """What is another one after the person has changed anything that a merge is worked out from."""
    if session.closed:
        raise CaseError("The segmentation that the result was to be merged into is not in hand any more.")
    return session.tracker.stamp, session.review.decided()


def _write(session: CaseSession, fresh: SegmentedCase, plan: _Plan, saveStateForUndo: Callable[[Any], object]) -> None:
    case, tracker = session.case, session.tracker
    session.hideMarks()
    with tracker.programmatic():
        saveStateForUndo(case.node)
        writeLabels(case.node, Volume(plan.labels, plan.prediction.geometry), case.labels, only=None, undo=None)
        session.maps.replace(fresh)
        tracker.newBaseline(plan.prediction, plan.protected if plan.protected.any() else None)


def _checkFit(case: SegmentedCase, fresh: SegmentedCase) -> None:
    if fresh.scene is None or fresh.missing():
        raise CaseError("A part of the new result was removed from the scene meanwhile: segment the volume again.")
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
