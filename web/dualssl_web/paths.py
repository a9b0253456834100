"""Where the module's library is, and where a person's own files go. Standard library only."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
APPLICATION = "DualSSLSegmentation"

_LIBRARY = Path("DualSSLSegmentationLib") / "__init__.py"


class LibraryNotFoundError(ImportError):
    """The source tree is not whole."""


def library_folder(checkout: Path = CHECKOUT) -> Path:
    """The folder that holds the package `DualSSLSegmentationLib`, which both front ends share.

    Raises:
        LibraryNotFoundError: it is not there.
    """
    folder = checkout / APPLICATION
    if not (folder / _LIBRARY).is_file():
        raise LibraryNotFoundError(
            f"{folder} does not hold {_LIBRARY.parent}: install the web front end from a whole checkout, with `make setup`."
        )
    return folder


def add_library_to_path(checkout: Path = CHECKOUT) -> Path:
    """Let this process import the library, which brings the engine's package `dualssl` along.

    Returns:
        The library's folder.

    Raises:
        LibraryNotFoundError: it is not there.
    """
    folder = library_folder(checkout)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    # Puts the engine on the path.
    import DualSSLSegmentationLib  # noqa: F401

    return folder


def default_home(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """A person's own folder, where the system keeps data of programs.

    Args:
        environment: variables.
        platform: as `sys.platform` has it.
    """
    person = Path.home()
    if platform == "win32":
        place = environment.get("LOCALAPPDATA")
        return (Path(place) if place else person / "AppData" / "Local") / APPLICATION
    if platform == "darwin":
        return person / "Library" / "Application Support" / APPLICATION
    place = environment.get("XDG_DATA_HOME", "")
    # The specification has relative paths ignored.
    return (Path(place) if Path(place).is_absolute() else person / ".local" / "share") / APPLICATION
