"""Short notes on the segments of a case that undo and redo carry along.

The undo history of the segment editor keeps the tags of a segment together with its voxels. So what is noted in a tag when
voxels are written tells later, after any number of steps back and forth, what the voxels belong to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from DualSSLSegmentationLib.scene.caseNodes import LABEL_VALUE_TAG, PREFIX
from DualSSLSegmentationLib.scene.structureSegments import isHelper, tagOf

BASELINE_NOTE = PREFIX + "Baseline"
"""Key of the prediction that edits of these voxels are measured against, see `baselines`."""
ANSWERS_NOTE = PREFIX + "Answers"
"""Answers that are in these voxels, see `answers`."""

_FIRST = 1e6


def carriers(segmentationNode: Any) -> list[Any]:
    """The segments that carry notes: those tagged as a structure's. A structure may have been removed: there may be none."""
    segmentation = segmentationNode.GetSegmentation()
    segments = [segmentation.GetSegment(i) for i in segmentation.GetSegmentIDs()]
    return [segment for segment in segments if segment.HasTag(LABEL_VALUE_TAG) and not isHelper(segment)]


def notes(segmentationNode: Any, name: str) -> tuple[str, ...]:
    """All different values of a note, in the order of the segments: one, unless segments were copied from elsewhere."""
    values = (tagOf(segment, name) for segment in carriers(segmentationNode))
    return tuple(dict.fromkeys(value for value in values if value is not None))


def setNote(segmentationNode: Any, name: str, value: str) -> None:
    """Write a note on all carriers. To the undo history this is a change like any other."""
    for segment in carriers(segmentationNode):
        segment.SetTag(name, value)


def setNoteUnnoticed(segmentationNode: Any, name: str, value: str) -> None:
    """Write a note on all carriers so that nobody is told, see `unnoticed`."""
    for segment in carriers(segmentationNode):
        with unnoticed(segment):
            segment.SetTag(name, value)


@contextmanager
def unnoticed(segment: Any) -> Iterator[None]:
    """Inside, changes of a vtkSegment's tags are told to nobody, so that the undo history keeps its steps forward.

    The history drops them at any change of a segment. That is right for voxels, and wrong for a mark that only says how far the
    review has come.
    """

    def stop(caller: Any, _event: str) -> None:
        # Observers of lower priority, the segmentation among them, are not called after this one.
        caller.GetCommand(number).AbortFlagOn()

    number = segment.AddObserver("ModifiedEvent", stop, _FIRST)
    try:
        yield
    finally:
        segment.RemoveObserver(number)


def notedAnswers(segmentationNode: Any) -> dict[int, str] | None:
    """Region id -> answer that is in the voxels of the segments; None where no segment could tell."""
    if not carriers(segmentationNode):
        return None
    # No JSON: a segmentation file separates its tags by ":" and "|".
    parts = [part.split("=") for part in "".join(notes(segmentationNode, ANSWERS_NOTE)[:1]).split(",") if "=" in part]
    return {int(number): answer for number, answer in parts if number.isdecimal()}


def noteAnswer(segmentationNode: Any, regionId: int, answer: str) -> None:
    """Note that the voxels of the segments now hold this answer for a region."""
    known = {**(notedAnswers(segmentationNode) or {}), regionId: answer}
    setNote(segmentationNode, ANSWERS_NOTE, ",".join(f"{number}={given}" for number, given in known.items()))
