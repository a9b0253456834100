"""A person at work on one segmented case: its review list, the edits, the region in front of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from DualSSLSegmentationLib.callbacks import Callbacks
from DualSSLSegmentationLib.display.navigation import RegionOutline, jumpTo
from DualSSLSegmentationLib.rendering import paused
from DualSSLSegmentationLib.review.answers import RegionMask, takeAnswer
from DualSSLSegmentationLib.review.editTracking import EditSummary, EditTracker
from DualSSLSegmentationLib.review.regionMask import removeLeftovers
from DualSSLSegmentationLib.review.reviewList import ReviewList
from DualSSLSegmentationLib.scene.predictionMaps import PredictionMaps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dualssl.review import PlacedRegion
    from DualSSLSegmentationLib.display.views import Views
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
    from DualSSLSegmentationLib.steps import Schedule


class CaseSession:
    """Opened on a case, closed when another is opened or the module is left for good.

    Args:
        case: whose nodes are all there.
        views: what the application shows.
        schedule: calls a function soon, from the event loop.

    Attributes:
        case: as given.
        review: its regions and their states.
        maps: what its prediction left besides the labels.
        onReview: told when a state, an answer or the region in front changes.
        onEdits: told an `EditSummary` when a person's voxels have changed.
    """

    def __init__(self, case: SegmentedCase, views: Views, schedule: Schedule) -> None:
        self.case = case
        self.review = ReviewList(case)
        self.maps = PredictionMaps(case)
        self.onReview = Callbacks()
        self.onEdits = Callbacks()
        self._views = views
        self._schedule = schedule
        self._closed = False
        self._outline = RegionOutline()
        self._mask: RegionMask | None = None
        self._current: int | None = None
        editor = views.segmentEditorNode()
        removeLeftovers(case.node, () if editor is None else (editor,))
        self._tracker = EditTracker(case, schedule, self._edited)
        scene = case.scene
        self._observed = [
            (case.node, case.node.AddObserver("ModifiedEvent", self._nodeModified)),
            (scene, scene.AddObserver(scene.StartSaveEvent, self._saving)),
            (scene, scene.AddObserver(scene.EndSaveEvent, self._saved)),
        ]
        self.review.changed.add(self.onReview)

    @property
    def current(self) -> PlacedRegion | None:
        """The region in front of the person, or None."""
        return None if self._current is None else self.review.region(self._current)

    @property
    def closed(self) -> bool:
        """Whether it has been closed, most likely because another case was taken in hand."""
        return self._closed

    @property
    def tracker(self) -> EditTracker:
        """What follows the person's edits."""
        return self._tracker

    @property
    def edits(self) -> EditSummary:
        """What a person has changed so far."""
        return self._tracker.summary()

    @property
    def onlyInsideRegion(self) -> bool:
        """Whether edits are held inside the current region."""
        return self._mask is not None

    @paused()
    def goTo(self, regionId: int) -> None:
        """Centre all slice views on a region and outline it."""
        region = self.review.region(regionId)
        self._current = regionId
        jumpTo(region, self._views.sliceNodes(), self.case.image)
        self._outline.show(self.case, regionId)
        if self._mask is not None:
            self.editOnlyInside(True)
        self.onReview()

    def next(self) -> None:
        """Go to the next region that nobody has decided on; from the last one on to the first."""
        self._step(self.review.next)

    def previous(self) -> None:
        """Go to the region before."""
        self._step(self.review.previous)

    def accept(self) -> None:
        """The current region is right as it stands now; go on to the next."""
        if self._current is not None:
            self.review.accept(self._current)
            self.next()

    def flag(self) -> None:
        """The current region needs somebody else's eyes; go on to the next."""
        if self._current is not None:
            self.review.flag(self._current)
            self.next()

    def reopen(self) -> None:
        """Take the decision on the current region back."""
        if self._current is not None:
            self.review.reopen(self._current)

    @paused()
    def take(self, source: str) -> int:
        """Give the current region the answer of network `a`, `b` or their `mean`, undoable.

        Returns:
            Voxels that changed.
        """
        if self._current is None:
            return 0
        changed = takeAnswer(self.case, self._current, source, self._views.saveStateForUndo)
        self.review.setAnswer(self._current, source)
        return changed

    @paused()
    def editOnlyInside(self, on: bool) -> None:
        """Hold the segment editor inside the current region, or let it go."""
        if self._mask is not None:
            self._mask.remove()
            self._mask = None
        # Asked only then: the editor's node is made when somebody asks for it, which a scene that closes has no room for.
        editor = self._views.segmentEditorNode() if on and self._current is not None else None
        if editor is not None and self._current is not None:
            self._mask = RegionMask(self.case, self._current, editor, self._maskEnded)

    @contextmanager
    def maskSuspended(self) -> Iterator[None]:
        """Inside, the segmentation is whole without the helper segment of `editOnlyInside`, and may be replaced as a whole."""
        mask = self._mask
        if mask is not None:
            mask.suspend()
        try:
            yield
        finally:
            if mask is not None and mask is self._mask:
                mask.resume()

    @paused()
    def predictionChanged(self) -> None:
        """The case has another prediction: its regions are new, and none is in front."""
        self.hideMarks()
        self._current = None
        self.review.edited(self._tracker)
        self.onReview()
        self.onEdits(self.edits)

    @paused()
    def showMarks(self) -> None:
        """Outline the region in front again."""
        if self._current is not None:
            self._outline.show(self.case, self._current)

    @paused()
    def hideMarks(self) -> None:
        """Take away what is only for the eyes and the editor: outline and mask."""
        self._outline.hide()
        self.editOnlyInside(False)

    def close(self) -> None:
        """End it: nothing of it stays in the scene but the case itself. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for caller, number in self._observed:
            caller.RemoveObserver(number)
        self.hideMarks()
        self._tracker.stop()
        self.review.stop()
        self.onReview.clear()
        self.onEdits.clear()

    def _step(self, choose: Callable[[int | None], PlacedRegion | None]) -> None:
        region = choose(self._current)
        if region is not None:
            self.goTo(region.id)

    def _maskEnded(self) -> None:
        self._mask = None
        self.onReview()

    def _saving(self, _caller: object, _event: str) -> None:
        if self._mask is not None:
            self._mask.suspend()

    def _saved(self, _caller: object, _event: str) -> None:
        if self._mask is not None:
            self._mask.resume()

    def _nodeModified(self, _caller: object, _event: str) -> None:
        # Undo and redo over a merge are told by nothing but the provenance, which the tracker brings back.
        if self.maps.follow():
            self._schedule(self._afterUndo)

    def _afterUndo(self) -> None:
        if not self._closed and self.case.scene is not None:
            self.predictionChanged()

    def _edited(self, summary: EditSummary) -> None:
        self.review.edited(self._tracker)
        self.onEdits(summary)
