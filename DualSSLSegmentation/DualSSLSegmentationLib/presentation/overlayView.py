"""What is shown where a person chooses what lies over the image."""

from __future__ import annotations

from dataclasses import dataclass

from DualSSLSegmentationLib.display.overlays import OverlayMode
from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.texts import tr as _

THRESHOLD_RANGES: dict[str, tuple[float, float]] = {"entropy": (0.0, 1.0), "kl": (0.0, 3.0)}
"""By kind, within which values a threshold is chosen: normalised entropy, and KL divergence in nats."""


@dataclass(frozen=True)
class ModeChoice:
    """One way to overlay.

    Attributes:
        mode: which.
        text: its name.
        offer: what it shows.
    """

    mode: OverlayMode
    text: str
    offer: Offer


@dataclass(frozen=True)
class OverlayView:
    """Of all controls.

    Attributes:
        modes: to choose from.
        opacity, surface: of these controls.
        thresholds: by kind.
    """

    modes: tuple[ModeChoice, ...]
    opacity: Offer
    thresholds: dict[str, Offer]
    surface: Offer


def overlayView(anyCase: bool, mode: OverlayMode) -> OverlayView:
    """As things are, given whether there is a case and what is shown of it."""
    none = "" if anyCase else _("Segment a volume first")
    off = none or ("" if mode.kinds else _("Nothing lies over the image: choose what to show first"))
    does = {
        "entropy": _("Entropy is painted from here on (0 sure, 1 open)"),
        "kl": _("KL divergence is painted from here on (nats)"),
    }
    hidden = _("This map is not shown")
    return OverlayView(
        tuple(ModeChoice(each, text, Offer(what, none)) for each, text, what in _modes()),
        Offer(_("How much the overlay covers the image"), off),
        {kind: Offer(text, off or ("" if kind in mode.kinds else hidden)) for kind, text in does.items()},
        Offer(_("Show the surface in 3D, coloured by what is shown in the slices"), off),
    )


def modeNamed(name: str) -> OverlayMode:
    """The mode of a stored name; off where there is no such mode."""
    return {mode.value: mode for mode in OverlayMode}.get(name, OverlayMode.off)


def _modes() -> tuple[tuple[OverlayMode, str, str], ...]:
    return (
        (OverlayMode.off, _("Off"), _("Show the image alone")),
        (OverlayMode.entropy, _("Ambiguous"), _("Entropy of the mean prediction: where the image leaves it open")),
        (OverlayMode.kl, _("In conflict"), _("KL divergence: where the two networks contradict each other")),
        (OverlayMode.both, _("Both"), _("Entropy and KL, one over the other")),
    )
