"""Labelled cases alone: what every other preset has to beat."""

from __future__ import annotations

from dualssl.presets.base import Preset, Schedule
from dualssl.terms.base import TermSpec

# Everything but the terms is as in `paper`, so that a comparison shows what the unlabelled cases are worth.
PRESET = Preset(
    name="supervised",
    description="Both networks on the labelled cases alone, the baseline.",
    terms=(TermSpec("supervised", weight=2.0),),
    uses_unlabelled=False,
    schedule=Schedule(kind="step"),
)
