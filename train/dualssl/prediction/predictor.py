"""Volume in, segmentation and uncertainty on its exact grid out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from dualssl.devices import DeviceChoice, describe_device, is_out_of_memory, resolve_device
from dualssl.errors import PredictionError
from dualssl.model.fit import reaches_beyond
from dualssl.networks.fuse import fused_for_inference
from dualssl.networks.pair import DualNetwork
from dualssl.prediction.components import keep_largest_components
from dualssl.prediction.memory import RESULT_BYTES, ensure_memory, memory_need, window_budget
from dualssl.prediction.precision import Precision, dtype_for, memory_format_for
from dualssl.prediction.results import ArrayPrediction, ClassProbabilities, Prediction, Seconds
from dualssl.prediction.roi import RegionOfInterest
from dualssl.prediction.sliding import Progress, stream_windows
from dualssl.prediction.windows import Blending, WindowPlan, choose_window, plan_windows
from dualssl.volumes.crop import crop, paste
from dualssl.volumes.orient import Orientation
from dualssl.volumes.preprocess import SAME_SPACING, Prepared, intensity_transforms, prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.geometry import Geometry
    from dualssl.model.manifest import Manifest
    from dualssl.volumes.volume import Volume

_log = logging.getLogger(__name__)

_LARGEST_BATCH = 16

RoiStatistics = Literal["auto", "image", "roi"]


@dataclass(frozen=True)
class PredictionSettings:
    """How to predict, as far as the model leaves a choice.

    Attributes:
        device: `auto` is CUDA where there is one, else MPS, else the CPU.
        precision: `auto` is bfloat16 where the hardware has it, else float32.
        overlap: least share of a window's side that neighbouring windows have in common, 0 <= overlap < 1.
        blending: weights within windows.
        window_voxels: most voxels computed at a time; None follows from the device.
        roi_statistics: where the intensity statistics (z-score, percentiles) of a prediction inside a region of interest come
            from. `image`: the whole image, so that the result is that of the whole volume there, up to what networks see
            beyond the region's border. `roi`: the region alone, for models that were trained on crops. `auto`: the region
            where the image reaches beyond all that the model learned from (`dualssl.model.fit.reaches_beyond`), else the image.
    """

    device: DeviceChoice = "auto"
    precision: Precision = "auto"
    overlap: float = 0.25
    blending: Blending = "gaussian"
    window_voxels: int | None = None
    roi_statistics: RoiStatistics = "auto"


class Predictor:
    """A model ready to predict: its networks fused, cast and on the device, for as many volumes as come.

    Attributes:
        manifest: of the model.
        settings: as given.
        device, dtype: where and in which number format the networks run.
        networks: the fused and cast networks.
    """

    def __init__(self, networks: nn.Module, manifest: Manifest, settings: PredictionSettings | None = None) -> None:
        """Make the networks ready.

        Args:
            networks: the pair, which is left as it is; or any module that, as the pair, takes (B, channels, k, j, i) and
                returns ((logits, features) of A, (logits, features) of B). Only a pair is copied and fused.
            manifest: of the model.
            settings: defaults if None.

        Raises:
            PredictionError: the device asked for is not there.
        """
        self.manifest = manifest
        self.settings = settings or PredictionSettings()
        self.device = resolve_device(self.settings.device, PredictionError)
        self.dtype = dtype_for(self.settings.precision, self.device)
        fused = fused_for_inference(networks) if isinstance(networks, DualNetwork) else networks.eval()
        # torch's stubs lack the memory format in `to`.
        order: Any = {"memory_format": memory_format_for(self.device)}
        self.networks: nn.Module = fused.to(device=self.device, dtype=self.dtype, **order)

    def describe_device(self) -> str:
        """A short text for records, such as `cpu, 2 threads, bfloat16`."""
        return describe_device(self.device, str(self.dtype).removeprefix("torch."))

    def plan(self, shape: tuple[int, int, int], budget: int | None = None) -> WindowPlan:
        """The windows for an image of `shape` (k, j, i) on the model's grid.

        Args:
            shape: of the image.
            budget: most voxels of a window; None follows from the settings and the device.
        """
        spec = self.manifest.networks
        most = budget or self._budget()
        window = choose_window(shape, self.manifest.patch, spec.norm, most, self.settings.overlap)
        return plan_windows(shape, window, self.settings.overlap)

    def predict_array(
        self, image: NDArray[np.float32], keep_probability: bool = False, progress: Progress | None = None
    ) -> ArrayPrediction:
        """Predict an image that is on the model's grid and normalised already.

        Nothing is removed from label maps here, whatever the manifest says of components.

        Args:
            image: float32, (channels, k, j, i).
            keep_probability: also return both networks' class probabilities.
            progress: called with the windows done and their total; returning False cancels.

        Raises:
            PredictionError: the image has other channels than the model, or the device's memory does not hold one window.
            Cancelled: `progress` returned False.
        """
        if image.ndim != 4 or image.shape[0] != self.manifest.networks.in_channels:
            raise PredictionError(
                f"The model takes an image of shape ({self.manifest.networks.in_channels}, k, j, i), not {image.shape}: give "
                "one channel for each of the model's."
            )
        shape = (image.shape[1], image.shape[2], image.shape[3])
        budget = self._budget()
        while True:
            plan = self.plan(shape, budget)
            batch = self._batch(plan, budget)
            try:
                return stream_windows(
                    self.networks,
                    image,
                    plan,
                    classes=self.manifest.networks.classes,
                    device=self.device,
                    dtype=self.dtype,
                    temperature=self.manifest.temperature,
                    blending=self.settings.blending,
                    batch=batch,
                    keep_probability=keep_probability,
                    progress=progress,
                )
            except (RuntimeError, MemoryError) as error:
                # What holds the failed attempt's tensors must be gone before the next: leave this block first.
                if not is_out_of_memory(error):
                    raise
                smaller = self._smaller(shape, plan, batch, budget)
                if smaller is None:
                    raise PredictionError(
                        f"The memory of {self.describe_device()} does not hold a window of {plan.window} voxels: close what "
                        "else uses it, or predict on the CPU."
                    ) from error
            _log.warning(
                "Out of memory with %d windows of %s voxels at a time; trying at most %d voxels.", batch, plan.window, smaller
            )
            budget = smaller
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def predict(
        self,
        volumes: Sequence[Volume],
        roi: RegionOfInterest | None = None,
        progress: Progress | None = None,
        keep_confidence: bool = False,
    ) -> Prediction:
        """Predict a case.

        Args:
            volumes: one for each channel of the model, all on one grid, of any orientation.
            roi: predict inside this box only; what lies outside has no influence but, as the settings say, through the
                intensity statistics.
            progress: called with the windows done and their total; returning False cancels.
            keep_confidence: also return the probability of the most probable class, for calibration.

        Raises:
            VolumeError: wrong number of channels, differing grids, a constant image, or a region outside the image.
            PredictionError: too little memory.
            Cancelled: `progress` returned False.
        """
        try:
            return self._predict(volumes, roi, progress, keep_confidence)
        except (RuntimeError, MemoryError) as error:
            # The estimate beforehand is one, and other programs may have taken the memory since.
            if not is_out_of_memory(error):
                raise
            raise PredictionError(
                f"The memory ran out during prediction of an image of {volumes[0].geometry.describe()}: choose a region of "
                "interest around the structure, or close other programs."
            ) from error

    def _predict(
        self, volumes: Sequence[Volume], roi: RegionOfInterest | None, progress: Progress | None, keep_confidence: bool
    ) -> Prediction:
        began = perf_counter()
        parts = list(volumes)
        start = (0, 0, 0)
        if roi is not None:
            cropped = [crop(volume, roi.start, roi.shape) for volume in volumes]
            parts = [part for part, _ in cropped]
            start = cropped[0][1]
        self._ensure_memory(parts, 0 if roi is None else volumes[0].array.size, keep_confidence)
        of_image = roi is not None and not self._normalises_region(volumes[0].geometry)
        transforms = intensity_transforms(volumes, self.manifest.preprocessing) if of_image else None
        prepared = prepare(parts, self.manifest.preprocessing, transforms)
        ready = perf_counter()
        result = self.predict_array(prepared.image, prepared.resampled or keep_confidence, progress)
        predicted = perf_counter()
        geometry = volumes[0].geometry

        def placed(array: NDArray[Any]) -> NDArray[Any]:
            return array if roi is None else paste(array, start, geometry.shape)

        label, label_a, label_b = (placed(array) for array in self._restored_labels(result, prepared))
        entropy, kl, js = (placed(prepared.restore_map(array)) for array in (result.entropy, result.kl, result.js))
        confidence = None
        if keep_confidence and result.probability is not None:
            confidence = placed(_restored_confidence(result.probability, prepared))
        return Prediction(
            geometry=geometry,
            label=label,
            label_a=label_a,
            label_b=label_b,
            entropy=entropy,
            kl=kl,
            js=js,
            seconds=Seconds(ready - began, predicted - ready, perf_counter() - predicted),
            device=self.describe_device(),
            windows=result.windows,
            window=result.window,
            region=None if roi is None else RegionOfInterest(start, parts[0].geometry.shape),
            normalised_over="image" if roi is None or of_image else "roi",
            confidence=confidence,
        )

    def _normalises_region(self, grid: Geometry) -> bool:
        """Whether intensities in a region of an image on this grid are normalised over the region alone."""
        choice = self.settings.roi_statistics
        return reaches_beyond(self.manifest.field_of_view, grid) if choice == "auto" else choice == "roi"

    def _restored_labels(self, result: ArrayPrediction, prepared: Prepared) -> list[NDArray[np.uint8]]:
        """Labels of the mean, of A and of B on the grid of the prepared volumes, components removed."""
        kept = result.probability
        if prepared.resampled and kept is not None:
            sources = (kept.mean, lambda c: kept.of_network(0, c), lambda c: kept.of_network(1, c))
            labels = [prepared.restore_labels(source, kept.classes) for source in sources]
        else:
            labels = [prepared.restore_map(label, "nearest") for label in (result.label, result.label_a, result.label_b)]
        for label in labels:
            keep_largest_components(label, self.manifest.postprocessing.largest_component)
        return labels

    def _ensure_memory(self, volumes: Sequence[Volume], pasted_voxels: int, keep_probability: bool) -> None:
        grid = volumes[0].geometry
        oriented = Orientation.of(grid).of_geometry(grid)
        wanted = self.manifest.preprocessing.spacing or oriented.spacing
        scale = [own / new for own, new in zip(oriented.spacing, wanted, strict=True)]
        resampled = any(abs(s - 1.0) > SAME_SPACING for s in scale)
        k, j, i = (max(1, round(n * s)) if resampled else n for n, s in zip(oriented.shape, scale, strict=True))
        budget = self._budget()
        plan = self.plan((k, j, i), budget)
        spec = self.manifest.networks
        keep = resampled or keep_probability
        need = memory_need(
            plan, self._batch(plan, budget), spec.width, self.dtype, len(volumes), spec.classes, prod(grid.shape), keep
        )
        on_device = 0 if self.device.type == "cuda" else need.window
        ensure_memory(need.results + RESULT_BYTES * pasted_voxels + on_device, f"an image of {grid.describe()}")

    def _budget(self) -> int:
        return self.settings.window_voxels or window_budget(self.device, self.manifest.networks.width, self.dtype)

    def _batch(self, plan: WindowPlan, budget: int) -> int:
        if self.device.type == "cpu":
            return 1
        return max(1, min(_LARGEST_BATCH, budget // prod(plan.window), len(plan.starts[1]) * len(plan.starts[2])))

    def _smaller(self, shape: tuple[int, int, int], plan: WindowPlan, batch: int, budget: int) -> int | None:
        """Half the budget, or half again until it changes something; None if it cannot any more."""
        while budget > 1:
            budget //= 2
            other = self.plan(shape, max(1, budget))
            if other.window != plan.window or self._batch(other, budget) < batch:
                return budget
        return None


def _restored_confidence(probability: ClassProbabilities, prepared: Prepared) -> NDArray[np.float32]:
    """Largest of the classes' mean probabilities on the grid of the prepared volumes.

    Brought there class by class, as labels are: the largest probability, interpolated, would be high on both sides of a border
    and hence on it too, where two classes are equally probable.
    """
    if not prepared.resampled:
        return np.asarray(prepared.restore_map(probability.confidence()), np.float32)
    best: NDArray[np.float32] = prepared.restore_map(probability.mean(0))
    for value in range(1, probability.classes):
        np.maximum(best, prepared.restore_map(probability.mean(value)), out=best)
    return best
