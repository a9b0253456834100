"""Where a person can have the engine compute, as a list to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from DualSSLSegmentationLib.texts import tr as _

AUTOMATIC = "auto"


@dataclass(frozen=True)
class DeviceOffer:
    """A device to choose.

    Attributes:
        id: as the worker knows it: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        title: what a person reads.
    """

    id: str
    title: str


def deviceOffers(listed: Sequence[Mapping[str, Any]], chosen: str = AUTOMATIC) -> tuple[DeviceOffer, ...]:
    """The choice of devices, `auto` first.

    Args:
        listed: what the worker's `devices` answered; empty while it has not been asked, and then any GPU is one choice.
        chosen: what is chosen now. It stays in the list where this computer has no such device, as after loading a scene of
            another one, so that the choice is seen and not silently another.
    """
    offers = [DeviceOffer(AUTOMATIC, _("Automatic"))]
    if listed:
        offers += [DeviceOffer(str(device["id"]), _title(device)) for device in listed]
    else:
        offers += [DeviceOffer("cuda", _("GPU")), DeviceOffer("cpu", _("CPU"))]
    known = {offer.id for offer in offers}
    if chosen in known:
        return tuple(offers)
    # The first GPU under its general name, as it was chosen before the GPUs were listed.
    if chosen == "cuda" and "cuda:0" in known:
        return tuple(DeviceOffer(chosen, offer.title) if offer.id == "cuda:0" else offer for offer in offers)
    return (*offers, DeviceOffer(chosen, _("{device} (not in this computer)").format(device=chosen) if listed else chosen))


def _title(device: Mapping[str, Any]) -> str:
    """Such as `NVIDIA A100, 80 GB (cuda:1)`."""
    name, memory = device.get("name") or device["id"], device.get("memory_gb")
    size = f", {memory:.0f} GB" if isinstance(memory, (int, float)) else ""
    return f"{name}{size} ({device['id']})"
