"""A model on a list of cases: the figures of each, their means, and the quality of the uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from dualssl.case_files import read_case
from dualssl.dataset import Dataset
from dualssl.errors import DatasetError
from dualssl.evaluation.case import MEASURES, SEGMENTATIONS, CaseEvaluation, evaluate_case
from dualssl.metrics.calibration import Reliability
from dualssl.metrics.case_metrics import SegmentationScores
from dualssl.metrics.correlation import spearman
from dualssl.metrics.review_efficiency import ReviewCurve
from dualssl.model.fit import check_fit
from dualssl.prediction.predictor import Predictor


@dataclass(frozen=True)
class Evaluation:
    """The cases, and what follows from them."""

    cases: tuple[CaseEvaluation, ...]

    def mean(self, segmentation: str = "mean") -> SegmentationScores:
        """Means over all cases (each the mean over structures) of `mean`, `network_a` or `network_b`."""
        return SegmentationScores.mean_of(case.scores[segmentation].mean for case in self.cases)

    def uncertainty(self) -> dict[str, Any]:
        """Error detection, review efficiency, calibration and case ranking over all cases, as plain data.

        A case without a value is left out of a mean; `cases` beside the means says of how many cases each is.
        """
        dice = [case.scores["mean"].mean.dice for case in self.cases]
        reliability = Reliability()
        for case in self.cases:
            reliability.merge(case.reliability)
        error_rates = [case.maps["entropy"].detection.error_rate for case in self.cases]
        maps: dict[str, Any] = {}
        for measure in MEASURES:
            qualities = [case.maps[measure] for case in self.cases]
            figures = {
                "auroc": [q.detection.auroc for q in qualities],
                "auprc": [q.detection.auprc for q in qualities],
                "errors_in_top_5_percent": [q.errors_in_top for q in qualities],
                "best_in_top_5_percent": [q.best_in_top for q in qualities],
                "share_of_best_in_top_5_percent": [q.share_of_best for q in qualities],
            }
            maps[measure] = {
                **{name: _mean_known(values) for name, values in figures.items()},
                "cases": {name: _count_known(values) for name, values in figures.items()},
                "review_curve": ReviewCurve.mean_of([q.curve for q in qualities]).to_json(),
            }
        return {
            "band": "predicted foreground and 5 voxels around it",
            "maps": maps,
            "error_rate": _mean_known(error_rates),
            "cases": {"error_rate": _count_known(error_rates)},
            "calibration": reliability.to_json(),
            "spearman_with_dice": {
                "entropy": spearman([case.uncertainty.entropy for case in self.cases], dice),
                "kl": spearman([case.uncertainty.kl for case in self.cases], dice),
                "uncertain": spearman([case.uncertainty.uncertain for case in self.cases], dice),
                "network_dice": spearman([case.uncertainty.network_dice for case in self.cases], dice),
            },
        }

    def to_json(self) -> dict[str, Any]:
        """The form of `dualssl evaluate`: `cases`, `mean`, `network_a`, `network_b`, `uncertainty`."""
        data: dict[str, Any] = {"cases": [case.to_json() for case in self.cases]}
        for segmentation in SEGMENTATIONS:
            data[segmentation] = self.mean(segmentation).to_json()
        data["standard_deviation"] = self._standard_deviation()
        data["uncertainty"] = self.uncertainty()
        return data

    def _standard_deviation(self) -> dict[str, float]:
        values = [case.scores["mean"].mean for case in self.cases]
        return {field.name: float(np.std([getattr(v, field.name) for v in values])) for field in fields(SegmentationScores)}


def _mean_known(values: Sequence[float | None]) -> float | None:
    known = [float(v) for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _count_known(values: Sequence[float | None]) -> int:
    return sum(value is not None for value in values)


def evaluate_model(
    predictor: Predictor,
    dataset: Dataset,
    cases: Sequence[str],
    on_case: Callable[[int, CaseEvaluation], None] | None = None,
) -> Evaluation:
    """Segment `cases` of `dataset` on their own grids and score them.

    Args:
        predictor: the model, warm.
        dataset: must have the model's structures, names and values alike.
        cases: names; each needs a label map.
        on_case: told the number of cases done and the newest.

    Raises:
        DatasetError: the dataset's structures or channels are not the model's, a case has no label map, or there is no case.
        VolumeError: a file cannot be used.
    """
    manifest = predictor.manifest
    check_fit(manifest, dataset, DatasetError, "evaluate on data with the model's structures and channels")
    if not cases:
        raise DatasetError("There is no case to evaluate: name at least one.")
    dataset.check_cases(tuple(cases), labelled=True, where="The list of cases")
    # Reading takes a small part of the time of predicting and scoring: a bad file is found before all that, not after.
    for name in cases[1:]:
        read_case(dataset, name, labelled=True)
    done: list[CaseEvaluation] = []
    for name in cases:
        channels, truth = read_case(dataset, name, labelled=True)
        prediction = predictor.predict(channels, keep_confidence=True)
        done.append(evaluate_case(name, prediction, truth.array, manifest.labels))
        if on_case is not None:
            on_case(len(done), done[-1])
    return Evaluation(tuple(done))
