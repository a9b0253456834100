"""Overlays in the slices and coloured surfaces in 3D, as a person chose them; layers are made anew only where they must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from DualSSLSegmentationLib.display.overlays import Overlays, OverlayState
from DualSSLSegmentationLib.display.structureSurfaces import StructureSurfaces

if TYPE_CHECKING:
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
    from DualSSLSegmentationLib.steps import Schedule


class UncertaintyDisplay:
    """What one front end shows of the case in hand.

    Args:
        compositeNodes: the vtkMRMLSliceCompositeNodes of the views, asked for anew at each use.
        onProblem: told what keeps a surface from being shown.
        schedule: calls a function soon, from the event loop; with it surfaces are made in short steps.
    """

    def __init__(
        self,
        compositeNodes: Callable[[], Iterable[Any]],
        onProblem: Callable[[str], None],
        schedule: Schedule | None = None,
    ) -> None:
        self.overlays = Overlays(compositeNodes)
        self._entered = True
        self._case: SegmentedCase | None = None
        self._state = OverlayState()
        self._surface = False
        self._shownCase: Any = None
        self._surfaces = StructureSurfaces(onProblem, schedule)

    def show(self, case: SegmentedCase | None, state: OverlayState, surface: bool) -> None:
        """Bring the views to what is wanted; where only numbers differ nothing is made anew.

        Args:
            case: None shows nothing.
            state: what lies over the image.
            surface: whether surfaces are coloured in 3D.
        """
        self._case, self._state, self._surface = case, state, surface
        shown = self.overlays.state
        kinds = state.mode.kinds if case is not None and self._entered else ()
        complete = set(self.overlays.shown) == set(kinds) and shown.mode is state.mode
        if complete and case is not None and self._shownCase is case.node:
            if shown.opacity != state.opacity:
                self.overlays.setOpacity(state.opacity)
            for kind, value in state.thresholds.items():
                if shown.thresholds[kind] != value:
                    self.overlays.setThreshold(kind, value)
        else:
            self.overlays.restore(case, state)
        self._shownCase = None if case is None else case.node
        self._showSurfaces()

    def caseChanged(self, case: SegmentedCase | None) -> None:
        """Another case is in hand, or the same one has other maps: show all of it anew."""
        self._shownCase = None
        self._surfaces.remove()
        self.show(case, self._state, self._surface)

    def edited(self) -> None:
        """Voxels of the case have changed: bring the coloured surfaces up to date; one that has no voxels left goes."""
        self._surfaces.update()

    def enter(self) -> None:
        """Show again what `leave` took away."""
        self._entered = True
        self.overlays.enter()
        self.show(self._case, self._state, self._surface)

    def leave(self) -> None:
        """Slices and 3D are as they were before."""
        self._entered = False
        self.overlays.leave()
        self._surfaces.remove()

    def sceneClosed(self) -> None:
        """The scene is emptied, or about to be: forget the case, leave nothing of ours."""
        self._case = self._shownCase = None
        self.overlays.sceneClosed()
        self._surfaces.remove()

    def close(self) -> None:
        """Nothing of it stays in the scene."""
        self.sceneClosed()

    def _showSurfaces(self) -> None:
        """The surfaces in the colours of what the slices show; of entropy where they show both."""
        case, kinds = self._case, self._state.mode.kinds
        if case is None or not self._entered or not self._surface or not kinds:
            self._surfaces.remove()
            return
        self._surfaces.show(case, kinds[0])
