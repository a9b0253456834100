"""What the code released with the paper really optimises, for fidelity runs and as the reference of ablations.

Left out because it trains nothing there: the entropy-filtered term (taken on detached clones), the contrast term (under
no_grad), and with them the filter and its double softmax.
"""

from __future__ import annotations

from dualssl.presets.base import Preset, Schedule
from dualssl.terms.base import TermSpec

PRESET = Preset(
    name="paper_code",
    description="What the released code of arXiv 2509.13084 really optimises, its faults included.",
    terms=(
        # The term is the mean of cross-entropy and Dice loss; the code adds them.
        TermSpec("supervised", weight=2.0),
        TermSpec("disagreement", weight=0.5, options={"rule": "confident_foreground_differs"}),
        # A always teaches B, the weight exp(-D) is not detached, labelled voxels take part, and there is no ramp.
        TermSpec("dynamic", options={"direction": "a_to_b", "detach_weight": False, "on_labelled": True}),
        # Added to the loss of one network only, yet its gradient reaches both.
        TermSpec("cosine", options={"on_labelled": True}),
    ),
    schedule=Schedule(kind="step"),
)
