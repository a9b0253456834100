"""What fine-tuning optimises: the method's own terms, carefully."""

from __future__ import annotations

from dataclasses import replace

from dualssl.presets.base import Augmentation, CopyPaste, Optimiser, Preset
from dualssl.terms.base import TermSpec

# `strong` without its beginning: the parent has learned enough for its pseudo-labels to be of use from the first step. The
# rate is a tenth, for corrected cases are few and much is to be kept.
FINE_TUNING = Preset(
    name="finetune",
    description="Going on from a model: corrected and old labelled cases, copy-paste with the pool, EMA teacher, low rate.",
    terms=(TermSpec("supervised"), TermSpec("pseudo"), TermSpec("discrepancy")),
    copy_paste=CopyPaste(pretrain=0.0),
    ema_decay=0.99,
    pseudo_label="largest_component",
    export="teacher",
    optimiser=Optimiser(kind="adam", learning_rate=2e-4),
    augmentation=Augmentation(flip=True, rotate=True, foreground_share=0.33),
    iterations=200,
)
DISTILLATION = TermSpec("distillation", weight=0.5)


def recipe(*, replay: bool, pool: bool, norm: str, learning_rate: float, without: tuple[str, ...] = ()) -> Preset:
    """The recipe for what is at hand.

    Args:
        replay: whether labelled cases of the parent are trained on again. If not, distillation on the pool stands in for them.
        pool: whether there are unlabelled cases.
        norm: normalisation layers of the parent, `batch` or `instance`.
        learning_rate: at the start.
        without: parts to leave out, as `Preset.without`.

    Raises:
        TrainingError: as `Preset.without`.
    """
    terms = FINE_TUNING.terms if replay or not pool else (*FINE_TUNING.terms, DISTILLATION)
    chosen = replace(
        FINE_TUNING,
        terms=terms,
        norm="instance" if norm == "instance" else "batch",
        optimiser=replace(FINE_TUNING.optimiser, learning_rate=learning_rate),
    )
    return chosen.without((*without, *(() if pool else ("unlabelled",))))
