"""Where the engine is: the folder with the package `dualssl`, in the source tree and in an installed extension.

| | source tree | installed |
|---|---|---|
| module | `DualSSLSegmentation/DualSSLSegmentation.py` | `qt-scripted-modules/DualSSLSegmentation.py` |
| engine | `train/` | `qt-scripted-modules/DualSSLSegmentationEngine/` |
| models that ship | `Resources/Models/` | `qt-scripted-modules/DualSSLSegmentationEngine/Models/` |

The engine has a folder of its own, so that an interpreter which is given it finds `dualssl` there and no module of Slicer. The
Lib may import `dualssl` at file scope, because `addEngineToPath` is called when the Lib itself is imported. This file imports
nothing but the standard library.
"""

from __future__ import annotations

import sys
from pathlib import Path

MODULE_FOLDER = Path(__file__).resolve().parents[1]
INSTALLED_ENGINE = "DualSSLSegmentationEngine"

_PACKAGE = Path("dualssl") / "version.py"


class EngineNotFoundError(ImportError):
    """The extension is not whole. No `DualSSLError`: that class is in the package which is missing."""


def engineFolder(moduleFolder: Path = MODULE_FOLDER) -> Path:
    """The folder that holds the package `dualssl`.

    Args:
        moduleFolder: where the module's file is.

    Raises:
        EngineNotFoundError: it is in neither of its two places.
    """
    places = (moduleFolder / INSTALLED_ENGINE, moduleFolder.parent / "train")
    for place in places:
        if (place / _PACKAGE).is_file():
            return place
    raise EngineNotFoundError(
        f"The engine of DualSSLSegmentation is neither in {places[0]} nor in {places[1]}: install the extension again."
    )


def addEngineToPath(moduleFolder: Path = MODULE_FOLDER) -> Path:
    """Let this process import `dualssl` from the extension, before any other copy of it that is installed.

    Returns:
        The engine's folder.

    Raises:
        EngineNotFoundError: as `engineFolder`.
    """
    folder = engineFolder(moduleFolder)
    # First even where it is on the path already, behind a copy of another version.
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(folder))]
    return folder


def shippedModels(moduleFolder: Path = MODULE_FOLDER) -> Path:
    """The folder of the models that came with the extension; it may hold none.

    Raises:
        EngineNotFoundError: as `engineFolder`.
    """
    folder = engineFolder(moduleFolder)
    return folder / "Models" if folder.name == INSTALLED_ENGINE else moduleFolder.parent / "Resources" / "Models"


def engineDescription(moduleFolder: Path = MODULE_FOLDER) -> Path:
    """The engine's `pyproject.toml`, the one place that says what it needs.

    Raises:
        EngineNotFoundError: as `engineFolder`.
    """
    return engineFolder(moduleFolder) / "pyproject.toml"
