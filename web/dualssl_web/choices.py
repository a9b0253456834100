"""What a person has chosen. The server's state mirrors it, so that every tab shows the same and a reload changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from dualssl_web.slicer_scene import AXIAL_FIRST
from DualSSLSegmentationLib.display.overlays import DEFAULT_OPACITY, DEFAULT_THRESHOLDS, OverlayMode, OverlayState
from DualSSLSegmentationLib.presentation.fineTuneDesk import DEFAULT_ITERATIONS
from DualSSLSegmentationLib.presentation.overlayView import modeNamed

PARTS = ("case", "segment", "overlay", "review", "correct", "handover", "worklist", "finetune", "models")
"""The panels, from top to bottom."""
OPEN_AT_FIRST = ("case", "segment")
OPEN_WITH_A_CASE = ("overlay", "review", "correct")


@dataclass
class Choices:
    """All of plain data, as the page holds it.

    Attributes:
        volume: id of the volume node, or empty.
        region: id of the region of interest in it, or empty for the whole volume.
        segmentation: id of the segmentation node of the case in hand, or empty.
        model: id of the model; empty takes the one in use.
        device: `auto`, `cuda` or `cpu`.
        overlay: value of an `OverlayMode`.
        opacity, entropy_threshold, kl_threshold, surface: of the overlay.
        case_name, reviewer, notes: of the case that is handed over.
        iterations, prove: of a fine-tuning; the former as it was written.
        strategy: of the worklist.
        version: id of the model version that is looked at; empty is the newest.
        layout: of the views.
        open_parts: which panels are unfolded.
    """

    volume: str = ""
    region: str = ""
    segmentation: str = ""
    model: str = ""
    device: str = "auto"
    overlay: str = OverlayMode.entropy.value
    opacity: float = DEFAULT_OPACITY
    entropy_threshold: float = DEFAULT_THRESHOLDS["entropy"]
    kl_threshold: float = DEFAULT_THRESHOLDS["kl"]
    surface: bool = False
    case_name: str = ""
    reviewer: str = ""
    notes: str = ""
    iterations: str = str(DEFAULT_ITERATIONS)
    prove: bool = True
    strategy: str = "combined"
    version: str = ""
    layout: str = AXIAL_FIRST
    open_parts: list[str] = field(default_factory=lambda: list(OPEN_AT_FIRST))


def overlay_state(choices: Choices) -> OverlayState:
    """What lies over the image, as it was chosen."""
    return OverlayState(
        modeNamed(choices.overlay),
        float(choices.opacity),
        {"entropy": float(choices.entropy_threshold), "kl": float(choices.kl_threshold)},
    )
