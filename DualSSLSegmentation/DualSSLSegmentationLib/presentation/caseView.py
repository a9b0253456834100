"""What is shown where a volume and one of its segmentations are chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.scene.volumes import geometryOf
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

_TIMES = " \N{MULTIPLICATION SIGN} "


@dataclass(frozen=True)
class NodeChoice:
    """A node to choose.

    Attributes:
        title: its name, with a number where several have one name.
        value: its id.
    """

    title: str
    value: str


@dataclass(frozen=True)
class CaseView:
    """Of all controls.

    Attributes:
        volumes: to choose from.
        cases: segmentations of the chosen volume.
        about: size and spacing of the chosen volume, or what to do first.
        chooseVolume, chooseCase, upload, sample: of these controls.
    """

    volumes: tuple[NodeChoice, ...]
    cases: tuple[NodeChoice, ...]
    about: str
    chooseVolume: Offer
    chooseCase: Offer
    upload: Offer
    sample: Offer


def caseView(volumes: Iterable[Any], cases: Iterable[SegmentedCase], chosen: str, segmenting: bool) -> CaseView:
    """As things are.

    Args:
        volumes: volume nodes, of which the maps of cases are no choice.
        cases: all segmented cases of the scene.
        chosen: id of the chosen volume, or empty.
        segmenting: whether a segmentation goes on.
    """
    known = tuple(cases)
    maps = [part for case in known for part in (case.entropy, case.kl)]
    nodes = tuple(node for node in volumes if not any(node is part for part in maps))
    own = tuple(case.node for case in known if case.image is not None and case.image.GetID() == chosen)
    image = next((node for node in nodes if node.GetID() == chosen), None)
    busy = _("Wait until the segmentation has ended, or cancel it") if segmenting else ""
    return CaseView(
        _choices(nodes),
        _choices(own),
        _("Open a file of your own, or take the sample case.") if image is None else volumeText(image),
        Offer(_("Volume to segment"), busy or ("" if nodes else _("Open a file first"))),
        Offer(
            _("Segmentation in hand: it is shown, reviewed, corrected and handed over"),
            busy or ("" if own else _("This volume has not been segmented yet")),
        ),
        Offer(_("Open a volume of this computer: NRRD, NIfTI, MetaImage, or DICOM as ZIP"), busy),
        Offer(_("Open a generated case, to try everything without data of your own"), busy),
    )


def volumeText(image: Any) -> str:
    """Voxels and spacing of a volume, along i, j and k."""
    try:
        geometry = geometryOf(image)
    except DualSSLError as error:
        return str(error)
    shape = _TIMES.join(str(n) for n in reversed(geometry.shape))
    spacing = _TIMES.join(f"{mm:.3g}" for mm in reversed(geometry.spacing))
    return _("{shape} voxels of {spacing} mm").format(shape=shape, spacing=spacing)


def _choices(nodes: tuple[Any, ...]) -> tuple[NodeChoice, ...]:
    names = [node.GetName() for node in nodes]
    found = []
    for index, node in enumerate(nodes):
        twice = names.count(node.GetName()) > 1
        number = names[: index + 1].count(node.GetName())
        found.append(NodeChoice(f"{node.GetName()} ({number})" if twice else node.GetName(), node.GetID()))
    return tuple(found)
