"""The address in the person's own browser, without anybody else on the computer reading it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import webbrowser
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_SECONDS = 60.0
"""So long the browser has to read its file."""

_log = logging.getLogger(__name__)


def has_screen(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser could be seen. In a mere terminal Python would start one that takes the terminal.

    Args:
        environment: variables.
        platform: as `sys.platform` has it.
    """
    return not platform.startswith("linux") or any(environment.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


async def show(url: str) -> None:
    """Open an address, and return a minute later or when cancelled.

    It is opened by way of a file that only its owner can read, for all users of a computer can read a command with its
    arguments. The file is in the home folder itself, as browsers that are confined, such as Ubuntu's Firefox, see neither
    hidden folders nor those for temporary files.
    """
    if not has_screen():
        return
    try:
        handle, name = tempfile.mkstemp(prefix="DualSSLSegmentation-", suffix=".html", dir=Path.home())
    except OSError as error:
        _log.warning("The browser is not opened: %s", error)
        return
    page = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={url}">\n')
        with suppress(webbrowser.Error):
            await asyncio.to_thread(webbrowser.open, page.as_uri())
        await asyncio.sleep(_SECONDS)
    finally:
        with suppress(OSError):
            page.unlink()
