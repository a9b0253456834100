"""Something that a person can do, or why not now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """A button or another control.

    Attributes:
        does: what it does.
        unless: why it cannot be used now; empty where it can.
    """

    does: str
    unless: str = ""

    @property
    def enabled(self) -> bool:
        """Whether it can be used now."""
        return not self.unless

    @property
    def hint(self) -> str:
        """For a tool tip: why not, else what it does."""
        return self.unless or self.does
