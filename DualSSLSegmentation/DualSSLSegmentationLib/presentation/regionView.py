"""What is shown where the region to segment in is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dualssl.errors import VolumeError
from dualssl.model.fit import size_advice
from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.scene.roi import isAdjustable, regionGrid, roiBounds
from DualSSLSegmentationLib.scene.volumes import geometryOf
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.jobs.modelCatalogue import ModelChoice


@dataclass(frozen=True)
class RegionView:
    """Of the controls there.

    Attributes:
        note: that the volume or the region is too large for the model, or why the region cannot be used; empty otherwise.
        adjusts: whether the button brings the handles of a region back, rather than placing it.
        button: text of that button.
        press: what pressing it does.
        wholeVolume: of the button that takes the region away.
    """

    note: str
    adjusts: bool
    button: str
    press: Offer
    wholeVolume: Offer


def regionView(running: bool, image: Any, choice: ModelChoice | None, region: Any) -> RegionView:
    """As things are.

    Args:
        running: whether a segmentation goes on.
        image: the chosen volume node, or None.
        choice: the chosen model, or None.
        region: vtkMRMLMarkupsROINode to segment in, or None for the whole volume.
    """
    why = _("Wait until the segmentation has ended, or cancel it") if running else ""
    if image is None:
        why = _("Load a volume first, and choose it")
    adjusts = region is not None and not isAdjustable(region)
    does = _("Show the handles of the region, to move it or to change its size")
    if not adjusts:
        does = _("Frame the place where the slice views cross, as large as the model knows; drag the handles to fit")
    noRegion = _("No region is placed: the whole volume is segmented") if region is None else ""
    return RegionView(
        note="" if image is None or choice is None else _sizeNote(image, choice, region),
        adjusts=adjusts,
        button=_("Adjust region") if adjusts else _("Place region"),
        press=Offer(does, why),
        wholeVolume=Offer(_("Take the region away and segment the whole volume"), noRegion or why),
    )


def regionSize(choice: ModelChoice | None) -> tuple[float, float, float] | None:
    """How large a new region is, in mm along R, A, S: as the largest image that the model learned from, where that is known."""
    known = None if choice is None else choice.fieldOfView
    return None if known is None else (known[2], known[1], known[0])


def _sizeNote(image: Any, choice: ModelChoice, region: Any) -> str:
    try:
        if region is None:
            return size_advice(choice.fieldOfView, geometryOf(image))
        grid = regionGrid(image, roiBounds(region, image))
    except VolumeError as error:
        return str(error)
    if grid is None:
        return _("The region lies outside of the volume: place it anew.")
    return size_advice(choice.fieldOfView, grid, "region")
