"""What a person reviews: uncertain regions and case scores. NumPy and SciPy only, no torch."""

from dualssl.review.case_scores import CaseScores, score_case
from dualssl.review.region import PlacedRegion, Region, RegionKind
from dualssl.review.regions import (
    RegionSettings,
    ReviewRegions,
    find_regions,
    region_label_map,
    voxel_uncertainty,
)

__all__ = [
    "CaseScores",
    "PlacedRegion",
    "Region",
    "RegionKind",
    "RegionSettings",
    "ReviewRegions",
    "find_regions",
    "region_label_map",
    "score_case",
    "voxel_uncertainty",
]
