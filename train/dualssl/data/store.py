"""Prepared cases, kept in memory as far as it goes and read again where not."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualssl.case_files import UNSEEN, CaseFiles, read_case, read_marked_case
from dualssl.errors import VolumeError
from dualssl.model.manifest import Preprocessing
from dualssl.prediction.memory import available_bytes
from dualssl.volumes.preprocess import prepare, prepare_label_map

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class PreparedCase:
    """A case on the networks' grid.

    Attributes:
        name: of the case.
        image: (channels, k, j, i) float16: half the memory, and finer than the bfloat16 that training computes in.
        label: (k, j, i) uint8, or None where the case is used as unlabelled: its labels are then never read.
        foreground: (n, 3) indices k, j, i of some foreground voxels, for patches centred on structures; None likewise. Of a
            case that a person saw in part: of some voxels of that part, whatever their label.
        spacing: mm along (k, j, i).
        marks: (k, j, i) uint8, the edit mask, see `dualssl.case_files`; None where there is none.
        partly_seen: whether there are voxels that nobody looked at.
    """

    name: str
    image: NDArray[np.float16]
    label: NDArray[np.uint8] | None
    foreground: NDArray[np.int32] | None
    spacing: tuple[float, float, float]
    marks: NDArray[np.uint8] | None = None
    partly_seen: bool = False

    @property
    def nbytes(self) -> int:
        """Memory taken, bytes."""
        return sum(array.nbytes for array in (self.image, self.label, self.foreground, self.marks) if array is not None)


_FOREGROUND_SAMPLES = 4096
_MOST_MEMORY = 8 << 30


class CaseStore:
    """Reads cases of a dataset, prepares them as a model's manifest says, and keeps the most recently used ones.

    Safe to use from several threads: batches are made in one while another validates.

    Args:
        dataset: where the files are.
        preprocessing: how they are prepared.
        labelled: names whose labels may be read; those of all others are not touched.
        memory_bytes: how much may be kept; beyond it the least recently used cases are dropped and read again. None takes
            half of the memory that is free now, 8 GiB at most.
    """

    def __init__(
        self, dataset: CaseFiles, preprocessing: Preprocessing, labelled: Iterable[str], memory_bytes: int | None = None
    ) -> None:
        self.dataset = dataset
        self.preprocessing = preprocessing
        self._labelled = frozenset(labelled)
        self._memory_bytes = min(_MOST_MEMORY, available_bytes() // 2) if memory_bytes is None else memory_bytes
        self._kept: OrderedDict[str, PreparedCase] = OrderedDict()
        self._bytes = 0
        self._extents: dict[str, tuple[float, float, float]] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> PreparedCase:
        with self._lock:
            return self._get(name)

    def open_all(self, names: Iterable[str]) -> None:
        """Open every case once, so that a bad file is found now and not after an hour of training.

        Raises:
            VolumeError: a file cannot be used; names it.
        """
        for name in names:
            _ = self[name]

    def field_of_view(self, names: Iterable[str]) -> tuple[float, float, float] | None:
        """How far cases that have been opened reach at most, in mm along canonical (k, j, i); None for no case."""
        extents = [self._extents[name] for name in names]
        if not extents:
            return None
        k, j, i = (round(max(lengths), 2) for lengths in zip(*extents, strict=True))
        return k, j, i

    def _get(self, name: str) -> PreparedCase:
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        case = self._read(name)
        self._kept[name] = case
        self._bytes += case.nbytes
        while self._bytes > self._memory_bytes and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.nbytes
        return case

    def _read(self, name: str) -> PreparedCase:
        label_volume = mask = None
        if name in self._labelled:
            volumes, label_volume, mask = read_marked_case(self.dataset, name)
        else:
            volumes, _ = read_case(self.dataset, name, labelled=False)
        prepared = prepare(volumes, self.preprocessing)
        self._extents[name] = prepared.oriented.extent
        label = foreground = marks = None
        partly_seen = False
        if label_volume is not None:
            label = prepare_label_map(label_volume, prepared)
            marks = None if mask is None else prepare_label_map(mask, prepared)
            partly_seen = marks is not None and bool((marks == UNSEEN).any())
            if marks is not None and (marks == UNSEEN).all():
                raise VolumeError(f"Nobody looked at any of the labels of case '{name}': correct it again, or leave it out.")
            foreground = self._centres(name, label > 0 if marks is None or not partly_seen else marks != UNSEEN)
        image, spacing = prepared.image.astype(np.float16), prepared.geometry.spacing
        return PreparedCase(name, image, label, foreground, spacing, marks, partly_seen)

    def _centres(self, name: str, wanted: NDArray[np.bool_]) -> NDArray[np.int32]:
        """A fixed, evenly spread part of the wanted voxels' indices: enough to centre patches on, small to keep."""
        indices = np.argwhere(wanted).astype(np.int32)
        if len(indices) == 0:
            path = self.dataset.label_path(name)
            raise VolumeError(f"The label map {path} is empty: a labelled case needs at least one labelled voxel.")
        # A copy, for a view keeps them all.
        return indices[:: max(1, len(indices) // _FOREGROUND_SAMPLES)].copy()
