"""Which files may be read on behalf of whoever uses the page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dualssl.errors import VolumeError


def confined(path: Path, roots: Iterable[Path]) -> Path:
    """The place that a path really means, after its links, if that is in one of some folders.

    Raises:
        VolumeError: it is in none of them.
    """
    try:
        real = path.resolve()
        inside = any(real.is_relative_to(root.resolve()) for root in roots)
    except (OSError, RuntimeError, ValueError):
        # A name that no file can have, or links in a circle.
        inside = False
    if not inside:
        raise VolumeError(
            f"{path} is outside the folders that this server may read: upload the file, or start the server with "
            "--volume or --library."
        )
    return real
