"""What is said of a person's edits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.review.editTracking import EditSummary


@dataclass(frozen=True)
class EditView:
    """Around a segment editor.

    Attributes:
        summary: one sentence.
        editable: whether there is something to edit.
        undo, redo: of these buttons.
    """

    summary: str
    editable: bool
    undo: Offer
    redo: Offer


def editView(session: CaseSession | None, canUndo: bool, canRedo: bool) -> EditView:
    """As things are, given whether there is a step back and a step forth."""
    none = _("Segment a volume first") if session is None else ""
    return EditView(
        editsText(None if session is None else session.edits),
        session is not None,
        Offer(_("Take the last change back"), none or ("" if canUndo else _("There is nothing to take back"))),
        Offer(_("Make the change again that was taken back"), none or ("" if canRedo else _("Nothing was taken back"))),
    )


def editsText(summary: EditSummary | None) -> str:
    """One sentence; None is no case in hand."""
    if summary is None:
        return _("Segment a volume first.")
    if summary.problem:
        return summary.problem
    if summary.overlapping:
        text = _("{count} voxels belong to two structures: decide before the case is saved")
        return text.format(count=f"{summary.overlapping:,}")
    if summary.voxels:
        return _("{count} voxels changed by hand").format(count=f"{summary.voxels:,}")
    return _("Nothing has been changed by hand.")
