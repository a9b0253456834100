"""What is shown where a corrected case is handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dualssl.cases.names import usable_name
from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.review.caseSession import CaseSession


class LookedAt:
    """Whether a person has looked at the whole case: as they say, and until they say, when every region is decided on."""

    def __init__(self) -> None:
        self._said: bool | None = None

    def say(self, whole: bool) -> None:
        """What the person says."""
        self._said = whole

    def forget(self) -> None:
        """Another case: nothing has been said of it."""
        self._said = None

    def whole(self, session: CaseSession | None) -> bool:
        """What is taken to be so."""
        if self._said is not None:
            return self._said
        review = None if session is None else session.review
        return review is not None and len(review.decided()) == len(review.entries()) > 0


@dataclass(frozen=True)
class HandoverView:
    """Of the one button that saves and stops.

    Attributes:
        button: its text.
        press: what pressing it does.
        wholeCase: of the box that says that all of it was looked at.
    """

    button: str
    press: Offer
    wholeCase: Offer


def handoverView(session: CaseSession | None, running: bool, caseName: str, reviewer: str, whole: bool) -> HandoverView:
    """As things are.

    Args:
        session: the case in hand, or None.
        running: whether a case is being saved.
        caseName, reviewer: as the person wrote them.
        whole: whether all of the case was looked at.
    """
    none = _("Segment a volume first") if session is None else ""
    wholeCase = Offer(
        _("Off: fine-tuning learns only from decided regions and from what you changed"),
        none or (_("The case is being saved") if running else ""),
    )
    if running:
        return HandoverView(_("Cancel"), Offer(_("Stop; the library stays as it was")), wholeCase)
    why = none
    if not why and not caseName.strip():
        why = _("Give the case a name first")
    if not why and not reviewer.strip():
        why = _("Name the reviewer first")
    if not why and not _anythingSeen(session, whole):
        why = _("Decide on a region, change something, or say that you have looked at the whole case")
    save = Offer(_("Write image, corrected labels and edits to the library"), why)
    return HandoverView(_("Save corrected case"), save, wholeCase)


def suggestedName(session: CaseSession) -> str:
    """A name for the case in the library, from that of its volume."""
    return usable_name(session.case.image.GetName())


def savedText(answer: Mapping[str, Any]) -> str:
    """What is said once the worker has saved a case."""
    return _("Saved as '{case}', version {version}.").format(case=answer["case"], version=answer["version"])


def _anythingSeen(session: CaseSession | None, whole: bool) -> bool:
    """Whether there is anything to learn from; a case of which nobody looked at anything ends a fine-tuning."""
    if session is None or whole or session.review.decided():
        return True
    edits = session.edits
    # Where edits cannot be told nothing is marked as unseen either.
    return bool(edits.voxels or edits.problem)
