"""What a person changed in a segmented case, however and wherever they did it.

A voxel counts as a person's where its label is not that of the first prediction, or where it was a person's before the last
merge. Nothing else is stored: a stroke that is undone is no edit any more, and the edits survive saving and loading the scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.review.baselines import Baselines
from DualSSLSegmentationLib.scene.caseNodes import CaseError
from DualSSLSegmentationLib.scene.segmentation import labelMapOf
from DualSSLSegmentationLib.scene.structureSegments import isHelper, labelValueOf
from DualSSLSegmentationLib.scene.volumes import checkSameGrid, contentId, geometryOf, volumeOf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.volumes.volume import Volume
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
    from DualSSLSegmentationLib.steps import Schedule

# Strokes fire several of these, undo only SegmentModified, some writers only one of the others.
_EVENTS = ("SourceRepresentationModified", "RepresentationModified", "SegmentModified", "SegmentAdded", "SegmentRemoved")


@dataclass(frozen=True)
class EditSummary:
    """What a person changed so far.

    Attributes:
        voxels: that are a person's.
        byLabel: for each label value, the voxels that joined or left it against the first prediction.
        regions: ids of the regions that hold a voxel of a person's.
        unknown: names of segments that stand for no structure; they are nobody's edits.
        overlapping: voxels that lie in more than one structure's segment.
        problem: why edits cannot be told at the moment, for a person to read; empty where they can. The rest is empty then.
    """

    voxels: int = 0
    byLabel: Mapping[int, int] = field(default_factory=dict)
    regions: frozenset[int] = frozenset()
    unknown: tuple[str, ...] = ()
    overlapping: int = 0
    problem: str = ""


class EditTracker:
    """Follows a segmented case; tells when a person's voxels have changed, once for a burst of changes.

    Args:
        case: whose nodes are all there.
        schedule: calls a function soon, from the event loop.
        onChanged: told the new `EditSummary`.

    Attributes:
        passes: how often the voxels were looked at.

    Raises:
        CaseError: image or prediction are gone.
    """

    def __init__(self, case: SegmentedCase, schedule: Schedule, onChanged: Callable[[EditSummary], None]) -> None:
        self.passes = 0
        self._case = case
        self._schedule = schedule
        self._onChanged = onChanged
        self._stopped = False
        self._scheduled = False
        self._silent = 0
        _checkThere(case)
        self._baselines = Baselines(case)
        self._observed: list[tuple[Any, int]] = []
        self._segmentation: Any = None
        self._observe()
        self._seen: tuple[Any, ...] | None = None
        self._now = _Edits(EditSummary(), None)
        self._look()
        self._told = self._now

    def summary(self) -> EditSummary:
        """What a person changed, as of this moment."""
        self._look()
        return self._now.summary

    @property
    def stamp(self) -> tuple[Any, ...]:
        """What is another one after anything has changed that edits are told from; no voxel is looked at."""
        return self._state()

    def editMask(self) -> NDArray[np.uint8]:
        """1 where a voxel is a person's, on the image's grid (k, j, i), as of this moment; a new array.

        Raises:
            CaseError: edits cannot be told, most likely because nodes of the case were deleted.
        """
        self._look()
        if self._now.mask is None:
            raise CaseError(self._now.summary.problem)
        return self._now.mask.astype(np.uint8)

    @contextmanager
    def programmatic(self) -> Iterator[None]:
        """Inside, the program writes and nothing is looked at; afterwards there is one look.

        What is written is no edit of a person if it is the prediction's, or if the block calls `newBaseline` with it.
        """
        self._silent += 1
        try:
            yield
        finally:
            self._silent -= 1
            self._request()

    def newBaseline(self, prediction: Volume, protected: NDArray[np.generic] | None) -> None:
        """Measure edits against another prediction from now on; it becomes the case's first prediction.

        To be called after the state before the merge was saved for undo and its voxels and provenance were written. Undoing the
        merge then brings back the old baseline, its protected voxels and its provenance, and redoing it these.

        Args:
            prediction: label map on the image's grid.
            protected: not 0 where voxels stay a person's; None for nowhere.

        Raises:
            CaseError: image or prediction of the case are gone.
            VolumeError: the new prediction is on another grid.
        """
        _checkThere(self._case)
        image = self._case.image
        checkSameGrid("The new prediction", prediction.geometry, geometryOf(image), image.GetName())
        self._baselines.replace(prediction.array, protected)
        self._request()

    def stop(self) -> None:
        """Follow no longer: nobody is told any more. A second call does nothing."""
        self._stopped = True
        self._unobserve()

    def _observe(self) -> None:
        node = self._case.node
        self._segmentation = node.GetSegmentation()
        # The segmentation, not the node, is observed: the node holds its events back while an undo goes on.
        for event in _EVENTS:
            number = self._segmentation.AddObserver(getattr(slicer.vtkSegmentation, event), self._changed)
            self._observed.append((self._segmentation, number))
        self._observed.append((node, node.AddObserver(node.SegmentationChangedEvent, self._otherSegmentation)))

    def _unobserve(self) -> None:
        for caller, number in self._observed:
            caller.RemoveObserver(number)
        self._observed = []

    def _otherSegmentation(self, _caller: Any, _event: str) -> None:
        self._unobserve()
        self._observe()
        self._request()

    def _changed(self, _caller: Any, _event: str) -> None:
        self._request()

    def _request(self) -> None:
        if not (self._stopped or self._silent or self._scheduled):
            self._scheduled = True
            self._schedule(self._pass)

    def _pass(self) -> None:
        self._scheduled = False
        if self._stopped:
            return
        self._look()
        if self._now != self._told:
            self._told = self._now
            self._onChanged(self._now.summary)

    def _look(self) -> None:
        """Bring `_now` up to date, if anything that it depends on has changed."""
        if self._stopped or self._silent or self._case.scene is None or self._state() == self._seen:
            return
        self.passes += 1
        try:
            _checkThere(self._case)
            self._baselines.followUndo()
            self._now = self._edits()
        except DualSSLError as error:
            self._now = _Edits(EditSummary(problem=str(error)), None)
        self._seen = self._state()

    def _state(self) -> tuple[Any, ...]:
        """What tells, without looking at voxels, whether they may have changed."""
        node = self._case.node
        segmentation = node.GetSegmentation()
        source = segmentation.GetSourceRepresentationName()
        segments = []
        for segmentId in segmentation.GetSegmentIDs():
            segment = segmentation.GetSegment(segmentId)
            if not isHelper(segment):
                voxels = segment.GetRepresentation(source)
                time = None if voxels is None else (voxels.GetAddressAsString(""), voxels.GetMTime())
                segments.append((segmentId, segment.GetName(), labelValueOf(segment), segment.GetLabelValue(), time))
        case = self._case
        volumes = [None if v is None else contentId(v) for v in (case.image, case.prediction, case.regionMap)]
        return source, tuple(segments), tuple(volumes), self._baselines.state

    def _edits(self) -> _Edits:
        case, baseline = self._case, self._baselines.current
        labels = case.labels
        found = labelMapOf(case, labels, case.image)
        if found.array.shape != baseline.prediction.shape:
            raise CaseError(f"The first prediction of '{case.node.GetName()}' does not fit its image: segment the image again.")
        differs = found.array != baseline.prediction
        before, after = (np.bincount(array[differs], minlength=256) for array in (baseline.prediction, found.array))
        mask = differs if baseline.protected is None else differs | baseline.protected
        summary = EditSummary(
            voxels=int(np.count_nonzero(mask)),
            byLabel={label.value: int(before[label.value] + after[label.value]) for label in labels},
            regions=_regionsIn(case, mask),
            unknown=found.unknown,
            overlapping=found.overlapping,
        )
        return _Edits(summary, mask)


@dataclass(frozen=True, eq=False)
class _Edits:
    """Edits and where they are; `mask` is None where they cannot be told."""

    summary: EditSummary
    mask: NDArray[np.bool_] | None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Edits) or self.summary != other.summary:
            return False
        if self.mask is None or other.mask is None:
            return self.mask is other.mask
        return np.array_equal(self.mask, other.mask)

    __hash__ = None  # type: ignore[assignment]


def _checkThere(case: SegmentedCase) -> None:
    """See that what edits are told from is in the scene.

    Raises:
        CaseError: it is not.
    """
    for node, what in ((case.image, "image"), (case.prediction, "first prediction")):
        if node is None:
            raise CaseError(
                f"The {what} of '{case.node.GetName()}' was deleted, so that edits cannot be told: load the scene again, or "
                "segment the image again."
            )


def _regionsIn(case: SegmentedCase, mask: NDArray[np.bool_]) -> frozenset[int]:
    """Ids of the regions that hold a voxel of the mask; none where the map of regions is gone."""
    if case.regionMap is None:
        return frozenset()
    ids = volumeOf(case.regionMap).array
    if ids.shape != mask.shape:
        return frozenset()
    found = ids[mask]
    return frozenset(int(i) for i in np.flatnonzero(np.bincount(found[found > 0])))
