"""The coloured surfaces of all structures of a case, made in short steps."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.display.surface import UncertaintySurface
from DualSSLSegmentationLib.rendering import paused
from DualSSLSegmentationLib.steps import Stepwise, runAll

if TYPE_CHECKING:
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
    from DualSSLSegmentationLib.steps import Schedule


class StructureSurfaces:
    """Those of one case at a time.

    Args:
        onProblem: told why there is nothing to see.
        schedule: calls a function soon, from the event loop; without one a surface is there when `show` returns.
    """

    def __init__(self, onProblem: Callable[[str], None], schedule: Schedule | None = None) -> None:
        self._onProblem = onProblem
        self._schedule = schedule
        self._surfaces: list[UncertaintySurface] = []
        self._of: tuple[Any, str] | None = None
        self._making: Stepwise | None = None

    def show(self, case: SegmentedCase, kind: str) -> None:
        """Show the surfaces of a case in the colours of a kind; where they are shown or being made already, nothing happens."""
        if self._of == (case.node, kind):
            return
        self.remove()
        self._of = case.node, kind
        steps = self._steps(case, kind)
        if self._schedule is None:
            self._made(runAll(steps))
        else:
            self._making = Stepwise(steps, self._schedule, self._made, self._failed)

    @paused()
    def update(self) -> None:
        """Bring those that are shown up to date; one that has no voxels left goes."""
        for surface in self._surfaces:
            # One that cannot be made any more has taken itself away.
            with suppress(DualSSLError):
                surface.update()

    @paused()
    def remove(self) -> None:
        """Show none, and make no further ones. A second call does nothing."""
        making, self._making = self._making, None
        if making is not None:
            making.cancel()
        surfaces, self._surfaces, self._of = self._surfaces, [], None
        for surface in surfaces:
            surface.remove()

    def _steps(self, case: SegmentedCase, kind: str) -> Generator[str, None, str]:
        """Make them all; returns why there is nothing to see."""
        problem = ""
        for label in case.labels:
            surface = UncertaintySurface()
            # Before it is there: whoever removes the surfaces in the middle of a step removes this one.
            self._surfaces.append(surface)
            try:
                yield from surface.showSteps(case, label.value, kind, insteadOfSegment=True)
            except DualSSLError as error:
                problem = str(error)
            if self._of != (case.node, kind):  # removed by what the last step led to
                surface.remove()
                return ""
        # A structure that is not there has no surface; only where none has is there something to say.
        return "" if any(surface.node for surface in self._surfaces) else problem

    def _made(self, problem: str) -> None:
        self._making = None
        if problem:
            self._onProblem(problem)

    def _failed(self, error: Exception) -> None:
        self._making = None
        self._onProblem(f"The surface could not be coloured ({type(error).__name__}: {error}).")
