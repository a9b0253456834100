"""How good a model that learned from crops is on whole volumes: crops are placed into larger ones and segmented there.

Public data of the left atrium are cut around it, a scanner's volumes are not. Two things change with more around: networks see
what they have not learned from, and the image's mean and spread, by which intensities are normalised, are others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dualssl.case_files import read_case
from dualssl.errors import DatasetError
from dualssl.evaluation.placing import FILLS, Fill, Placed, place
from dualssl.metrics.case_metrics import score_label_map
from dualssl.model.fit import check_fit
from dualssl.prediction.predictor import PredictionSettings, Predictor, RoiStatistics
from dualssl.volumes.preprocess import intensity_transforms

if TYPE_CHECKING:
    from torch import nn

    from dualssl.dataset import Dataset
    from dualssl.model.manifest import Manifest, Preprocessing
    from dualssl.volumes.volume import Volume

PADS_MM = (32.0, 64.0)
MARGIN_MM = 20.0


@dataclass(frozen=True)
class View:
    """What of the volume is predicted.

    Attributes:
        name: for tables.
        margin_mm: of the region of interest around the crop; None predicts the whole volume.
        statistics: whose mean and spread normalise intensities: the whole image's or the region's.
    """

    name: str
    margin_mm: float | None
    statistics: RoiStatistics


WHOLE = View("whole volume", None, "image")
VIEWS = (
    WHOLE,
    View("crop, image's statistics", 0.0, "image"),
    View("crop, its own statistics", 0.0, "roi"),
    View(f"crop + {MARGIN_MM:g} mm, image's statistics", MARGIN_MM, "image"),
    View(f"crop + {MARGIN_MM:g} mm, its own statistics", MARGIN_MM, "roi"),
)
"""The third is the crop as it was, whatever is around: what a person gets back who draws the box as the crops were drawn."""


@dataclass(frozen=True)
class PlacementScore:
    """One case, placed and predicted in one way.

    Attributes:
        case: its name.
        pad_mm: how far the volume reaches beyond the crop; 0 is the crop itself.
        fill: what is around it.
        view: what was predicted.
        dice: 0..1, mean over structures.
        hd95, assd: mm.
        contrast: by what the placed volume's statistics multiply the crop's normalised intensities, 1 for no change.
        shift: what is then added to them; 0 for no change.
    """

    case: str
    pad_mm: float
    fill: str
    view: str
    dice: float
    hd95: float
    assd: float
    contrast: float
    shift: float


def placement_scores(
    networks: nn.Module,
    manifest: Manifest,
    dataset: Dataset,
    cases: Sequence[str],
    settings: PredictionSettings,
    pads_mm: Sequence[float] = PADS_MM,
    fills: Sequence[Fill] = FILLS,
    on_score: Callable[[PlacementScore], None] | None = None,
) -> list[PlacementScore]:
    """Score every case as it is, and in every placement and view.

    Args:
        networks, manifest: the model.
        dataset: must have the model's structures and channels.
        cases: names; each needs a label map.
        settings: how to predict; the views say where a region's statistics come from.
        pads_mm: how far volumes reach beyond the crop.
        fills: what is around it.
        on_score: told each score as it comes.

    Raises:
        DatasetError: structures or channels differ, or there is no case.
        VolumeError: a file cannot be used.
    """
    check_fit(manifest, dataset, DatasetError, "place cases with the model's structures and channels")
    if not cases:
        raise DatasetError("There is no case to place: name at least one.")
    dataset.check_cases(tuple(cases), labelled=True, where="--cases")
    predictors: dict[RoiStatistics, Predictor] = {
        statistics: Predictor(networks, manifest, replace(settings, roi_statistics=statistics))
        for statistics in ("image", "roi")
    }
    scores: list[PlacementScore] = []
    for number, name in enumerate(cases):
        channels, truth = read_case(dataset, name, labelled=True)
        for score in _of_case(predictors, name, channels, truth.array, number, pads_mm, fills):
            scores.append(score)
            if on_score is not None:
                on_score(score)
    return scores


def count_scores(cases: int, pads_mm: Sequence[float], fills: Sequence[Fill]) -> int:
    """How many scores `placement_scores` gives."""
    return cases * (1 + len(pads_mm) * len(fills) * len(VIEWS))


def _of_case(
    predictors: dict[RoiStatistics, Predictor],
    name: str,
    channels: Sequence[Volume],
    truth: np.ndarray[Any, np.dtype[np.uint8]],
    seed: int,
    pads_mm: Sequence[float],
    fills: Sequence[Fill],
) -> Iterator[PlacementScore]:
    manifest = predictors["image"].manifest
    yield _score(predictors, name, place(channels, truth, 0.0, "edge", seed), (0.0, "none"), WHOLE, (1.0, 0.0))
    for pad in pads_mm:
        for fill in fills:
            placed = place(channels, truth, pad, fill, seed)
            change = intensity_change(channels, placed.channels, manifest.preprocessing)
            for view in VIEWS:
                yield _score(predictors, name, placed, (pad, fill), view, change)


def intensity_change(before: Sequence[Volume], after: Sequence[Volume], preprocessing: Preprocessing) -> tuple[float, float]:
    """Factor and summand by which normalised intensities change when an image's statistics become those of another.

    Clipping is left out. Of several channels, the mean of each.
    """
    ours, theirs = intensity_transforms(before, preprocessing), intensity_transforms(after, preprocessing)
    factors = [new.scale / old.scale for old, new in zip(ours, theirs, strict=True)]
    summands = [new.offset - factor * old.offset for factor, old, new in zip(factors, ours, theirs, strict=True)]
    return float(np.mean(factors)), float(np.mean(summands))


def _score(
    predictors: dict[RoiStatistics, Predictor],
    name: str,
    placed: Placed,
    placement: tuple[float, str],
    view: View,
    change: tuple[float, float],
) -> PlacementScore:
    predictor = predictors[view.statistics]
    roi = None if view.margin_mm is None else placed.region_with_margin(view.margin_mm)
    label = predictor.predict(placed.channels, roi).label
    grid = placed.channels[0].geometry
    scores = score_label_map(label, placed.truth, predictor.manifest.labels, grid.spacing).mean
    return PlacementScore(name, *placement, view.name, scores.dice, scores.hd95, scores.assd, *change)


@dataclass(frozen=True)
class PlacementRow:
    """Means over cases of one placement and view.

    Attributes:
        pad_mm, fill, view, dice, hd95, assd, contrast, shift: as in `PlacementScore`, means where they are figures.
        cases: how many.
        lost: mean Dice of the same cases as crops, less that here; above 0 where placing costs.
        worst: the lowest Dice.
    """

    pad_mm: float
    fill: str
    view: str
    cases: int
    dice: float
    hd95: float
    assd: float
    lost: float
    worst: float
    contrast: float
    shift: float


def placement_rows(scores: Sequence[PlacementScore]) -> list[PlacementRow]:
    """One row for each placement and view, in the order in which they came first; the crops themselves lead."""
    as_crop = {score.case: score.dice for score in scores if score.pad_mm == 0}
    groups: dict[tuple[float, str, str], list[PlacementScore]] = {}
    for score in scores:
        groups.setdefault((score.pad_mm, score.fill, score.view), []).append(score)
    return [
        PlacementRow(
            *key,
            cases=len(group),
            dice=_mean(s.dice for s in group),
            hd95=_mean(s.hd95 for s in group),
            assd=_mean(s.assd for s in group),
            lost=_mean(as_crop[s.case] - s.dice for s in group),
            worst=min(s.dice for s in group),
            contrast=_mean(s.contrast for s in group),
            shift=_mean(s.shift for s in group),
        )
        for key, group in groups.items()
    ]


def _mean(values: Iterator[float]) -> float:
    return float(np.mean(list(values)))
