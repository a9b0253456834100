"""Words for a person, translated where the application can."""

from __future__ import annotations

try:
    from slicer.i18n import tr
except ImportError:  # a web server, or tests on slicer-core

    def tr(text: str, context: str = "") -> str:  # noqa: ARG001
        """The text itself."""
        return text
