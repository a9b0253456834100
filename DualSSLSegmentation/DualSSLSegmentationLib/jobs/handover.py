"""A corrected case as files and parameters for the worker's `save_case`, checked first; one file a step."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.case_files import EDITED, LEFT, OUTSIDE, UNSEEN
from dualssl.files import output_error
from dualssl.prediction.roi import RegionOfInterest
from dualssl.volumes.crop import clipped_box
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import geometry_json, store_array
from DualSSLSegmentationLib.jobs.caseContents import CaseContents, Findings, segmentedRegion
from DualSSLSegmentationLib.scene.caseNodes import CaseError, SegmentedCase
from DualSSLSegmentationLib.scene.volumes import volumeOf

if TYPE_CHECKING:
    from DualSSLSegmentationLib.review.editTracking import EditTracker


@dataclass(frozen=True)
class Handover:
    """What a person says of a case that is to be saved.

    Attributes:
        library: folder of the case library.
        caseName: in the library.
        reviewer: who answers for the labels.
        notes: free text.
        group: cases of one group (a patient) are alike; None takes the name.
        create: whether the library is made where there is none.
        wholeCase: whether the person looked at all of it. If not, voxels that lie neither in a region that they decided on nor
            in an edit are marked `UNSEEN`, and fine-tuning does not learn from them.
    """

    library: Path
    caseName: str
    reviewer: str
    notes: str = ""
    group: str | None = None
    create: bool = True
    wholeCase: bool = True


def findingsOf(case: SegmentedCase, tracker: EditTracker | None = None) -> Findings:
    """See whether a case can be handed over, without writing anything.

    Args:
        case: to look at.
        tracker: what follows its edits, or None to compare with the first prediction here.
    """
    return CaseContents.of(case, tracker).findings


def collectSteps(
    case: SegmentedCase, handover: Handover, tracker: EditTracker | None, folder: Path
) -> Generator[str, None, dict[str, Any]]:
    """Write the arrays of a case into a folder, one a step, so that the application stays alive in between.

    All is as it was at the first step, whatever is painted or closed meanwhile. Where a step fails, or the generator is closed
    early, what it wrote is removed again.

    Args:
        case: to be handed over.
        handover: what the person says of it.
        tracker: what follows its edits, or None to compare with the first prediction here.
        folder: new or empty; stays until the worker has read it, which is the caller's business.

    Yields:
        What the next step does, for a person; remarks on the case among them.

    Returns:
        Parameters for `save_case`, as the value of StopIteration.

    Raises:
        CaseError: the case has problems, see `findingsOf`, or name or reviewer are missing.
        OutputError: no space, no permission.
        LibraryError: the name cannot be that of a case.
    """
    _checkWords(handover)
    place = folder.absolute()
    mine, written = not place.exists(), []
    try:
        yield "Checking the case"
        contents = CaseContents.of(case, tracker)
        if contents.findings.problems:
            raise CaseError(" ".join(contents.findings.problems))
        if not handover.wholeCase:
            _markUnseen(case, contents)
        _markOutside(contents)
        yield from contents.findings.remarks
        files: dict[str, dict[str, Any]] = {}
        for name, volume in contents.volumes.items():
            yield f"Writing the {name.replace('_', ' ')}"
            written.append(place / f"{name}.npy")
            files[name] = _written(volume, written[-1])
        return _params(contents, handover, files)
    except BaseException:
        for path in written:
            with suppress(OSError):
                path.unlink()
        if mine:
            shutil.rmtree(place, ignore_errors=True)
        raise


def collect(
    case: SegmentedCase,
    reviewer: str,
    caseName: str,
    library: Path,
    group: str | None,
    notes: str,
    folder: Path,
) -> dict[str, Any]:
    """All of `collectSteps` at once, for scripts and tests. Raises what it raises."""
    steps = collectSteps(case, Handover(library, caseName, reviewer, notes, group), None, folder)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _checkWords(handover: Handover) -> None:
    from dualssl.cases.names import check_case_name

    check_case_name(handover.caseName)
    if not handover.reviewer.strip():
        raise CaseError("Nobody is named who answers for the labels: fill in the reviewer.")


def _markUnseen(case: SegmentedCase, contents: CaseContents) -> None:
    """Mark in the edit mask what the person did not look at; without an edit mask there is nothing to tell that by."""
    edits = contents.volumes.get("edit_mask")
    if edits is None:
        return
    decided = [region["id"] for region in contents.reviewed if region["state"] == "accepted" or region["answer"]]
    seen = edits.array != 0
    if case.regionMap is not None and decided:
        seen |= np.isin(volumeOf(case.regionMap).array, decided)
    if not seen.any():
        raise CaseError(
            "Nobody has looked at any part of this case, so nothing could be learned from it: decide on a region, correct "
            "something, or say that the whole case was looked at."
        )
    marks = np.where(edits.array != 0, EDITED, np.where(seen, LEFT, UNSEEN)).astype(np.uint8)
    contents.volumes["edit_mask"] = Volume(marks, edits.geometry)


def _markOutside(contents: CaseContents) -> None:
    """Mark in the edit mask what lies outside of the region that was segmented and normalised by itself.

    What a person labelled or changed beyond it widens the region: nothing of theirs is left out.
    """
    bounds, edits = segmentedRegion(contents.provenance), contents.volumes.get("edit_mask")
    if bounds is None or edits is None:
        return
    region = RegionOfInterest.from_ras_bounds(edits.geometry, bounds)
    start, stop = clipped_box(region.start, region.shape, edits.array.shape)
    theirs = np.argwhere((contents.volumes["labels"].array != 0) | (edits.array == EDITED))
    if len(theirs):
        start = tuple(np.minimum(start, theirs.min(axis=0)))
        stop = tuple(np.maximum(stop, theirs.max(axis=0) + 1))
    box = tuple(slice(first, end) for first, end in zip(start, stop, strict=True))
    marks = np.full(edits.array.shape, OUTSIDE, np.uint8)
    marks[box] = edits.array[box]
    contents.volumes["edit_mask"] = Volume(marks, edits.geometry)


def _written(volume: Volume, path: Path) -> dict[str, Any]:
    """Write voxels, and return what the worker's protocol calls an ArrayFile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        store_array(volume.array, path)
    except OSError as error:
        raise output_error(path, error) from error
    return {"file": str(path), "geometry": geometry_json(volume.geometry)}


def _params(contents: CaseContents, handover: Handover, files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    prediction = {
        "label": files.get("prediction"),
        "entropy": files.get("entropy"),
        "kl": files.get("kl"),
        "model_id": contents.provenance.get("model_id"),
        "model_sha256": contents.provenance.get("model_sha256"),
        "scores": contents.scores,
    }
    return {
        "library": str(handover.library.absolute()),
        "create": handover.create,
        "case": handover.caseName,
        "group": handover.group,
        "images": [files["image"]],
        # A new library is then one that the model can go on predicting in.
        "channel_names": contents.provenance.get("channels"),
        "labels_table": contents.labels.to_json(),
        "labels": files["labels"],
        "prediction": prediction if "prediction" in files else None,
        "edit_mask": files.get("edit_mask"),
        "reviewer": handover.reviewer.strip(),
        "started": contents.started,
        "regions_reviewed": list(contents.reviewed),
        "notes": handover.notes,
    }
