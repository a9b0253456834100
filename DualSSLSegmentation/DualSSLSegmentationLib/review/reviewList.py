"""The review of a case's uncertain regions: in which order, what a person decided, and how far it has come.

The list is kept in the segmentation node (attribute `DualSSL.regions`), so it is saved with the scene; `ReviewList` only views
it. How far the review of a structure has come is shown as the status of its segment.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import slicer

from DualSSLSegmentationLib.callbacks import Callbacks
from DualSSLSegmentationLib.review.reviewEntries import ANSWERS, ReviewEntry, StoredEntries
from DualSSLSegmentationLib.scene.caseNodes import PREFIX, CaseError
from DualSSLSegmentationLib.scene.segmentNotes import notedAnswers, unnoticed
from DualSSLSegmentationLib.scene.structureSegments import structureSegments

if TYPE_CHECKING:
    from dualssl.review import PlacedRegion
    from DualSSLSegmentationLib.review.editTracking import EditTracker
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

_ATTRIBUTE = PREFIX + "regions"
_Statuses = slicer.vtkSlicerSegmentationsModuleLogic


@dataclass(frozen=True)
class Progress:
    """How many regions there are, how many in each state, and how many hold a person's voxels."""

    regions: int
    open: int
    accepted: int
    flagged: int
    touched: int


def statusOf(entries: Iterable[ReviewEntry], labelValue: int, edited: bool) -> int:
    """Status of a structure's segment, as a value of vtkSlicerSegmentationsModuleLogic.SegmentStatus.

    The regions inside the structure or in contact with it count. Flagged: one of them is. Completed: there are some, and all
    are accepted. InProgress: one is accepted, or a person changed the structure. NotStarted: all else.

    Args:
        entries: of the case.
        labelValue: of the structure.
        edited: whether a person changed the structure.
    """
    states = {entry.state for entry in entries if labelValue in entry.region.labels}
    if "flagged" in states:
        return int(_Statuses.Flagged)
    if states == {"accepted"}:
        return int(_Statuses.Completed)
    return int(_Statuses.InProgress if edited or "accepted" in states else _Statuses.NotStarted)


class ReviewList:
    """View of a case's regions. Several may view one case; each is told what any of them changes.

    What it cannot read in the node it leaves as it is, and says so in `problem`.

    Attributes:
        changed: called without arguments when a state, an answer, or which regions are touched has changed.
    """

    def __init__(self, case: SegmentedCase) -> None:
        self.changed = Callbacks()
        self._case = case
        self._stored = StoredEntries("")
        self._touched: frozenset[int] = frozenset()
        self._editedLabels: frozenset[int] = frozenset()
        # Regions whose answer changed voxels: undo takes both back.
        self._answered: frozenset[int] = frozenset()
        self._read()
        self._told = self._stored.text
        self._observation = case.node.AddObserver("ModifiedEvent", _weakly(self._nodeModified))

    def stop(self) -> None:
        """Look at the node no longer: nobody is told any more. A second call does nothing."""
        self._case.node.RemoveObserver(self._observation)
        self.changed.clear()

    @property
    def problem(self) -> str:
        """What of the list cannot be read, for a person; empty where all can."""
        self._read()
        return self._stored.problem

    def entries(self) -> tuple[ReviewEntry, ...]:
        """All regions in order of rank, the most urgent first."""
        self._read()
        return tuple(replace(entry, touched=entry.region.id in self._touched) for entry in self._stored.entries)

    def entry(self, regionId: int) -> ReviewEntry:
        """What is known of one region.

        Raises:
            CaseError: there is no such region.
        """
        for entry in self.entries():
            if entry.region.id == regionId:
                return entry
        raise CaseError(f"'{self._case.node.GetName()}' has no region {regionId}: choose one of its review list.")

    def region(self, regionId: int) -> PlacedRegion:
        """One region.

        Raises:
            CaseError: there is no such region.
        """
        return self.entry(regionId).region

    def decided(self) -> tuple[int, ...]:
        """Ids of the regions that a person accepted or took an answer for."""
        return tuple(entry.region.id for entry in self.entries() if entry.decided)

    def progress(self) -> Progress:
        """Where the review stands."""
        entries = self.entries()
        states = [entry.state for entry in entries]
        touched = sum(entry.touched for entry in entries)
        return Progress(len(entries), states.count("open"), states.count("accepted"), states.count("flagged"), touched)

    def next(self, current: int | None, openOnly: bool = True) -> PlacedRegion | None:
        """The region after `current` in order of rank; after the last one comes the first.

        Args:
            current: id of a region; None, or one that is not there, is before the first.
            openOnly: pass over regions that are accepted or flagged.

        Returns:
            `current` itself where it is the only one left; None where there is none.
        """
        return self._step(current, openOnly, 1)

    def previous(self, current: int | None, openOnly: bool = True) -> PlacedRegion | None:
        """The region before `current`; before the first one comes the last. Else as `next`."""
        return self._step(current, openOnly, -1)

    def accept(self, regionId: int) -> None:
        """The region is right as it stands now."""
        self._decide(regionId, state="accepted")

    def flag(self, regionId: int) -> None:
        """The region needs somebody else's eyes."""
        self._decide(regionId, state="flagged")

    def reopen(self, regionId: int) -> None:
        """Take the decision back. Voxels stay as they are."""
        self._decide(regionId, state="open", answer=None)
        self._answered -= {regionId}

    def setAnswer(self, regionId: int, source: str) -> None:
        """An answer was taken over for the region (see `answers.takeAnswer`), so it is accepted.

        Raises:
            ValueError: there is no such answer.
            CaseError: there is no such region.
        """
        if source not in ANSWERS:
            raise ValueError(f"an answer is one of {', '.join(ANSWERS)}, not '{source}'")
        self._decide(regionId, state="accepted", answer=source)
        if (notedAnswers(self._case.node) or {}).get(regionId) == source:
            self._answered |= {regionId}

    def edited(self, tracker: EditTracker) -> None:
        """Voxels of the case have changed: see which regions hold edits now, and whether undo took an answer back."""
        summary = tracker.summary()
        before, self._touched = self._touched, summary.regions
        self._editedLabels = frozenset(value for value, voxels in summary.byLabel.items() if voxels)
        self._followUndo()
        self._showStatus()
        if before != self._touched:
            self.changed()

    def _step(self, current: int | None, openOnly: bool, direction: int) -> PlacedRegion | None:
        entries = self.entries()
        ids = [entry.region.id for entry in entries]
        start = ids.index(current) if current in ids else (-1 if direction > 0 else 0)
        for n in range(1, len(entries) + 1):
            entry = entries[(start + direction * n) % len(entries)]
            if entry.state == "open" or not openOnly:
                return entry.region
        return None

    def _decide(self, regionId: int, **decision: str | None) -> None:
        self.entry(regionId)
        self._write({regionId: decision})
        self._showStatus()

    def _followUndo(self) -> None:
        """Take answers back whose voxels were undone, and give those back that were redone."""
        noted = notedAnswers(self._case.node)
        if noted is None:
            return
        decisions: dict[int, dict[str, str | None]] = {}
        for entry in self.entries():
            there = noted.get(entry.region.id)
            if entry.region.id in self._answered and there != entry.answer:
                without = "open" if entry.state == "accepted" else entry.state
                decisions[entry.region.id] = {"state": without if there is None else "accepted", "answer": there}
        self._write(decisions)

    def _write(self, decisions: dict[int, dict[str, str | None]]) -> None:
        if not decisions:
            return
        try:
            self._case.setJson("regions", self._stored.decided(decisions))
        except ValueError as error:
            raise CaseError(
                f"The review list of '{self._case.node.GetName()}' holds something that cannot be stored again ({error}), so "
                "this decision cannot be kept: load an earlier copy of the scene, or segment the image again."
            ) from error

    def _read(self) -> None:
        text = self._case.node.GetAttribute(_ATTRIBUTE) or ""
        if text == self._stored.text:
            return
        before, self._stored = self._stored, StoredEntries.of(text, self._case.node.GetName())
        if [entry.region for entry in before.entries] != [entry.region for entry in self._stored.entries]:
            noted = notedAnswers(self._case.node) or {}
            same = (e.region.id for e in self._stored.entries if e.answer is not None and noted.get(e.region.id) == e.answer)
            self._answered = frozenset(same)
            self._touched = frozenset()

    def _nodeModified(self) -> None:
        self._read()
        if self._stored.text != self._told:
            self._told = self._stored.text
            self.changed()

    def _showStatus(self) -> None:
        """Show on the segments how far the review has come."""
        node, entries = self._case.node, self._stored.entries
        for value, segmentId in structureSegments(node, self._case.labels).byValue.items():
            segment = node.GetSegmentation().GetSegment(segmentId)
            status = statusOf(entries, value, value in self._editedLabels)
            if _Statuses.GetSegmentStatus(segment) == status:
                continue
            with unnoticed(segment):
                _Statuses.SetSegmentStatus(segment, status)
            node.StorableModified()
            # For lists of segments; the undo history listens to the segmentation, not to its node.
            node.InvokeEvent(slicer.vtkSegmentation.SegmentModified, segmentId)


def _weakly(method: Any) -> Any:
    """An observer that does not keep the method's object alive."""
    reference = weakref.WeakMethod(method)

    def observer(_caller: Any, _event: str) -> None:
        alive = reference()
        if alive is not None:
            alive()

    return observer
