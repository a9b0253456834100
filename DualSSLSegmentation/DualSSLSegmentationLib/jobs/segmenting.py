"""Segment a volume: its voxels to the worker, the worker's files to nodes; bound to the volume it was started on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualssl.errors import ModelError, PredictionError
from dualssl.files import output_error
from dualssl.model.fit import check_channel_count
from dualssl.model.integrity import read_manifest
from dualssl.worker.arrays import geometry_json, store_array
from DualSSLSegmentationLib.jobs.engineJob import EngineJob
from DualSSLSegmentationLib.jobs.jobState import Ended, JobState
from DualSSLSegmentationLib.rendering import paused
from DualSSLSegmentationLib.scene.predictionNodes import buildSteps
from DualSSLSegmentationLib.scene.volumes import contentId, volumeOf
from DualSSLSegmentationLib.steps import Schedule, Steps

if TYPE_CHECKING:
    from dualssl.worker.client import WorkerClient
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
    from DualSSLSegmentationLib.scene.roi import Bounds


@dataclass(frozen=True)
class SegmentRequest:
    """What a person asked for.

    Attributes:
        image: volume node.
        model: folder of the model.
        device: `auto`, `cpu` or `cuda`.
        roi: box in the image's own RAS coordinates, mm; None is the whole volume.
        name: of the segmentation; by default the image's with the model's name.
    """

    image: Any
    model: Path
    device: str = "auto"
    roi: Bounds | None = None
    name: str | None = None


def segment(
    client: WorkerClient,
    request: SegmentRequest,
    folder: Path,
    schedule: Schedule,
    onState: Callable[[JobState], None],
    onEnd: Callable[[Ended], None],
    onward: Callable[[SegmentedCase], Steps] | None = None,
) -> EngineJob:
    """Start a segmentation. Its value is the new `SegmentedCase`; where it does not come to its end, no node of it stays.

    Args:
        client: of the worker.
        request: what is asked.
        folder: which does not exist yet; for the files of the exchange, gone when the job has ended.
        schedule: of the event loop.
        onState, onEnd: as in `EngineJob`.
        onward: makes further steps from the new case, which return the value of the job in its place. Closed early, they see to
            it that nothing of the new case stays.

    Raises:
        PredictionError: the model needs several volumes at once.
    """
    _refuseSeveralChannels(request.model)
    bound = _Bound(request.image)

    def finish(result: dict[str, Any]) -> Steps:
        name = request.name or f"{bound.name} ({_modelName(result)})"
        return bound.watching(_drawnOnce(_chained(buildSteps(bound.scene, result, request.image, name), onward)))

    def cleanUp() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    prepare = bound.watching(_prepare(request, folder))
    return EngineJob(client, schedule, "predict", prepare, finish, onState, onEnd, cleanUp=cleanUp)


class _Bound:
    """What the volume was when the job was started."""

    def __init__(self, image: Any) -> None:
        self.image = image
        self.scene = image.GetScene()
        self.name = image.GetName()
        self._content = contentId(image)

    def check(self) -> None:
        """See that what is done still belongs to the volume.

        Raises:
            PredictionError: it was deleted or changed.
        """
        if self.scene is None or not self.scene.IsNodePresent(self.image):
            raise PredictionError(f"The volume '{self.name}' was deleted while it was being segmented, so there is no result.")
        if contentId(self.image) != self._content:
            raise PredictionError(f"The volume '{self.name}' was changed while it was being segmented: segment it again.")

    def watching(self, steps: Steps) -> Generator[str, None, Any]:
        """The same steps, with a check before each."""
        try:
            while True:
                self.check()
                try:
                    text = next(steps)
                except StopIteration as end:
                    return end.value
                yield text
        finally:
            steps.close()


def _chained(first: Steps, onward: Callable[[SegmentedCase], Steps] | None) -> Steps:
    case = yield from first
    if onward is None:
        return case
    return (yield from onward(case))


def _drawnOnce(steps: Steps) -> Steps:
    """The same steps; views are drawn at their end, not at each node that comes into the scene."""
    with paused():
        return (yield from steps)


def _refuseSeveralChannels(model: Path) -> None:
    """See that the model segments a single volume, before the volume is handed over and the engine started."""
    try:
        manifest = read_manifest(model)
    except ModelError:
        return  # what is wrong with it the engine says
    check_channel_count(manifest, 1)


def _modelName(result: dict[str, Any]) -> str:
    provenance = result.get("provenance")
    return str(provenance.get("model_name", "")) if isinstance(provenance, dict) else ""


def _prepare(request: SegmentRequest, folder: Path) -> Steps:
    yield "Handing the volume to the engine"
    volume = volumeOf(request.image)
    path = folder / "image.npy"
    try:
        folder.mkdir(parents=True)
        store_array(volume.array, path)
    except OSError as error:
        raise output_error(path, error) from error
    return {
        "images": [{"file": str(path), "geometry": geometry_json(volume.geometry)}],
        "model": str(request.model),
        "device": request.device,
        "roi": None if request.roi is None else list(request.roi),
        "output": str(folder / "result"),
    }
