"""Entropy and KL divergence over the image in the slice views.

They lie in additional layers, above the user's background and foreground and below the label layer. Nothing else of the user's
is touched, but for one thing: Slicer adds, subtracts or reverses all layers alike, and none of that leaves an overlay readable,
so views that do so blend while an overlay is shown, and go back afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import vtk

from DualSSLSegmentationLib.display.colorTables import KINDS
from DualSSLSegmentationLib.display.legends import SliceLegend
from DualSSLSegmentationLib.display.mirrorVolume import MirrorVolume
from DualSSLSegmentationLib.display.sliceLayers import addLayer, layersOf, removeLayer, setLayerOpacity
from DualSSLSegmentationLib.rendering import paused

if TYPE_CHECKING:
    from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase

DEFAULT_OPACITY = 0.6
DEFAULT_THRESHOLDS: dict[str, float] = {"entropy": 0.2, "kl": 0.1}
_LARGEST = 1e6  # no threshold makes sense beyond


class OverlayMode(Enum):
    """What lies over the image."""

    off = "off"
    entropy = "entropy"
    kl = "kl"
    both = "both"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The maps shown, the lower one first."""
        return {"off": (), "both": KINDS}.get(self.value, (self.value,))


@dataclass(frozen=True)
class OverlayState:
    """What a person chose, as a parameter node can keep it.

    Attributes:
        mode: what lies over the image.
        opacity: of the overlay, 0..1.
        thresholds: by kind, the value below which nothing is painted.
    """

    mode: OverlayMode = OverlayMode.off
    opacity: float = DEFAULT_OPACITY
    thresholds: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_THRESHOLDS))

    def toJson(self) -> dict[str, Any]:
        """Plain data, the inverse of `fromJson`."""
        return {"mode": self.mode.value, "opacity": self.opacity, "thresholds": dict(self.thresholds)}

    @classmethod
    def fromJson(cls, data: Any) -> OverlayState:
        """Read plain data; what is missing or cannot be used is as at first."""
        given = data if isinstance(data, dict) else {}
        modes = {mode.value: mode for mode in OverlayMode}
        thresholds = given.get("thresholds")
        stored = thresholds if isinstance(thresholds, dict) else {}
        return cls(
            modes.get(str(given.get("mode")), OverlayMode.off),
            _share(given.get("opacity"), DEFAULT_OPACITY),
            {kind: _number(stored.get(kind), least) for kind, least in DEFAULT_THRESHOLDS.items()},
        )


class Overlays:
    """The overlays of one scene's slice views: one case at a time.

    Between `leave` and `enter` nothing is shown, and what is asked for is only remembered; they begin entered.

    Args:
        compositeNodes: the vtkMRMLSliceCompositeNodes of the views, asked for anew at each use.
    """

    def __init__(self, compositeNodes: Callable[[], Iterable[Any]]) -> None:
        self._compositeNodes = compositeNodes
        self._state = OverlayState()
        self._case: SegmentedCase | None = None
        self._entered = True
        self._mirrors: dict[str, MirrorVolume] = {}
        self._legends: dict[str, SliceLegend] = {}
        self._compositing: dict[str, int] = {}
        # Ids of the composite nodes of the views that were there when all was made.
        self._filled: list[str] = []
        self._observed: tuple[Any, list[int]] | None = None

    @property
    def state(self) -> OverlayState:
        """What was asked for last, whether or not it is shown now."""
        return self._state

    @property
    def shown(self) -> tuple[str, ...]:
        """The kinds that lie over the image now."""
        return tuple(self._mirrors)

    def show(self, case: SegmentedCase | None, mode: OverlayMode, opacity: float, thresholds: dict[str, float]) -> None:
        """Show a case's maps instead of what is shown; a map that the case lacks is left out.

        Args:
            case: None shows nothing.
            mode: which maps.
            opacity: 0..1.
            thresholds: by kind, the value below which nothing is painted; a kind left out keeps its threshold.
        """
        self.restore(case, OverlayState(mode, _share(opacity, DEFAULT_OPACITY), {**self._state.thresholds, **thresholds}))

    @paused()
    def restore(self, case: SegmentedCase | None, state: OverlayState) -> None:
        """Show a case's maps as a state says."""
        self._case, self._state = case, state
        if self._stands():
            self.setOpacity(state.opacity)
            for kind, value in state.thresholds.items():
                self.setThreshold(kind, value)
        else:
            self.refresh()

    @paused()
    def setOpacity(self, value: float) -> None:
        """Change the opacity (0..1) of what is shown."""
        self._state = replace(self._state, opacity=_share(value, DEFAULT_OPACITY))
        for composite in self._everyComposite():
            for kind in self._mirrors:
                setLayerOpacity(composite, MirrorVolume.idOf(kind)[0], self._state.opacity)

    @paused()
    def setThreshold(self, kind: str, value: float) -> None:
        """Change the value below which nothing of a map is painted."""
        self._state = replace(self._state, thresholds={**self._state.thresholds, kind: value})
        if kind in self._mirrors:
            self._mirrors[kind].setThreshold(value)

    def enter(self) -> None:
        """Show again what `leave` took away."""
        self._entered = True
        self.refresh()

    def leave(self) -> None:
        """Give the views back as they were; what a person changed in them meanwhile stays."""
        self._entered = False
        self.refresh()

    def sceneClosed(self) -> None:
        """The scene is emptied, or about to be: forget the case, leave nothing of ours."""
        self._case = None
        self.refresh()

    @paused()
    def refresh(self) -> None:
        """Look at the case and the views anew: maps may have been exchanged or deleted, views added."""
        case = self._case
        sources = self._sources(case) if case is not None and self._entered else {}
        self._clear()
        if case is None or not sources:
            return
        self._mirrors = {kind: MirrorVolume(source, kind, self._state.thresholds[kind]) for kind, source in sources.items()}
        composites = list(self._compositeNodes())
        self._filled = [composite.GetID() for composite in composites]
        for composite in composites:
            self._fill(composite)
        # Made anew each time: views that came after a legend do not know it.
        self._legends = {kind: SliceLegend(case.scene, kind) for kind in sources}
        self._observe(case.scene)

    def _stands(self) -> bool:
        """Whether just what is wanted lies over the image already, in all views that there are now."""
        if self._case is None or not self._entered or not self._mirrors:
            return False
        wanted = self._sources(self._case)
        known = {kind: mirror.source for kind, mirror in self._mirrors.items()}
        if list(known) != list(wanted) or any(known[kind] is not source for kind, source in wanted.items()):
            return False
        whole = [mirror.shown for mirror in self._mirrors.values()] + [legend.shown for legend in self._legends.values()]
        layers = {MirrorVolume.idOf(kind)[0] for kind in known}
        composites = list(self._compositeNodes())
        return (
            all(whole)
            and [composite.GetID() for composite in composites] == self._filled
            and all(layers <= set(layersOf(composite)) for composite in composites)
        )

    def _sources(self, case: SegmentedCase) -> dict[str, Any]:
        volumes = {"entropy": case.entropy, "kl": case.kl}
        return {kind: volumes[kind] for kind in self._state.mode.kinds if volumes[kind] is not None}

    def _fill(self, composite: Any) -> None:
        modifying = composite.StartModify()
        if composite.GetCompositing() != composite.Alpha:
            self._compositing[composite.GetID()] = composite.GetCompositing()
            composite.SetCompositing(composite.Alpha)
        for kind in self._mirrors:
            addLayer(composite, MirrorVolume.idOf(kind)[0], self._state.opacity)
        composite.EndModify(modifying)

    def _everyComposite(self) -> list[Any]:
        """Also those of views that are not in the layout any more."""
        shown = list(self._compositeNodes())
        scenes = {node.GetScene() for node in shown} | {part.node.GetScene() for part in self._mirrors.values()}
        for scene in scenes - {None}:
            count = scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")
            others = [scene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode") for index in range(count)]
            shown += [node for node in others if not any(node is known for known in shown)]
        return shown

    def _clear(self) -> None:
        """Take everything of ours out of the scene."""
        self._unobserve()
        for composite in self._everyComposite():
            modifying = composite.StartModify()
            for kind in KINDS:  # also those that came with a scene saved while they were shown
                removeLayer(composite, MirrorVolume.idOf(kind)[0])
            before = self._compositing.pop(composite.GetID(), None)
            if before is not None and composite.GetCompositing() == composite.Alpha:
                composite.SetCompositing(before)
            composite.EndModify(modifying)
        self._compositing = {}
        for legend in self._legends.values():
            legend.remove()
        for mirror in self._mirrors.values():
            mirror.remove()
        self._legends, self._mirrors = {}, {}

    def _observe(self, scene: Any) -> None:
        def added(_scene: Any, _event: str, node: Any) -> None:
            if node.IsA("vtkMRMLSliceCompositeNode"):
                self._fill(node)

        def removed(_scene: Any, _event: str, node: Any) -> None:
            sources = [mirror.source for mirror in self._mirrors.values()]
            if self._case is not None and (node is self._case.node or any(node is source for source in sources)):
                self.refresh()

        for function in (added, removed):
            function.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]
        tags = [
            scene.AddObserver(scene.NodeAddedEvent, added),
            scene.AddObserver(scene.NodeRemovedEvent, removed),
            scene.AddObserver(scene.StartCloseEvent, lambda *_: self.sceneClosed()),
            scene.AddObserver(scene.EndImportEvent, lambda *_: self.refresh()),
        ]
        self._observed = scene, tags

    def _unobserve(self) -> None:
        if self._observed is not None:
            scene, tags = self._observed
            self._observed = None
            for tag in tags:
                scene.RemoveObserver(tag)


def _number(value: Any, otherwise: float) -> float:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST  # so neither NaN nor inf
    return float(value) if usable else otherwise


def _share(value: Any, otherwise: float) -> float:
    return min(max(_number(value, otherwise), 0.0), 1.0)
