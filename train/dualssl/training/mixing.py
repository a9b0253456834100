"""From two streams of patches to what the networks see: stacked, or mixed by copy-paste."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dualssl.presets.base import PSEUDO_WEIGHT, CopyPaste
from dualssl.terms.base import IGNORE


@dataclass(frozen=True)
class TrainingImages:
    """Images with what is known of each voxel; see `dualssl.terms.base.Step` for the fields."""

    images: Tensor
    target: Tensor
    truth: Tensor
    weight: Tensor | None = None

    def chunks(self, count: int) -> list[TrainingImages]:
        """At most `count` parts with every `count`-th image each.

        Where `count` divides the number of labelled patches, every part keeps the mixture of streams.
        """
        parts = min(count, len(self.images))
        return [
            TrainingImages(
                self.images[n::parts],
                self.target[n::parts],
                self.truth[n::parts],
                None if self.weight is None else self.weight[n::parts],
            )
            for n in range(parts)
        ]


def stacked(
    labelled: Tensor,
    labels: Tensor,
    unlabelled: Tensor,
    pseudo: Tensor | None = None,
    label_weight: Tensor | None = None,
) -> TrainingImages:
    """Labelled patches, then unlabelled ones with their pseudo-labels, (U, k, j, i) int64, or with targets unknown.

    `label_weight`, (L, k, j, i), is the importance of the labels; None for 1 everywhere.
    """
    if len(unlabelled) == 0:
        return TrainingImages(labelled, labels, torch.ones_like(labels, dtype=torch.bool), label_weight)
    other = labels.new_full((len(unlabelled), *labels.shape[1:]), IGNORE) if pseudo is None else pseudo
    truth = torch.cat([torch.ones_like(labels, dtype=torch.bool), torch.zeros_like(other, dtype=torch.bool)])
    weight = None
    if pseudo is not None or label_weight is not None:
        of_labels = torch.ones(labels.shape, device=labels.device) if label_weight is None else label_weight
        weight = torch.cat([of_labels, torch.full(other.shape, PSEUDO_WEIGHT, device=labels.device)])
    return TrainingImages(torch.cat([labelled, unlabelled]), torch.cat([labels, other]), truth, weight)


def cuboid(shape: tuple[int, ...], side: float, generator: torch.Generator) -> Tensor:
    """Bool mask of `shape` (k, j, i), True in a randomly placed cuboid of `side` of each side."""
    mask = torch.zeros(shape, dtype=torch.bool)
    where = []
    for n in shape:
        size = max(1, round(n * side))
        start = int(torch.randint(n - size + 1, (1,), generator=generator))
        where.append(slice(start, start + size))
    mask[tuple(where)] = True
    return mask


def copy_pasted(
    labelled: Tensor,
    labels: Tensor,
    unlabelled: Tensor,
    pseudo: Tensor,
    mask: Tensor,
    spec: CopyPaste,
    label_weight: Tensor | None = None,
) -> TrainingImages:
    """Exchange the voxels of `mask` between each labelled patch and its unlabelled partner, both ways.

    Args:
        labelled, unlabelled: (L, channels, k, j, i), equally many of both.
        labels, pseudo: (L, k, j, i) int64, a person's labels and the teacher's.
        mask: (k, j, i) bool.
        spec: weight of pseudo-labelled voxels.
        label_weight: (L, k, j, i), importance of the labels, or None for 1 everywhere.

    Returns:
        2L images: labelled ones with an unlabelled cuboid, then unlabelled ones with a labelled cuboid.
    """
    images = torch.cat([torch.where(mask, unlabelled, labelled), torch.where(mask, labelled, unlabelled)])
    target = torch.cat([torch.where(mask, pseudo, labels), torch.where(mask, labels, pseudo)])
    truth = torch.cat([(~mask).expand_as(labels), mask.expand_as(labels)])
    of_labels = 1.0 if label_weight is None else torch.cat([label_weight, label_weight])
    weight = torch.where(truth, of_labels, spec.pseudo_weight)
    return TrainingImages(images, target, truth, weight)


def pasted_among_labelled(labelled: Tensor, labels: Tensor, mask: Tensor, label_weight: Tensor | None = None) -> TrainingImages:
    """Each labelled patch with the voxels of `mask` from the next one: the pre-training of copy-paste."""
    images = torch.where(mask, labelled.roll(1, 0), labelled)
    target = torch.where(mask, labels.roll(1, 0), labels)
    weight = None if label_weight is None else torch.where(mask, label_weight.roll(1, 0), label_weight)
    return TrainingImages(images, target, torch.ones_like(target, dtype=torch.bool), weight)
