"""What lifts results most for what it costs: copy-paste under an EMA teacher, and two unlike students correcting each other."""

from __future__ import annotations

from dualssl.presets.base import Augmentation, CopyPaste, Optimiser, Preset
from dualssl.terms.base import TermSpec

# The unlabelled terms of `paper` are left out on purpose. After copy-paste every voxel has a target, a person's or the
# teacher's cleaned pseudo-label, and a second pseudo-label from the other student would contradict it exactly where the two
# students differ, the voxels `discrepancy` works on. What those terms could add on top has not been measured.
#
# Pseudo-labels come late (30 % of training are labelled patches alone) and their terms ramp up: begun at 13 %, runs of a few
# hundred steps collapsed into background, which an untrained teacher had taught them. Adam, as the best published results
# with this pair use, was ahead of SGD 0.01 in short runs on phantoms (68 against 61 % Dice after 200 steps).
#
# A third of the labelled patches is centred on a structure: where structures are small in the field of view (cine MR), 300
# steps of patches placed anywhere had learned next to nothing.
#
# Intensities vary more between scanners and coils than a few labelled cases show: with these changes the cine cases of three
# patients taught 50 % mean Dice on unseen ones after 750 steps, without them 45 % after 800.
PRESET = Preset(
    name="strong",
    description="Bidirectional copy-paste, EMA teacher and discrepancy correction: the best results, the longest training.",
    terms=(
        # Pseudo-labels weigh half through `CopyPaste.pseudo_weight`.
        TermSpec("supervised"),
        TermSpec("pseudo", ramp="sigmoid"),
        TermSpec("discrepancy", ramp="sigmoid"),
    ),
    copy_paste=CopyPaste(pretrain=0.3),
    ema_decay=0.99,
    pseudo_label="largest_component",
    export="teacher",
    optimiser=Optimiser(kind="adam", learning_rate=0.002),
    augmentation=Augmentation(flip=True, rotate=True, intensity=True, foreground_share=0.33),
    iterations=15000,
)
