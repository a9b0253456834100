"""What of a segmented case is handed over: its arrays and texts at one moment, and what there is to say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dualssl.errors import VolumeError
from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.caseNodes import CaseError, SegmentedCase
from DualSSLSegmentationLib.scene.labelBoxes import boxesOf
from DualSSLSegmentationLib.scene.segmentation import LabelMapOfSegments, labelMapOf
from DualSSLSegmentationLib.scene.structureSegments import structureSegments
from DualSSLSegmentationLib.scene.volumes import checkSameGrid, volumeOf

if TYPE_CHECKING:
    from DualSSLSegmentationLib.review.editTracking import EditTracker


@dataclass(frozen=True)
class Findings:
    """What there is to say of a case before it is handed over.

    Attributes:
        problems: one sentence each; with any of them the case cannot be handed over.
        remarks: one sentence each; the case can be handed over, but a person should know.
    """

    problems: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CaseContents:
    """A case at one moment. Where it has problems, the rest may be missing.

    Attributes:
        findings: what there is to say of it.
        volumes: `image`, `labels`, and where they are known `prediction`, `entropy`, `kl` and `edit_mask`, all on the image's
            grid; those of the scene are views.
        labels: the structures.
        provenance, scores: of the prediction, as the case has them.
        started: when the review began, ISO 8601, or None.
        reviewed: regions that a person decided on, each with the decision beside what `dualssl.review.Region` says; without
            array indices where the map of regions is gone.
    """

    findings: Findings
    volumes: dict[str, Volume] = field(default_factory=dict)
    labels: LabelTable = field(default_factory=lambda: LabelTable(()))
    provenance: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    started: str | None = None
    reviewed: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, case: SegmentedCase, tracker: EditTracker | None = None) -> CaseContents:
        """The case as it is now; `tracker` tells its edits, without one they are told by the first prediction."""
        if case.scene is None or case.image is None:
            return cls(_problem("The image of the case is gone from the scene: load it again and segment it."))
        try:
            return _read(case, tracker)
        except (VolumeError, CaseError) as error:
            return cls(_problem(str(error)))


def segmentedRegion(provenance: Mapping[str, Any]) -> tuple[float, float, float, float, float, float] | None:
    """The box that a case was segmented in with intensities normalised over it, RAS mm of the image; None for a whole image."""
    roi = provenance.get("roi")
    if provenance.get("normalised_over") != "roi" or not isinstance(roi, (list, tuple)) or len(roi) != 6:
        return None
    r0, r1, a0, a1, s0, s1 = (float(number) for number in roi)
    return r0, r1, a0, a1, s0, s1


def _problem(text: str) -> Findings:
    return Findings((text,), ())


def _read(case: SegmentedCase, tracker: EditTracker | None) -> CaseContents:
    labels, image = case.labels, volumeOf(case.image)
    segments = labelMapOf(case, labels, case.image)
    volumes = {"image": image, "labels": Volume(segments.array, image.geometry)}
    for name, node in (("prediction", case.prediction), ("entropy", case.entropy), ("kl", case.kl)):
        if node is not None:
            volumes[name] = volumeOf(node)
            checkSameGrid(f"'{node.GetName()}'", volumes[name].geometry, image.geometry, case.image.GetName())
    if "prediction" in volumes:
        mask = tracker.editMask() if tracker is not None else _edits(case, segments.array, volumes["prediction"].array)
        volumes["edit_mask"] = Volume(mask, image.geometry)
    problems = _ambiguities(case, labels, segments)
    remarks = [] if problems else _remarks(case, labels, segments, volumes)
    started, reviewed = case.started, _reviewed(case)
    return CaseContents(
        findings=Findings(tuple(problems), tuple(remarks)),
        volumes=volumes,
        labels=labels,
        provenance=case.provenance,
        scores=case.scores,
        started=None if started is None else started.isoformat(),
        reviewed=tuple(reviewed if case.regionMap is None else _onGrid(reviewed, case.regionMap)),
    )


def _edits(case: SegmentedCase, labels: NDArray[np.uint8], prediction: NDArray[Any]) -> NDArray[np.uint8]:
    """1 where a person edited: where labels differ from the prediction, or were protected when a new one was merged in."""
    mask = labels != prediction
    if case.protectedEdits is not None:
        protected = volumeOf(case.protectedEdits).array
        if protected.shape == mask.shape:
            mask |= protected != 0
    return mask.astype(np.uint8)


def _ambiguities(case: SegmentedCase, labels: LabelTable, segments: LabelMapOfSegments) -> list[str]:
    """Why the segments are no label map without somebody's decision."""
    found: list[str] = []
    if segments.overlapping:
        found.append(
            f"The structures overlap in {segments.overlapping} voxel(s): decide which one these belong to, for instance with "
            "Segment Editor's Logical operators (Subtract)."
        )
    absent = _withoutSegment(case, labels)
    if absent and segments.unknown:
        found.append(
            f"No segment stands for {_listed(absent)}, while {_listed(segments.unknown)} "
            f"{'stands' if len(segments.unknown) == 1 else 'stand'} for no structure: rename the segment to the structure it "
            "shows, or remove it."
        )
    return found


def _remarks(case: SegmentedCase, labels: LabelTable, segments: LabelMapOfSegments, volumes: dict[str, Volume]) -> list[str]:
    found: list[str] = []
    if segments.unknown:
        found.append(
            f"{_listed(segments.unknown)} {'stands' if len(segments.unknown) == 1 else 'stand'} for no structure of the model "
            f"({', '.join(labels.names)}) and will not be saved: add what shall be saved to a structure's segment."
        )
    absent = _withoutSegment(case, labels)
    if absent:
        found.append(f"No segment stands for {_listed(absent)}: the case is saved as one without.")
    if segmentedRegion(case.provenance) is not None:
        found.append("Of this case fine-tuning sees the region that was segmented, and nothing around it.")
    if "prediction" not in volumes:
        found.append("The first prediction is gone from the scene: what was edited is not known and not saved.")
    elif not volumes["edit_mask"].array.any() and not _reviewed(case):
        found.append("Nothing was edited and no region was reviewed: the labels are saved as the model predicted them.")
    return found


def _withoutSegment(case: SegmentedCase, labels: LabelTable) -> tuple[str, ...]:
    present = structureSegments(case.node, labels).byValue
    return tuple(label.name for label in labels if label.value not in present)


def _reviewed(case: SegmentedCase) -> list[dict[str, Any]]:
    """Regions that a person decided on, each with the decision beside what `PlacedRegion` says."""
    entries = [entry for entry in case.regionEntries if entry.get("state") != "open" or entry.get("answer")]
    return [
        {**_placed(entry["region"]), **{name: entry.get(name) for name in ("state", "answer", "changed")}} for entry in entries
    ]


def _placed(region: dict[str, Any]) -> dict[str, Any]:
    """A region without array indices, which scenes of early versions hold and which may be those of another grid."""
    return {name: value for name, value in region.items() if not name.endswith("_kji")}


def _onGrid(regions: list[dict[str, Any]], regionMap: Any) -> list[dict[str, Any]]:
    """Regions with the array indices that they have on the grid as it is now, see `dualssl.review.Region`."""
    if not regions:
        return []
    volume = volumeOf(regionMap)
    boxes = boxesOf(volume.array)
    found = []
    for region in regions:
        box = boxes.get(region["id"])
        if box is None:
            found.append(region)
            continue
        centre = np.rint(volume.geometry.ras_to_kji(region["centre_ras"]))
        indices = {
            "centre_kji": [int(n) for n in centre],
            "start_kji": [part.start for part in box],
            "stop_kji": [part.stop for part in box],
        }
        found.append({**region, **indices})
    return found


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
