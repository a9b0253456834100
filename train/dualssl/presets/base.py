"""What a preset is: a complete, named recipe of training. Each lives in one file of this package as `PRESET`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from dualssl.errors import TrainingError
from dualssl.terms.base import TermSpec, known_terms, reads_unlabelled


@dataclass(frozen=True)
class Optimiser:
    """SGD with momentum or Adam (decoupled weight decay), learning rate at the start."""

    kind: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4


@dataclass(frozen=True)
class Schedule:
    """Learning rate over time: `poly` is lr * (1 - t/T)^power; `step` multiplies by `gamma` every `every` iterations."""

    kind: Literal["poly", "step"] = "poly"
    power: float = 0.9
    every: int = 2500
    gamma: float = 0.1


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training patch, each label preserving.

    Attributes:
        flip: mirror along each axis with probability 0.5.
        rotate: turn by a multiple of 90 degrees in the (j, i) plane, where the patch is square there.
        intensity: random contrast, brightness, gamma and noise.
        foreground_share: share of labelled patches that are centred on a labelled voxel instead of placed anywhere.
    """

    flip: bool = False
    rotate: bool = False
    intensity: bool = False
    foreground_share: float = 0.0


PSEUDO_WEIGHT = 0.5
"""Importance of a pseudo-label beside a person's label."""


@dataclass(frozen=True)
class CopyPaste:
    """Bidirectional copy-paste (Bai et al., CVPR 2023): a cuboid of `side` of each side of the patch is exchanged between a
    labelled and an unlabelled patch; voxels from the unlabelled one carry the teacher's cleaned pseudo-label, weighted by
    `pseudo_weight`. The first `pretrain` share of training mixes labelled patches with one another only.
    """

    side: float = 2 / 3
    pseudo_weight: float = PSEUDO_WEIGHT
    pretrain: float = 0.13


PseudoLabelPolicy = Literal["argmax", "largest_component"]


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        name: as given to `--preset`.
        description: one sentence for people.
        terms: the loss.
        uses_unlabelled: False leaves the unlabelled stream out (its half of the batch is then not formed).
        copy_paste: mixing of patches, or None.
        ema_decay: decay of the EMA teacher, or None for no teacher. Terms may read the teacher's probabilities.
        pseudo_label: how the teacher's probabilities become pseudo-labels where mixing asks for them.
        export: which weights the model folder gets.
        norm: normalisation layers of both networks.
        iterations, batch: defaults; the batch is counted in patches, half labelled, half unlabelled.
    """

    name: str
    description: str
    terms: tuple[TermSpec, ...]
    uses_unlabelled: bool = True
    copy_paste: CopyPaste | None = None
    ema_decay: float | None = None
    pseudo_label: PseudoLabelPolicy = "argmax"
    export: Literal["student", "teacher"] = "student"
    norm: Literal["batch", "instance"] = "batch"
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    augmentation: Augmentation = Augmentation()
    iterations: int = 6000
    batch: int = 4

    def without(self, names: tuple[str, ...]) -> Preset:
        """The same recipe with some parts switched off, in whatever order they are named.

        Parts are terms by name, `copy_paste`, `ema`, `augmentation`, and `unlabelled`: the same recipe on the labelled cases
        alone, where copy-paste mixes these with one another. Where nothing is left that learns from unlabelled cases, their
        stream goes too.

        Raises:
            TrainingError: the recipe has no such part, a part that stays needs it, or nothing would be left to learn from.
        """
        result = self
        # Others may need the teacher, so whether it can go is seen when they are gone.
        for name in sorted(names, key=lambda n: n == "ema"):
            result = result._without_one(name)
        if not result.terms:
            raise TrainingError(f"Without {', '.join(names)}, preset '{self.name}' has nothing to learn from.")
        if not any(reads_unlabelled(term, result.ema_decay is not None) for term in result.terms):
            result = replace(result, uses_unlabelled=False)
        return result

    def _without_one(self, name: str) -> Preset:
        kept = tuple(term for term in self.terms if term.name != name)
        if len(kept) < len(self.terms):
            return replace(self, terms=kept)
        if name == "copy_paste" and self.copy_paste is not None:
            return replace(self, copy_paste=None)
        if name == "unlabelled" and self.uses_unlabelled:
            mixing = None if self.copy_paste is None else replace(self.copy_paste, pretrain=1.0)
            return replace(self, uses_unlabelled=False, copy_paste=mixing)
        if name == "augmentation" and self.augmentation != Augmentation():
            return replace(self, augmentation=Augmentation())
        if name == "ema" and self.ema_decay is not None:
            if (self.copy_paste is not None and self.uses_unlabelled) or any(term.name == "pseudo" for term in self.terms):
                raise TrainingError(
                    f"The EMA teacher cannot be left out alone, for the pseudo-labels of preset '{self.name}' come from it: "
                    "leave out pseudo and copy_paste as well."
                )
            return replace(self, ema_decay=None, export="student")
        raise TrainingError(
            f"There is no part '{name}' to leave out of preset '{self.name}': it has {', '.join(self._parts())}."
        )

    def _parts(self) -> list[str]:
        there = {
            "copy_paste": self.copy_paste is not None,
            "ema": self.ema_decay is not None,
            "augmentation": self.augmentation != Augmentation(),
            "unlabelled": self.uses_unlabelled,
        }
        return [term.name for term in self.terms] + [part for part, is_there in there.items() if is_there]

    def weighing(self, settings: tuple[str, ...]) -> Preset:
        """The same recipe with `TERM=WEIGHT` for each of `settings`; a term that the recipe lacks is switched on.

        Raises:
            TrainingError: a setting is not of that form, or there is no such term.
        """
        result = self
        for setting in settings:
            name, _, number = setting.partition("=")
            try:
                weight = float(number)
            except ValueError:
                raise TrainingError(f"'{setting}' is no weight of a term: give TERM=NUMBER, for instance cosine=0.5.") from None
            if name not in known_terms():
                raise TrainingError(f"There is no term '{name}' to weight: use one of {', '.join(known_terms())}.")
            if not 0.0 <= weight < float("inf"):
                raise TrainingError(f"The weight '{setting}' cannot be used: a weight is 0 or more.")
            if any(term.name == name for term in result.terms):
                terms = tuple(replace(t, weight=weight) if t.name == name else t for t in result.terms)
            else:
                terms = (*result.terms, TermSpec(name, weight))
            result = replace(result, terms=terms)
        return result
