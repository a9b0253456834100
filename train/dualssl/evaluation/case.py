"""One case: segment it, compare with the truth, and ask whether the uncertainty maps knew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualssl.labels import LabelTable
from dualssl.metrics.band import foreground_band
from dualssl.metrics.calibration import Reliability
from dualssl.metrics.case_metrics import CaseScore, score_label_map
from dualssl.metrics.error_detection import ErrorDetection, detect_errors
from dualssl.metrics.review_efficiency import (
    ReviewCurve,
    best_share_of_errors_in_top,
    review_curve,
    share_of_errors_in_top,
)
from dualssl.prediction.results import Prediction
from dualssl.review.case_scores import CaseScores, score_case

BAND_VOXELS = 5
"""Errors are sought in the predicted foreground and this many voxels around it: whole-volume figures flatter."""

TOP_SHARE = 0.05
MEASURES = ("entropy", "kl", "js", "disagreement")
SEGMENTATIONS = ("mean", "network_a", "network_b")


@dataclass(frozen=True)
class MapQuality:
    """How well one uncertainty map finds the errors of one case inside the band.

    Attributes:
        detection: areas under the curves. Where nothing was predicted, the band is empty: if the case has errors then, no map
            can point at them and both areas count as 0, the worst there is. They are None if the case has no error, or
            if the band's voxels are all right or all wrong.
        errors_in_top: share of all errors in the most uncertain part of the band, 0 for an empty band; None without errors.
        best_in_top: the most that `errors_in_top` can be here, by a map that ranks every error first.
        curve: what reviewing by this map brings.
    """

    detection: ErrorDetection
    errors_in_top: float | None
    best_in_top: float | None
    curve: ReviewCurve

    @property
    def share_of_best(self) -> float | None:
        """`errors_in_top` as a share of the most it can be; 0 where nothing can be found, None without errors."""
        if self.errors_in_top is None or self.best_in_top is None:
            return None
        return self.errors_in_top / self.best_in_top if self.best_in_top else 0.0

    def to_json(self) -> dict[str, float | int | None]:
        """Plain data without the curve."""
        return {
            **self.detection.to_json(),
            "errors_in_top_5_percent": self.errors_in_top,
            "best_in_top_5_percent": self.best_in_top,
            "share_of_best_in_top_5_percent": self.share_of_best,
        }


@dataclass(frozen=True)
class CaseEvaluation:
    """Everything measured on one case.

    Attributes:
        name: of the case.
        scores: by segmentation: the mean of both networks, network A, network B.
        uncertainty: what the maps say of the case as a whole, without its truth.
        maps: by measure, how well each map finds the errors of the mean segmentation.
        reliability: histogram of confidence against correctness inside the band.
        seconds: time of the networks.
    """

    name: str
    scores: dict[str, CaseScore]
    uncertainty: CaseScores
    maps: dict[str, MapQuality]
    reliability: Reliability
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain data; the figures of the mean segmentation stand at the top."""
        data: dict[str, Any] = {"case": self.name, **self.scores["mean"].mean.to_json()}
        data["structures"] = self.scores["mean"].to_json()["structures"]
        for network in SEGMENTATIONS[1:]:
            data[network] = self.scores[network].mean.to_json()
        data["uncertainty"] = {
            "case_scores": self.uncertainty.to_json(),
            **{measure: quality.to_json() for measure, quality in self.maps.items()},
        }
        data["seconds"] = round(self.seconds, 3)
        return data


def evaluate_case(name: str, prediction: Prediction, truth: NDArray[np.uint8], labels: LabelTable) -> CaseEvaluation:
    """Compare `prediction` with `truth`, both on the image's own grid (k, j, i)."""
    spacing = prediction.geometry.spacing
    found = {"mean": prediction.label, "network_a": prediction.label_a, "network_b": prediction.label_b}
    errors = prediction.label != truth
    band = foreground_band(prediction.label, BAND_VOXELS)
    values = {
        "entropy": prediction.entropy,
        "kl": prediction.kl,
        "js": prediction.js,
        "disagreement": (prediction.label_a != prediction.label_b).astype(np.float32),
    }
    best_in_top = best_share_of_errors_in_top(errors, band, TOP_SHARE)
    reliability = Reliability()
    if prediction.confidence is not None:
        reliability.add(prediction.confidence, ~errors, band)
    return CaseEvaluation(
        name=name,
        scores={key: score_label_map(label, truth, labels, spacing) for key, label in found.items()},
        uncertainty=score_case(prediction.entropy, prediction.kl, prediction.label, prediction.label_a, prediction.label_b),
        maps={
            measure: MapQuality(
                _detected(value, errors, band),
                share_of_errors_in_top(value, errors, band, TOP_SHARE),
                best_in_top,
                review_curve(value, prediction.label, truth, band, labels),
            )
            for measure, value in values.items()
        },
        reliability=reliability,
        seconds=prediction.seconds.networks,
    )


def _detected(values: NDArray[np.float32], errors: NDArray[np.bool_], band: NDArray[np.bool_]) -> ErrorDetection:
    detection = detect_errors(values, errors, band)
    # Left out of the means, the worst predictions of all would make the uncertainty look better.
    if not band.any() and errors.any():
        return replace(detection, auroc=0.0, auprc=0.0)
    return detection
