"""The recipes of training, one a file. A file that defines `PRESET` is found by itself: adding a method touches no other."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import dualssl.terms  # noqa: F401  (registers the terms that presets name)
from dualssl.errors import TrainingError
from dualssl.presets.base import Preset


@cache
def all_presets() -> dict[str, Preset]:
    """Every preset by its name."""
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__) if m.name != "base")
    presets = [module.PRESET for module in modules]
    return {preset.name: preset for preset in presets}


def preset_named(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        TrainingError: there is none.
    """
    try:
        return all_presets()[name]
    except KeyError:
        raise TrainingError(f"There is no preset '{name}': use one of {', '.join(sorted(all_presets()))}.") from None
