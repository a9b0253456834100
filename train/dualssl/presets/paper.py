"""The paper as it is meant: every term in its corrected, multi-class form, each to be switched off by `--without`."""

from __future__ import annotations

from dualssl.presets.base import Preset, Schedule
from dualssl.terms.base import TermSpec

PRESET = Preset(
    name="paper",
    description="Uncertainty-guided dual networks (arXiv 2509.13084), all terms in their corrected form.",
    terms=(
        # Cross-entropy plus Dice; the term is their mean.
        TermSpec("supervised", weight=2.0),
        TermSpec("disagreement", weight=0.5),
        TermSpec("filtered", ramp="sigmoid"),
        TermSpec("dynamic", ramp="sigmoid"),
        TermSpec("cosine", ramp="sigmoid"),
        TermSpec("contrast", weight=0.1, ramp="sigmoid"),
    ),
    schedule=Schedule(kind="step"),
)
