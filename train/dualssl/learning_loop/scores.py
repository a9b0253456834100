"""Scores of one model on a list of cases, written after each case, so that no case is segmented twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualssl.case_files import read_case
from dualssl.files import write_json
from dualssl.learning_loop.records import damaged, read_object
from dualssl.metrics.case_metrics import score_label_map
from dualssl.model.folder import read_manifest

if TYPE_CHECKING:
    from dualssl.dataset import Dataset
    from dualssl.prediction.predictor import Predictor


@dataclass(frozen=True)
class ModelScores:
    """Figures of a model, case by case.

    Attributes:
        dice: mean over the structures, 0..1.
        hd95: the same of the 95th percentile Hausdorff distance, mm.
    """

    dice: Mapping[str, float]
    hd95: Mapping[str, float]

    @property
    def mean_dice(self) -> float:
        """Over the cases."""
        return float(np.mean(list(self.dice.values())))

    @property
    def mean_hd95(self) -> float:
        """Over the cases."""
        return float(np.mean(list(self.hd95.values())))


def score_model(
    model: Path,
    predictor: Callable[[Path], Predictor],
    dataset: Dataset,
    cases: tuple[str, ...],
    path: Path,
    on_case: Callable[[int, int], None],
) -> ModelScores:
    """Score a model on cases, but for those that the file has already.

    The figures are those of `dualssl.evaluation`, without the quality of the uncertainty, which takes most of its time.

    Args:
        model: its folder.
        predictor: gives the predictor of a model folder; not called where nothing is left to do.
        dataset: with the truth.
        cases: names.
        path: file of the scores; those of another model in it are dropped.
        on_case: told the number of cases done and of all, before each case; an exception it raises ends the scoring.

    Raises:
        DualSSLError: what is wrong with model, cases or disk, and what to do.
    """
    manifest = read_manifest(model)
    known = _known(path, manifest.id)
    left = tuple(name for name in cases if name not in known)
    for name in left:
        on_case(len(known), len(cases))
        channels, truth = read_case(dataset, name, labelled=True)
        prediction = predictor(model).predict(channels)
        mean = score_label_map(prediction.label, truth.array, manifest.labels, prediction.geometry.spacing).mean
        known[name] = {"dice": mean.dice, "hd95": mean.hd95}
        write_json(path, {"model": manifest.id, "cases": known})
    return ModelScores(
        dice={name: known[name]["dice"] for name in cases},
        hd95={name: known[name]["hd95"] for name in cases},
    )


def _known(path: Path, model: str) -> dict[str, dict[str, float]]:
    if not path.is_file():
        return {}
    data = read_object(path)
    if data.get("model") != model:
        return {}
    try:
        return {str(name): {key: float(case[key]) for key in ("dice", "hd95")} for name, case in data["cases"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(path) from error
