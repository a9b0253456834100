"""Where a trained model comes from, as far as every kind of training tells it alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import torch
from lightning_fabric import Fabric

from dualssl.presets.base import Preset
from dualssl.training.devices import describe_device
from dualssl.training.records import MetricsLog
from dualssl.training.trainer import Trainer
from dualssl.version import __version__

_POINT = ("iteration", "dice", "dice_a", "dice_b")


def training_facts(fabric: Fabric, trainer: Trainer, preset: Preset, log: MetricsLog, now: datetime) -> dict[str, Any]:
    """What came of a run, for the provenance in the model's manifest; what it was asked to do, its settings say.

    Args:
        fabric: where it ran.
        trainer: at the end of the run.
        preset: the recipe.
        log: of the run.
        now: when the model is written.

    Returns:
        Plain data.
    """
    return {
        "created": now.isoformat(timespec="seconds"),
        "weights": preset.export,
        "checkpoint": "last",
        "hours": round(trainer.state.seconds / 3600, 4),
        "device": describe_device(fabric),
        "versions": {"dualssl": __version__, "torch": torch.__version__},
        "validation_curve": [{key: record[key] for key in _POINT} for record in log.validations()],
    }
