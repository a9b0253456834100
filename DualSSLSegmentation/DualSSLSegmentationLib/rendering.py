"""Views are drawn once after several changes, not in the midst of them.

A view of Slicer that was asked to draw itself, and is asked again more than a frame's time later, draws at once. So changes
that take long would be drawn several times over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import slicer


@contextmanager
def paused() -> Iterator[None]:
    """Inside, no view is drawn; afterwards those are that asked for it. Without an application with views nothing happens."""
    application = getattr(slicer, "app", None)
    # Found now: what is done inside may end the application's windows.
    pause, resume = getattr(application, "pauseRender", None), getattr(application, "resumeRender", None)
    if pause is None or resume is None:
        yield
        return
    pause()
    try:
        yield
    finally:
        resume()
