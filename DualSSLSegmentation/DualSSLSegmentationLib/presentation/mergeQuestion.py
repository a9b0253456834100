"""What is asked before a new prediction meets a person's work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from DualSSLSegmentationLib.review.protection import MergeChoice
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.review.caseSession import CaseSession

NEW = "new"
"""The answer that leaves the work alone and makes a segmentation of its own."""


@dataclass(frozen=True)
class MergeQuestion:
    """A question and its answers, the first of which is the safest.

    Attributes:
        title: in two words.
        text: what is at stake.
        detail: what is asked.
        answers: text and what it stands for: a `MergeChoice`, or `NEW`.
    """

    title: str
    text: str
    detail: str
    answers: tuple[tuple[str, MergeChoice | str], ...]


def mergeQuestion(voxels: int) -> MergeQuestion:
    """The question, given how many voxels a person has changed."""
    return MergeQuestion(
        _("Segment again"),
        _("You have worked on this segmentation ({voxels} voxels changed).").format(voxels=f"{voxels:,}"),
        _("How shall the new result come together with it? Undo brings the present state back."),
        (
            (_("Keep my voxels"), MergeChoice.keepMine),
            (_("Only where I did nothing"), MergeChoice.onlyUntouched),
            (_("Take the model's"), MergeChoice.takeModel),
            (_("New segmentation"), NEW),
        ),
    )


def needsAsking(session: CaseSession | None, image: Any) -> bool:
    """Whether a new segmentation of a volume would meet a person's work."""
    if session is None or session.case.image is not image:
        return False
    return bool(session.edits.voxels or session.review.decided())


def mergeFor(session: CaseSession | None, image: Any, answer: MergeChoice | str | None) -> tuple[Any, MergeChoice] | None:
    """What `Workspace.segment` takes as `merge`.

    Args:
        session: the case in hand.
        image: to be segmented.
        answer: to `mergeQuestion`; None where nothing had to be asked.
    """
    if session is None or session.case.image is not image or answer == NEW:
        return None
    return session.case.node, answer if isinstance(answer, MergeChoice) else MergeChoice.takeModel
