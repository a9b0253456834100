"""Dice on validation cases while a run goes on: for the learning curve, never for the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from dualssl.data.store import CaseStore
from dualssl.devices import DeviceChoice
from dualssl.metrics.overlap import dice
from dualssl.model.manifest import Manifest
from dualssl.networks.pair import DualNetwork
from dualssl.prediction.predictor import PredictionSettings, Predictor


@dataclass(frozen=True)
class ValidationScore:
    """Mean Dice over structures and cases, 0..1, of the mean of both networks and of each.

    Attributes:
        dice, dice_a, dice_b: means.
        agreement: mean Dice between the labels of A and B; near 1 from early on means that the networks have collapsed.
        cases: mean Dice over structures of each case, by name.
    """

    dice: float
    dice_a: float
    dice_b: float
    agreement: float
    cases: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Plain data, rounded to what the figures can bear."""
        return {
            "dice": round(self.dice, 5),
            "dice_a": round(self.dice_a, 5),
            "dice_b": round(self.dice_b, 5),
            "agreement": round(self.agreement, 5),
            "cases": {name: round(value, 5) for name, value in self.cases.items()},
        }


def validate(
    networks: DualNetwork, manifest: Manifest, store: CaseStore, cases: tuple[str, ...], device: torch.device
) -> ValidationScore:
    """Segment `cases` whole, on the networks' grid, and compare with their labels."""
    predictor = Predictor(networks, manifest, PredictionSettings(device=cast("DeviceChoice", device.type)))
    structures = range(1, manifest.labels.channels)
    rows = []
    for name in cases:
        case = store[name]
        if case.label is None:
            raise ValueError(f"case {name} was not opened as labelled")
        result = predictor.predict_array(case.image.astype(np.float32))

        def mean_dice(one: np.ndarray, other: np.ndarray) -> float:
            return float(np.mean([dice(one == value, other == value) for value in structures]))

        rows.append(
            (
                mean_dice(result.label, case.label),
                mean_dice(result.label_a, case.label),
                mean_dice(result.label_b, case.label),
                mean_dice(result.label_a, result.label_b),
            )
        )
    of_mean, of_a, of_b, agreement = (float(m) for m in np.mean(rows, axis=0))
    by_case = {name: row[0] for name, row in zip(cases, rows, strict=True)}
    return ValidationScore(of_mean, of_a, of_b, agreement, by_case)
