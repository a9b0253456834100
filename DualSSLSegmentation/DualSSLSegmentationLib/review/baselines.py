"""Which prediction a person's edits are measured against, also after undo or redo went over a merge.

Each baseline has a key, noted on the segments when its voxels are written. Undo brings the segments' notes back together with
their voxels, and so tells which baseline the voxels belong to.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.caseNodes import PREFIX, removeWithParts
from DualSSLSegmentationLib.scene.segmentNotes import ANSWERS_NOTE, BASELINE_NOTE, notes, setNote, setNoteUnnoticed
from DualSSLSegmentationLib.scene.volumes import addHiddenLabelMap, geometryOf, volumeOf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

_PROVENANCE = PREFIX + "provenance"
_KEPT = 16
"""Baselines that are kept: more than the segment editor keeps steps of undo."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """What edits are measured against.

    Attributes:
        key: of the note.
        prediction: label map (k, j, i).
        protected: True where voxels are a person's from before the last merge; None for nowhere.
        provenance: JSON text, where the prediction came from.
    """

    key: str
    prediction: NDArray[np.uint8]
    protected: NDArray[np.bool_] | None
    provenance: str | None


class Baselines:
    """The baseline in force, in memory and in the scene, and those that undo may lead back to.

    Args:
        case: its prediction, protected edits and provenance, as they are in the scene, are the first baseline.

    Attributes:
        current: the baseline in force.

    Raises:
        VolumeError: the case's prediction has no voxels.
    """

    def __init__(self, case: SegmentedCase) -> None:
        self._case = case
        self._packed: dict[str, _Packed] = {}
        known = notes(case.node, BASELINE_NOTE)
        key = known[0] if known else _newKey()
        if not known:
            setNoteUnnoticed(case.node, BASELINE_NOTE, key)
        protected = None if case.protectedEdits is None else volumeOf(case.protectedEdits).array != 0
        self.current = Baseline(key, _copy(volumeOf(case.prediction).array), protected, case.node.GetAttribute(_PROVENANCE))

    @property
    def state(self) -> tuple[str, ...]:
        """What tells, without looking at voxels, whether `followUndo` may have something to do."""
        return self.current.key, *notes(self._case.node, BASELINE_NOTE)

    def replace(self, prediction: NDArray[np.generic], protected: NDArray[np.generic] | None) -> None:
        """Put another baseline in force. The case's provenance, as it is now, goes with it.

        Args:
            prediction: label map on the image's grid.
            protected: not 0 where voxels are a person's; None for nowhere.
        """
        mask = None if protected is None or not np.any(protected) else np.asarray(protected) != 0
        self._put(self.current)
        self.current = Baseline(_newKey(), _copy(prediction), mask, self._case.node.GetAttribute(_PROVENANCE))
        setNote(self._case.node, ANSWERS_NOTE, "")  # they were given to other regions
        setNote(self._case.node, BASELINE_NOTE, self.current.key)
        self._toScene()

    def followUndo(self) -> None:
        """Go over to the baseline that the segments' voxels belong to."""
        noted = notes(self._case.node, BASELINE_NOTE)
        known = [key for key in noted if key in self._packed]
        if self.current.key in noted or not known:
            return
        self._put(self.current)
        self.current = self._packed.pop(known[-1]).unpacked(known[-1])
        self._toScene()

    def _put(self, baseline: Baseline) -> None:
        self._packed[baseline.key] = _Packed.of(baseline)
        while len(self._packed) > _KEPT:
            del self._packed[next(iter(self._packed))]

    def _toScene(self) -> None:
        protected = self.current.protected
        _store(self._case, "prediction", self.current.prediction)
        _store(self._case, "protectedEdits", None if protected is None else protected.astype(np.uint8))
        if self._case.node.GetAttribute(_PROVENANCE) != self.current.provenance:
            self._case.node.SetAttribute(_PROVENANCE, self.current.provenance)


@dataclass(frozen=True)
class _Packed:
    """A baseline that takes little memory: label maps shrink to a hundredth."""

    shape: tuple[int, ...]
    prediction: bytes
    protected: bytes | None
    provenance: str | None

    @classmethod
    def of(cls, baseline: Baseline) -> _Packed:
        protected = None if baseline.protected is None else zlib.compress(np.packbits(baseline.protected).tobytes(), 1)
        prediction = zlib.compress(baseline.prediction.tobytes(), 1)
        return cls(baseline.prediction.shape, prediction, protected, baseline.provenance)

    def unpacked(self, key: str) -> Baseline:
        prediction = np.frombuffer(zlib.decompress(self.prediction), np.uint8).reshape(self.shape)
        mask = None
        if self.protected is not None:
            bits = np.unpackbits(np.frombuffer(zlib.decompress(self.protected), np.uint8), count=prediction.size)
            mask = bits.reshape(self.shape) != 0
        return Baseline(key, prediction, mask, self.provenance)


def _newKey() -> str:
    return uuid4().hex[:12]


def _copy(array: NDArray[Any]) -> NDArray[np.uint8]:
    return np.array(array, dtype=np.uint8, order="C")


def _store(case: SegmentedCase, role: str, array: NDArray[np.uint8] | None) -> None:
    """Have a hidden label map of the case hold these voxels; None removes it."""
    node = case.reference(role)
    if array is None:
        case.setReference(role, None)
        if node is not None:
            removeWithParts(node)
        return
    if node is not None:
        voxels = volumeOf(node).array
        if voxels.dtype == array.dtype and voxels.shape == array.shape:
            if not np.array_equal(voxels, array):
                voxels[...] = array
                node.GetImageData().GetPointData().GetScalars().Modified()
                node.GetImageData().Modified()
            return
        removeWithParts(node)
    image = case.image
    volume = Volume(array, geometryOf(image))
    case.setReference(role, addHiddenLabelMap(case.scene, volume, f"{case.node.GetName()} {role}", image))
