"""Two-stream batches: which cases, which patches, as a pure function of the iteration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dualssl.case_files import EDITED, LEFT, UNSEEN
from dualssl.data.augment import PatchAugmenter
from dualssl.data.randomness import derived_generator, derived_seed
from dualssl.data.store import CaseStore, PreparedCase
from dualssl.presets.base import Augmentation
from dualssl.terms.base import IGNORE
from dualssl.volumes.crop import crop_padded

Shape = tuple[int, int, int]
_LABEL, _MARKS = 0, 1


@dataclass(frozen=True)
class Batch:
    """Patches of one training step, on the CPU.

    Attributes:
        labelled: (L, channels, k, j, i) float32.
        labels: (L, k, j, i) int64; `IGNORE` where nobody answers for the label.
        unlabelled: (U, channels, k, j, i) float32; U may be 0.
        label_weight: (L, k, j, i) float32, importance of each label, or None for 1 everywhere.
    """

    labelled: Tensor
    labels: Tensor
    unlabelled: Tensor
    label_weight: Tensor | None = None


@dataclass(frozen=True)
class Stream:
    """Cases that are drawn from in shuffled rounds, each once a round.

    Attributes:
        cases: their names.
        count: patches of a step (of this process).
        purpose: keeps the draws of the streams apart.
    """

    cases: tuple[str, ...]
    count: int
    purpose: str

    def draw(self, seed: int, position: int) -> str:
        """The case at `position` (0, 1, 2, ...) of the endless sequence of shuffled rounds."""
        rounds, index = divmod(position, len(self.cases))
        order = derived_generator(seed, f"{self.purpose} order", rounds).permutation(len(self.cases))
        return self.cases[int(order[index])]


class BatchSource:
    """Makes the batch of any iteration.

    Args:
        store: prepared cases.
        labelled: streams whose labels are read, one after the other in a batch; with several, each keeps its share of it.
        unlabelled: its `count` may be 0.
        patch: sides in voxels (k, j, i).
        augmentation: what is done to patches.
        seed: of the run.
        rank, world: this process and their number; each draws its own share.
        edit_weight: importance of a voxel that a person changed, beside 1 for the others. Labels that nobody looked at are left
            out in any case.
    """

    def __init__(
        self,
        store: CaseStore,
        labelled: tuple[Stream, ...],
        unlabelled: Stream,
        patch: Shape,
        augmentation: Augmentation,
        seed: int,
        rank: int = 0,
        world: int = 1,
        edit_weight: float = 1.0,
    ) -> None:
        self._store = store
        self._labelled = labelled
        self._unlabelled = unlabelled
        self._patch = patch
        self._augmentation = augmentation
        self._augment = PatchAugmenter(augmentation, patch)
        self._seed = seed
        self._rank = rank
        self._world = world
        self._edit_weight = edit_weight
        cases = {case for stream in labelled for case in stream.cases}
        self._marked = any(store.dataset.edit_mask_path(case) is not None for case in cases)

    def batch(self, iteration: int) -> Batch:
        """The batch of `iteration`, the same whenever it is asked for."""
        labelled = [self._sample(stream, iteration, slot) for stream in self._labelled for slot in range(stream.count)]
        unlabelled = [self._sample(self._unlabelled, iteration, slot) for slot in range(self._unlabelled.count)]
        images = torch.from_numpy(np.stack([image for image, _ in labelled]))
        maps = [maps for _, maps in labelled if maps is not None]
        return Batch(
            labelled=images,
            labels=self._labels(maps),
            unlabelled=(torch.from_numpy(np.stack([image for image, _ in unlabelled])) if unlabelled else images.new_zeros(0)),
            label_weight=self._weights(maps),
        )

    def _labels(self, maps: list[NDArray[np.uint8]]) -> Tensor:
        labels = np.stack([m[_LABEL] for m in maps]).astype(np.int64)
        if self._marked:
            labels[np.stack([m[_MARKS] for m in maps]) == UNSEEN] = IGNORE
        return torch.from_numpy(labels)

    def _weights(self, maps: list[NDArray[np.uint8]]) -> Tensor | None:
        if self._edit_weight == 1.0:
            return None
        edited = np.stack([m[_MARKS] == EDITED if self._marked else np.zeros(m[_LABEL].shape) for m in maps]).astype(np.float32)
        return torch.from_numpy(1.0 + (self._edit_weight - 1.0) * edited)

    def _voxel_maps(self, case: PreparedCase, start: Shape) -> NDArray[np.uint8]:
        """Label map, and edit mask where it counts, of the patch at `start`: (maps, k, j, i)."""
        if case.label is None:
            raise ValueError(f"case {case.name} was not opened as labelled")
        label = crop_padded(case.label[None], start, self._patch)
        if not self._marked:
            return label
        # Where no edit mask is kept, all was seen and nothing counts as edited.
        marks = np.full_like(label, LEFT) if case.marks is None else crop_padded(case.marks[None], start, self._patch)
        return np.concatenate([label, marks])

    def _sample(self, stream: Stream, iteration: int, slot: int) -> tuple[NDArray[np.float32], NDArray[np.uint8] | None]:
        position = (iteration * self._world + self._rank) * stream.count + slot
        case = self._store[stream.draw(self._seed, position)]
        generator = derived_generator(self._seed, f"{stream.purpose} patch", position)
        with_label = stream is not self._unlabelled and case.label is not None
        start = self._patch_start(case, generator, centre_on_structure=with_label)
        image = crop_padded(case.image, start, self._patch).astype(np.float32)
        maps = self._voxel_maps(case, start) if with_label else None
        return self._augment(image, maps, derived_seed(self._seed, f"{stream.purpose} augmentation", position))

    def _patch_start(self, case: PreparedCase, generator: np.random.Generator, centre_on_structure: bool) -> Shape:
        room = [n - p for n, p in zip(case.image.shape[1:], self._patch, strict=True)]
        # Of a case that was seen in part, a patch elsewhere would hold no label.
        on_structure = generator.random() < self._augmentation.foreground_share or case.partly_seen
        if centre_on_structure and on_structure and case.foreground is not None:
            centre = case.foreground[int(generator.integers(len(case.foreground)))]
            start = [min(max(int(c) - p // 2, 0), max(r, 0)) for c, p, r in zip(centre, self._patch, room, strict=True)]
        else:
            start = [int(generator.integers(r + 1)) if r > 0 else 0 for r in room]
        # A side shorter than the patch is padded evenly on both ends.
        start = [s if r >= 0 else r // 2 for s, r in zip(start, room, strict=True)]
        return start[0], start[1], start[2]
