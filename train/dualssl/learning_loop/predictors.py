"""Predictors by the folder of their model, of which the last one stays ready."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.model.folder import load_model
from dualssl.prediction.predictor import PredictionSettings, Predictor

if TYPE_CHECKING:
    from dualssl.devices import DeviceChoice


class Predictors:
    """Gives the predictor of a model folder; asked for another model, it lets go of the one before.

    Args:
        device: where to compute.
    """

    def __init__(self, device: DeviceChoice) -> None:
        self._settings = PredictionSettings(device=device)
        self._warm: tuple[Path, Predictor] | None = None

    def __call__(self, model: Path) -> Predictor:
        """The predictor of the model in this folder.

        Raises:
            ModelError: the folder is damaged.
            PredictionError: there is no such device.
        """
        if self._warm is None or self._warm[0] != model:
            # Before the next one takes memory.
            self._warm = None
            networks, manifest = load_model(model)
            self._warm = model, Predictor(networks, manifest, self._settings)
        return self._warm[1]
