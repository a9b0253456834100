"""What is shown of a case's review: its regions by rank, how far it has come, and what can be done with the region in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.review.caseSession import CaseSession


@dataclass(frozen=True)
class RegionRow:
    """A region as a line of a table; all but `id` and `decision` are texts for a person.

    Attributes:
        id: of the region.
        decision: `open`, `accepted` or `flagged`.
        rank, kind, volume, score, state: the cells; the volume in ml.
    """

    id: int
    decision: str
    rank: str
    kind: str
    volume: str
    score: str
    state: str


@dataclass(frozen=True)
class ReviewView:
    """The whole list.

    Attributes:
        summary: one sentence.
        rows: the most urgent first.
        current: id of the region in front, or None.
        onlyInside: whether edits are held inside it.
        next, previous, accept, flag, reopen, holdInside: of these controls.
        take: of the answers `a`, `b` and `mean`.
    """

    summary: str
    rows: tuple[RegionRow, ...]
    current: int | None
    onlyInside: bool
    next: Offer
    previous: Offer
    accept: Offer
    flag: Offer
    reopen: Offer
    holdInside: Offer
    take: dict[str, Offer]


def reviewView(session: CaseSession | None) -> ReviewView:
    """As things are; None is no case in hand."""
    entries = () if session is None else session.review.entries()
    current = None if session is None or session.current is None else session.current.id
    none = _("Segment a volume first") if session is None else ""
    left = session is not None and session.review.progress().open > 0
    nothing = none or ("" if left else _("No region is open"))
    unchosen = none or ("" if current is not None else _("Choose a region in the table, or press Next"))
    isOpen = session is None or current is None or session.review.entry(current).state == "open"
    answers = {
        "a": _("Give this region the answer of network A; it can be undone"),
        "b": _("Give this region the answer of network B; it can be undone"),
        "mean": _("Give this region the answer of both networks' mean; it can be undone"),
    }
    return ReviewView(
        _summary(session),
        tuple(_row(rank, entry) for rank, entry in enumerate(entries, 1)),
        current,
        session is not None and session.onlyInsideRegion,
        next=Offer(_("Next region that is still open, in all slice views (Shift+N)"), nothing),
        previous=Offer(_("Open region before, in all slice views (Shift+P)"), nothing),
        accept=Offer(_("This region is right as it is now; go on (Shift+A)"), unchosen),
        flag=Offer(_("Somebody else should look at this region; go on (Shift+F)"), unchosen),
        reopen=Offer(
            _("Take the decision on this region back; its voxels stay"),
            unchosen or (_("Nothing has been decided on this region") if isOpen else ""),
        ),
        holdInside=Offer(_("The segment editor leaves everything outside the region as it is"), unchosen),
        take={source: Offer(text, unchosen) for source, text in answers.items()},
    )


def stateText(entry: Any) -> str:
    """The state of a region in words."""
    answers = {"a": _("network A taken"), "b": _("network B taken"), "mean": _("mean taken")}
    states = {"open": _("open"), "accepted": _("accepted"), "flagged": _("flagged")}
    words = [states[entry.state]]
    if entry.answer:
        words.append(answers[entry.answer])
    if entry.touched:
        words.append(_("edited"))
    return ", ".join(words)


def _row(rank: int, entry: Any) -> RegionRow:
    region = entry.region
    kind = _("in conflict") if region.kind == "conflict" else _("ambiguous")
    return RegionRow(
        region.id, entry.state, str(rank), kind, f"{region.volume_ml:.2f}", f"{region.score:.2f}", stateText(entry)
    )


def _summary(session: CaseSession | None) -> str:
    if session is None:
        return _("Segment a volume, or choose a case, to see where to look.")
    done = session.review.progress()
    if session.review.problem:
        return session.review.problem
    if not done.regions:
        return _("Nothing stands out as uncertain in this case.")
    text = _("{decided} of {regions} regions decided, {flagged} flagged")
    return text.format(decided=len(session.review.decided()), regions=done.regions, flagged=done.flagged)
