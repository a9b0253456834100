"""The networks that stay in memory between predictions. Imports torch when they are first asked for."""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.errors import ModelError, PredictionError
from dualssl.model.integrity import model_sha256, verify_model
from dualssl.worker.device_names import chosen_device, name_in_use

if TYPE_CHECKING:
    from dualssl.prediction.predictor import PredictionSettings, Predictor

_log = logging.getLogger(__name__)

_KEPT = 2

_Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to predict.

    Attributes:
        predictor: with the settings that were asked for.
        sha256: that stands for all files of the model folder.
        warm: whether the networks were in memory already.
    """

    predictor: Predictor
    sha256: str
    warm: bool


class Networks:
    """At most two models at a time, by their checksums and device; the one that was not used for longest goes first."""

    def __init__(self) -> None:
        self._verified: dict[Path, tuple[_Signature, str]] = {}
        self._predictors: OrderedDict[tuple[str, str], Predictor] = OrderedDict()

    def verified(self, folder: Path) -> str:
        """The SHA-256 that stands for a model folder, all of whose files are as they were saved.

        They are compared with their checksums once, and again when the time or size of one has changed.

        Raises:
            ModelError: as `dualssl.model.integrity.verify_model`.
        """
        folder = _resolved(folder)
        signature = _signature(folder)
        known = self._verified.get(folder)
        # Without files there is nothing to trust; `verify_model` finds the words for it.
        if signature and known is not None and known[0] == signature:
            return known[1]
        verify_model(folder)
        try:
            sha256 = model_sha256(folder)
        except OSError as error:
            raise ModelError(f"The model folder {folder} cannot be read ({error.strerror}): is it being removed?") from error
        # The signature from before: what changed while the files were read is compared again next time.
        self._verified[folder] = (signature, sha256)
        return sha256

    def load(self, folder: Path, settings: PredictionSettings, device: str) -> Loaded:
        """A model, from memory where it is there.

        Args:
            folder: of the model.
            settings: how to predict; their device is not looked at.
            device: as the protocol has it, see `chosen_device`.

        Raises:
            ModelError: the folder is gone or not intact.
            PredictionError: there is no such device.
        """
        from dualssl.model.folder import load_model
        from dualssl.prediction.predictor import Predictor

        settings = replace(settings, device=chosen_device(device, PredictionError))
        sha256 = self.verified(folder)
        key = (sha256, name_in_use(settings.device))
        kept = self._predictors.pop(key, None)
        if kept is None:
            networks, manifest = load_model(folder, verify=False)
            while len(self._predictors) >= _KEPT:
                self._predictors.popitem(last=False)
            made = Predictor(networks, manifest, settings)
        else:
            # The same networks: a new predictor would fuse and cast them again.
            made = copy(kept)
            made.settings = settings
        self._predictors[key] = made
        return Loaded(made, sha256, warm=kept is not None)

    def forget(self) -> None:
        """Give the memory of all networks back."""
        self._predictors.clear()
        release_memory()


def release_memory() -> None:
    """Give back what Python and the device's allocator keep for later."""
    import gc

    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        try:
            torch.cuda.empty_cache()
        except RuntimeError as error:
            # After some errors of the device every further call fails.
            _log.warning("The memory of the device could not be given back: %s", error)


def _resolved(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError):
        return folder


def _signature(folder: Path) -> _Signature:
    """Name, size and time of every file; empty where they cannot be listed."""
    try:
        stats = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    except OSError:
        return ()
    return tuple((path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
