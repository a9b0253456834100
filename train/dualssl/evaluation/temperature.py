"""How likely the true labels are under a model at other temperatures, and how well calibrated it is at each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dualssl.case_files import read_case
from dualssl.errors import DatasetError
from dualssl.evaluation.case import BAND_VOXELS
from dualssl.metrics.band import Box, bounding_box, foreground_band
from dualssl.metrics.calibration import Reliability
from dualssl.metrics.temperature import FEWEST_CASES, TEMPERATURES, LikelihoodTable, TemperatureFit, fit_temperature
from dualssl.model.fit import check_fit
from dualssl.model.provenance import labelled_cases
from dualssl.prediction.components import keep_largest_components
from dualssl.prediction.precision import memory_format_for
from dualssl.prediction.predictor import Predictor
from dualssl.prediction.windows import WindowPlan, blending_weights
from dualssl.volumes.crop import clipped_box, crop_padded
from dualssl.volumes.preprocess import Prepared, prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dualssl.dataset import Dataset
    from dualssl.volumes.volume import Volume

LEAST_PROBABILITY = 1e-6
"""Probabilities are not taken below this in the logarithm, as in the maps of uncertainty: one voxel costs at most 13.8."""


@dataclass(frozen=True)
class TemperatureReport:
    """What came of fitting a temperature.

    Attributes:
        cases: names, in the order of the fit's figures.
        fit: the temperature, and whether it helps on cases that had no say in it.
        chosen: the temperature to use: the fitted one if it helps, else the one before.
        ece_before, ece_after: expected calibration error over all cases at `fit.before` and at `chosen`; None without voxels.
    """

    cases: tuple[str, ...]
    fit: TemperatureFit
    chosen: float
    ece_before: float | None
    ece_after: float | None

    @property
    def verdict(self) -> str:
        """What was decided, and why, in a sentence."""
        fit = self.fit
        means = f"{np.mean(fit.held_out_before):.4f} to {np.mean(fit.held_out):.4f}"
        counted = f"{fit.cases_better} of {len(self.cases)} cases better"
        if fit.helps:
            return f"Temperature {fit.temperature:.3f} is kept: on held-out cases the NLL goes from {means} ({counted})."
        return (
            f"Temperature {fit.before:g} stays: the fitted {fit.temperature:.3f} does not lower the NLL on held-out cases "
            f"({means}, {counted})."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data, the form of `dualssl models calibrate`."""
        fit = self.fit
        rows = zip(self.cases, fit.held_out_before, fit.held_out, strict=True)
        return {
            "temperature": self.chosen,
            "kept": fit.helps,
            "verdict": self.verdict,
            "fitted": fit.temperature,
            "before": fit.before,
            "ece_before": self.ece_before,
            "ece_after": self.ece_after,
            "nll_before": fit.nll_before,
            "nll_after": fit.nll_after,
            "held_out": [{"case": name, "nll_before": before, "nll_after": after} for name, before, after in rows],
            "voxels": f"predicted foreground and {BAND_VOXELS} voxels around it",
            "method": "temperature scaling (Guo et al. 2017), least NLL of the networks' mean probability, leave-one-case-out",
        }


def calibrate_model(
    predictor: Predictor,
    dataset: Dataset,
    cases: Sequence[str],
    on_case: Callable[[int, str], None] | None = None,
    temperatures: Sequence[float] = TEMPERATURES,
) -> TemperatureReport:
    """Fit one temperature on labelled cases that the model was not trained on.

    What is fitted is what a person gets: the mean of both networks' probabilities, blended over the windows and brought to the
    image's own grid. Voxels are those of `evaluate`'s band (predicted foreground and 5 voxels around it, at the temperature
    before): over whole images nearly every voxel is certain background, and would decide the fit.

    Args:
        predictor: the model, warm.
        dataset: must have the model's structures and channels.
        cases: names; each needs a label map.
        on_case: told the number of cases done and the newest.
        temperatures: where to look.

    Raises:
        DatasetError: structures or channels differ, fewer than two cases, or one that the model was trained on.
        VolumeError: a file cannot be used.
    """
    manifest = predictor.manifest
    check_fit(manifest, dataset, DatasetError, "calibrate on data with the model's structures and channels")
    _check_cases(predictor, dataset, tuple(cases))
    rows: list[list[float]] = []
    before, after = Reliability(), Reliability()
    for name in cases:
        case = CaseLogits.of(predictor, *read_case(dataset, name, labelled=True))
        rows.append(case.nll(temperatures))
        case.add_to(before, manifest.temperature)
        if on_case is not None:
            on_case(len(rows), name)
    fit = fit_temperature(LikelihoodTable.of(temperatures, rows), manifest.temperature)
    if not fit.helps:
        return TemperatureReport(tuple(cases), fit, fit.before, before.ece, before.ece)
    # The networks run a second time, for the logits of all cases may be more than the memory holds.
    for name in cases:
        CaseLogits.of(predictor, *read_case(dataset, name, labelled=True)).add_to(after, fit.temperature)
    return TemperatureReport(tuple(cases), fit, fit.temperature, before.ece, after.ece)


def _check_cases(predictor: Predictor, dataset: Dataset, cases: tuple[str, ...]) -> None:
    if len(cases) < FEWEST_CASES:
        raise DatasetError("One case cannot tell whether a temperature helps on others: name at least two with --cases.")
    dataset.check_cases(cases, labelled=True, where="--cases")
    trained = set(labelled_cases(predictor.manifest.provenance, dataset.name))
    known = [name for name in cases if name in trained]
    if known:
        raise DatasetError(
            f"The model was trained on case '{known[0]}', where it is surer than elsewhere: leave it out of --cases."
        )


class CaseLogits:
    """Both networks' logits of one case, from which its probabilities follow at any temperature.

    Attributes:
        manifest: of the model.
        prepared: the case as the networks see it.
        plan, weights: the windows, and what each counts.
        windows: logits (C, k, j, i) of network A and of B for each window.
        band: voxels that count, on the image's grid inside `box`.
        box: the smallest that holds the band.
        truth: label map inside `box`.
    """

    def __init__(self, predictor: Predictor, prepared: Prepared, plan: WindowPlan, truth: NDArray[np.uint8]) -> None:
        self.manifest = predictor.manifest
        self.prepared = prepared
        self.plan = plan
        self.weights = blending_weights(plan, predictor.settings.blending)
        self.windows = list(_logits_of_windows(predictor, prepared, plan))
        band = foreground_band(self.label(self.manifest.temperature), BAND_VOXELS)
        if not band.any():
            # Nothing was predicted: every voxel may be wrong, and the case must not drop out.
            band = np.ones_like(band)
        self.box: Box = bounding_box(band) or ()
        self.band = band[self.box]
        self.truth = truth[self.box]

    @classmethod
    def of(cls, predictor: Predictor, channels: Sequence[Volume], truth: Volume) -> CaseLogits:
        """Run the networks once."""
        prepared = prepare(channels, predictor.manifest.preprocessing)
        k, j, i = prepared.image.shape[1:]
        return cls(predictor, prepared, predictor.plan((k, j, i)), truth.array)

    def nll(self, temperatures: Sequence[float]) -> list[float]:
        """Mean negative log-likelihood (nats) of the band's true labels at each temperature."""
        values = []
        for temperature in temperatures:
            total = 0.0
            for value, probability in self._class_maps(temperature):
                chosen = probability[self.box][self.band & (self.truth == value)]
                total -= float(np.log(np.maximum(chosen, LEAST_PROBABILITY), dtype=np.float64).sum())
            values.append(total / int(np.count_nonzero(self.band)))
        return values

    def add_to(self, reliability: Reliability, temperature: float) -> None:
        """Count the band's voxels at a temperature, as `evaluate` does."""
        confidence = np.zeros(self.truth.shape, np.float32)
        for _, probability in self._class_maps(temperature):
            np.maximum(confidence, probability[self.box], out=confidence)
        reliability.add(confidence, self.label(temperature)[self.box] == self.truth, self.band)

    def label(self, temperature: float) -> NDArray[np.uint8]:
        """The label map on the image's grid, largest pieces kept where the model says so."""
        shape = self.prepared.source.shape
        label, best = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
        for value, probability in self._class_maps(temperature):
            better = probability > best
            label[better] = value
            best[better] = probability[better]
        keep_largest_components(label, self.manifest.postprocessing.largest_component)
        return label

    def _class_maps(self, temperature: float) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Value and mean probability, on the image's grid, of every class; the background comes last."""
        mean = self._mean_probability(temperature)
        background = np.ones(self.prepared.source.shape, np.float32)
        for value in range(1, self.manifest.networks.classes):
            probability = self.prepared.restore_map(mean[value].numpy())
            background -= probability
            yield value, probability
        yield 0, background

    def _mean_probability(self, temperature: float) -> Tensor:
        """Mean of both networks' blended probabilities on the model's grid, (C, k, j, i), float32."""
        plan = self.plan
        mean = torch.zeros((self.manifest.networks.classes, *plan.shape))
        places = product(*(range(len(axis)) for axis in plan.starts))
        for place, start, pair in zip(places, plan, self.windows, strict=True):
            low, high = clipped_box(start, plan.window, plan.shape)
            inside = tuple(slice(a - s, b - s) for a, b, s in zip(low, high, start, strict=True))
            k, j, i = (torch.from_numpy(self.weights[axis][place[axis]][inside[axis]]) for axis in range(3))
            weight = 0.5 * k[:, None, None] * (j[:, None] * i)
            into = mean[(slice(None), *map(slice, low, high))]
            for logits in pair:
                into += weight * (logits[(slice(None), *inside)] / temperature).softmax(dim=0)
        return mean


def _logits_of_windows(predictor: Predictor, prepared: Prepared, plan: WindowPlan) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (C, k, j, i), float32, of network A and of B for each window."""
    # torch's stubs lack the memory format in `to`.
    order: Any = {"memory_format": memory_format_for(predictor.device)}
    for start in plan:
        part = np.require(crop_padded(prepared.image, start, plan.window), np.float32, "W")
        with torch.inference_mode():
            window = torch.from_numpy(part)[None].to(device=predictor.device, dtype=predictor.dtype, **order)
            (a, _), (b, _) = predictor.networks(window)
        yield a[0].float().cpu(), b[0].float().cpu()
