"""The predecessor with two networks (Karimijafarbigloo et al., arXiv 2311.12617), from terms that exist.

It corrects disagreement on labelled voxels, learns entropy-filtered pseudo-labels and contrasts unreliable voxels with class
prototypes. Ours differs where `filtered` and `contrast` do: thresholds within each class and agreement of the networks instead
of one threshold and the better network's word; InfoNCE to running prototypes instead of distances to those of the batch.
"""

from __future__ import annotations

from dualssl.presets.base import Preset, Schedule
from dualssl.terms.base import TermSpec

PRESET = Preset(
    name="ssl_contrastive",
    description="Two networks, disagreement correction, filtered pseudo-labels, prototype contrast (arXiv 2311.12617).",
    terms=(
        TermSpec("supervised", weight=2.0),
        TermSpec("disagreement", weight=0.5),
        TermSpec("filtered", ramp="sigmoid"),
        TermSpec("contrast", weight=0.1, ramp="sigmoid"),
    ),
    schedule=Schedule(kind="step"),
)
