"""How good a segmentation is, and how well its uncertainty shows where it is not. NumPy and SciPy only."""

from dualssl.metrics.band import foreground_band
from dualssl.metrics.calibration import Reliability, expected_calibration_error
from dualssl.metrics.case_metrics import CaseScore, SegmentationScores, StructureScore, score_label_map
from dualssl.metrics.correlation import spearman
from dualssl.metrics.error_detection import ErrorDetection, ErrorHistogram, detect_errors
from dualssl.metrics.overlap import dice, jaccard
from dualssl.metrics.review_efficiency import (
    ReviewCurve,
    ReviewGain,
    best_share_of_errors_in_top,
    review_curve,
    share_of_errors_in_top,
)
from dualssl.metrics.surface import VOXELS, SurfaceDistances, SurfacePair, assd, hd95, surface_dice, surface_distances

__all__ = [
    "CaseScore",
    "ErrorDetection",
    "ErrorHistogram",
    "Reliability",
    "ReviewCurve",
    "ReviewGain",
    "SegmentationScores",
    "StructureScore",
    "SurfaceDistances",
    "SurfacePair",
    "VOXELS",
    "assd",
    "best_share_of_errors_in_top",
    "detect_errors",
    "dice",
    "expected_calibration_error",
    "foreground_band",
    "hd95",
    "jaccard",
    "review_curve",
    "score_label_map",
    "share_of_errors_in_top",
    "spearman",
    "surface_dice",
    "surface_distances",
]
