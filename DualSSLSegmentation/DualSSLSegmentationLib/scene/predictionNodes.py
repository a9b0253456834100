"""What the worker's `predict` left in files, as nodes of a segmented case: one array and one node a step."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualssl.errors import DatasetError, VolumeError
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.review import PlacedRegion
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.caseNodes import CaseError, SegmentedCase, removeWithParts
from DualSSLSegmentationLib.scene.segmentation import addSegmentation
from DualSSLSegmentationLib.scene.volumes import addHiddenLabelMap, addScalarVolume, checkSameGrid, checkTransform, geometryOf

# Role of the node -> key of the file in the worker's answer.
_MAPS = {"entropy": "entropy", "kl": "kl"}
_LABEL_MAPS = {"prediction": "label", "networkA": "label_a", "networkB": "label_b", "regionMap": "region_map"}
# What the nodes are called: the name of the segmentation, then this.
_ENDINGS = {
    "entropy": "entropy",
    "kl": "KL",
    "prediction": "first prediction",
    "networkA": "network A",
    "networkB": "network B",
    "regionMap": "regions",
}


def buildSteps(scene: Any, result: dict[str, Any], image: Any, name: str) -> Generator[str, None, SegmentedCase]:
    """Make the nodes of a case, one a step, so that the application stays alive in between.

    Where a step fails, or the generator is closed early, all nodes that were made are removed again.

    Args:
        scene: where to.
        result: what `predict` answered; its files are read and stay where they are.
        image: volume node that was predicted.
        name: of the segmentation; the other nodes' names begin with it.

    Yields:
        What the next step does, for a person.

    Returns:
        The case, as the value of StopIteration.

    Raises:
        VolumeError, CaseError: a file is missing, damaged, or does not fit the image, or the image was removed in the meantime.
    """
    made: list[Any] = []
    try:
        yield "Checking the result"
        answer = _Answer(result, image, name)
        nodes: dict[str, Any] = {}
        for role, key in (*_MAPS.items(), *_LABEL_MAPS.items()):
            yield f"Loading the {_ENDINGS[role]}"
            _stillThere(scene, image, name)
            add = addScalarVolume if role in _MAPS else addHiddenLabelMap
            nodes[role] = add(scene, answer.volume(key), f"{name} {_ENDINGS[role]}", image)
            made.append(nodes[role])
        yield "Making the segments"
        _stillThere(scene, image, name)
        segmentation = addSegmentation(scene, answer.volume("label"), answer.labels, image, name)
        made.append(segmentation)
        yield "Putting the case together"
        _stillThere(scene, image, name)
        return _bound(SegmentedCase(segmentation), {"image": image, **nodes}, answer)
    except BaseException:
        for node in reversed(made):
            removeWithParts(node)
        raise


class _Answer:
    """The worker's answer, checked against the image."""

    def __init__(self, result: dict[str, Any], image: Any, name: str) -> None:
        checkTransform(image)
        self._name = name
        try:
            grid = result["geometry"]
            k, j, i = (int(n) for n in grid["shape_kji"])
            self._grid = Geometry.from_ijk_to_ras(grid["ijk_to_ras"], (k, j, i))
            self._files = {key: Path(str(result["files"][key])) for key in (*_MAPS.values(), *_LABEL_MAPS.values())}
            self.labels = LabelTable.from_json(result["labels"])
            # Without array indices: Slicer reverses an axis of a left-handed volume when it loads the scene.
            self.regions = [PlacedRegion.from_json(region) for region in result["regions"]]
            self.scores = dict(result["scores"])
            self.provenance = dict(result["provenance"])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, DatasetError) as error:
            raise CaseError(
                f"The engine's answer for '{name}' cannot be understood ({type(error).__name__}: {error}): segment again, and "
                "if this comes back, install the engine and the extension in the same version."
            ) from error
        checkSameGrid(f"The prediction of '{name}'", self._grid, geometryOf(image), image.GetName())

    def volume(self, key: str) -> Volume:
        """The array of one of the answer's files, mapped: the file is in use for as long as the array is.

        Raises:
            VolumeError: the file is missing or damaged, or its array does not fit.
        """
        path = self._files[key]
        try:
            # Mapped first: what a damaged header claims costs no memory before it is checked. And never unpickled.
            stored = np.lib.format.open_memmap(path, mode="r")
        except (OSError, ValueError, EOFError, OverflowError) as error:
            raise VolumeError(
                f"The result {path} of '{self._name}' is missing or damaged ({error}): segment the image again."
            ) from error
        fault = self._fault(key, stored)
        if fault is not None:
            raise VolumeError(f"The result {path} of '{self._name}' {fault}: segment the image again.")
        return Volume(stored, self._grid)

    def _fault(self, key: str, array: NDArray[Any]) -> str | None:
        if array.shape != self._grid.shape:
            return f"has the shape {array.shape} instead of {self._grid.shape}"
        if key in _MAPS.values():
            if array.dtype != np.float32:
                return f"has voxels of type {array.dtype} instead of float32"
            # A look at the ends is a look at all: NaN goes through both.
            return None if np.isfinite([array.min(), array.max()]).all() else "has NaN or infinity"
        if array.dtype not in ((np.uint8, np.int16) if key == "region_map" else (np.uint8,)):
            return f"has voxels of type {array.dtype}, which no label map of the engine has"
        highest = max((region.id for region in self.regions), default=0) if key == "region_map" else len(self.labels)
        if array.min() < 0 or array.max() > highest:
            return f"has values from {array.min()} to {array.max()}, where 0 to {highest} are known"
        return None


def _stillThere(scene: Any, image: Any, name: str) -> None:
    if image.GetScene() is not scene:
        raise CaseError(f"The volume that '{name}' was made from was removed from the scene: load it again and segment it.")


def _bound(case: SegmentedCase, nodes: dict[str, Any], answer: _Answer) -> SegmentedCase:
    gone = [role for role, node in nodes.items() if node.GetScene() is not case.scene]
    if gone or case.scene is None:
        raise CaseError("A part of the result was removed from the scene while it was being loaded: segment the image again.")
    for role, node in nodes.items():
        case.setReference(role, node)
    case.setJson("provenance", answer.provenance)
    case.setJson("scores", answer.scores)
    case.setJson("regions", [{"region": r.to_json(), "state": "open", "answer": None, "changed": None} for r in answer.regions])
    # Last: it is by the labels that a case is known as one.
    case.setJson("labels", answer.labels.to_json())
    return case
