"""Show where the result is ambiguous and where the networks are in conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ctk
import qt
from slicer.i18n import tr as _

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.display.overlays import OverlayMode
from DualSSLSegmentationLib.display.surface import UncertaintySurface
from DualSSLSegmentationLib.panels.common import allow, connect, row, section, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from DualSSLSegmentationLib.display.overlays import Overlays
    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.workspace import Workspace


class OverlayPanel:
    """Its controls act while they are moved.

    Args:
        workspace: whose case is shown.
        overlays: what it drives.
        layout: where it goes.
    """

    def __init__(self, workspace: Workspace, overlays: Overlays, layout: Any) -> None:
        self._workspace = workspace
        self._overlays = overlays
        self._parameters: Any = None
        self._filling = False
        self._entered = False
        self._shownCase: Any = None
        self._surfaces: dict[int, UncertaintySurface] = {}
        self._surfaceOf: tuple[Any, str] | None = None
        self.section, form = section(_("Uncertainty"), layout)
        self.modes: dict[OverlayMode, Any] = {}
        for mode, text, toolTip in _modes():
            button = qt.QRadioButton(text)
            button.toolTip = toolTip
            button.objectName = f"overlay_{mode.value}"
            connect(button, "toggled(bool)", self._choosing(mode))
            self.modes[mode] = button
        form.addRow(row(*self.modes.values()))
        self.opacity = self._slider(1.0, "overlayOpacity")
        form.addRow(_("Opacity:"), self.opacity)
        self.entropyThreshold = self._slider(1.0, "entropyThreshold")
        form.addRow(_("Ambiguous from:"), self.entropyThreshold)
        self.klThreshold = self._slider(3.0, "klThreshold")
        form.addRow(_("Conflict from:"), self.klThreshold)
        self.surface = qt.QCheckBox(_("Colour the surface in 3D"))
        self.surface.objectName = "overlaySurface"
        form.addRow(self.surface)
        connect(self.opacity, "valueChanged(double)", self._opacityMoved)
        connect(self.entropyThreshold, "valueChanged(double)", self._entropyThresholdMoved)
        connect(self.klThreshold, "valueChanged(double)", self._klThresholdMoved)
        connect(self.surface, "toggled(bool)", self._surfaceChosen)
        self._stops = [workspace.onCase.add(self._caseOpened)]
        self._enable(OverlayMode.off)

    def close(self) -> None:
        """Listen no more; nothing of it stays in the scene."""
        for stop in self._stops:
            stop()
        self._removeSurfaces()

    def setParameters(self, parameters: Any) -> None:
        """Show another parameter node, or None between two scenes."""
        self._parameters = parameters
        self.refresh()

    def refresh(self) -> None:
        """Show what the parameter node says, in the controls and in the views."""
        parameters = self._parameters
        if parameters is None:
            return
        self._filling = True
        self.modes[_mode(parameters)].checked = True
        self.opacity.value = parameters.opacity
        self.entropyThreshold.value = parameters.entropyThreshold
        self.klThreshold.value = parameters.klThreshold
        self.surface.checked = parameters.surface
        self._filling = False
        self._show()

    def enter(self) -> None:
        """The module is shown."""
        self._entered = True
        self._overlays.enter()
        self._show()

    def leave(self) -> None:
        """Another module is shown: slices and 3D are as they were."""
        self._entered = False
        self._overlays.leave()
        self._removeSurfaces()

    def sceneClosing(self) -> None:
        """The scene is about to be emptied."""
        self._overlays.sceneClosed()
        self._removeSurfaces()

    def _slider(self, high: float, name: str) -> Any:
        slider = ctk.ctkSliderWidget()
        slider.objectName = name
        slider.minimum, slider.maximum = 0.0, high
        slider.decimals, slider.singleStep = 2, 0.01
        return slider

    def _choosing(self, mode: OverlayMode) -> Callable[[bool], None]:
        def chosen(on: bool) -> None:
            if on and not self._filling and self._parameters is not None:
                self._parameters.overlay = mode.value
                self._show()

        return chosen

    def _show(self) -> None:
        """Bring the views to what the parameters say; layers are made anew only where case or maps changed."""
        parameters, session = self._parameters, self._workspace.session
        mode = OverlayMode.off if parameters is None else _mode(parameters)
        self._enable(mode)
        if parameters is None:
            return
        case = None if session is None else session.case
        thresholds = {"entropy": parameters.entropyThreshold, "kl": parameters.klThreshold}
        state = self._overlays.state
        complete = set(self._overlays.shown) == set(mode.kinds if case is not None and self._entered else ())
        if complete and case is not None and self._shownCase is case.node and state.mode is mode:
            if state.opacity != parameters.opacity:
                self._overlays.setOpacity(parameters.opacity)
            for kind, value in thresholds.items():
                if state.thresholds[kind] != value:
                    self._overlays.setThreshold(kind, value)
        else:
            self._overlays.show(case, mode, parameters.opacity, thresholds)
        self._shownCase = None if case is None else case.node
        self._showSurfaces()

    def _enable(self, mode: OverlayMode) -> None:
        none = _("Segment a volume first") if self._workspace.session is None else ""
        for each, _text, toolTip in _modes():
            allow(self.modes[each], toolTip, none)
        off = none or ("" if mode.kinds else _("Nothing lies over the image: choose what to show first"))
        allow(self.opacity, _("How much the overlay covers the image"), off)
        hidden = _("This map is not shown")
        unseen = off or ("" if "entropy" in mode.kinds else hidden)
        allow(self.entropyThreshold, _("Entropy is painted from here on (0 sure, 1 open)"), unseen)
        unseen = off or ("" if "kl" in mode.kinds else hidden)
        allow(self.klThreshold, _("KL divergence is painted from here on (nats)"), unseen)
        allow(self.surface, _("Show the surface in 3D, coloured by what is shown in the slices"), off)

    def _opacityMoved(self, value: float) -> None:
        if not self._filling and self._parameters is not None:
            self._parameters.opacity = value

    def _entropyThresholdMoved(self, value: float) -> None:
        if not self._filling and self._parameters is not None:
            self._parameters.entropyThreshold = value

    def _klThresholdMoved(self, value: float) -> None:
        if not self._filling and self._parameters is not None:
            self._parameters.klThreshold = value

    def _surfaceChosen(self, on: bool) -> None:
        if not self._filling and self._parameters is not None:
            self._parameters.surface = on

    def _showSurfaces(self) -> None:
        """The surfaces in the colours of what the slices show; of entropy where they show both."""
        parameters, session = self._parameters, self._workspace.session
        kinds = _mode(parameters).kinds
        if session is None or not self._entered or not parameters.surface or not kinds:
            self._removeSurfaces()
            return
        wanted = (session.case.node, kinds[0])
        if self._surfaceOf == wanted:
            return
        self._removeSurfaces()
        self._surfaceOf = wanted
        problem = ""
        for label in session.case.labels:
            surface = UncertaintySurface()
            try:
                surface.show(session.case, label.value, kinds[0], insteadOfSegment=True)
            except DualSSLError as error:
                problem = str(error)
            else:
                self._surfaces[label.value] = surface
        # A structure that is not there has no surface; only where none has is there something to say.
        if problem and not self._surfaces:
            warn(problem)

    def _removeSurfaces(self) -> None:
        surfaces, self._surfaces, self._surfaceOf = self._surfaces, {}, None
        for surface in surfaces.values():
            surface.remove()

    def _caseOpened(self, _session: CaseSession | None) -> None:
        # Also after a merge: the maps are others then, though the case is the same.
        self._shownCase = None
        self._removeSurfaces()
        self._show()


def _modes() -> tuple[tuple[OverlayMode, str, str], ...]:
    """What can lie over the image: mode, text, tool tip."""
    return (
        (OverlayMode.off, _("Off"), _("Show the image alone")),
        (OverlayMode.entropy, _("Ambiguous"), _("Entropy of the mean prediction: where the image leaves it open")),
        (OverlayMode.kl, _("In conflict"), _("KL divergence: where the two networks contradict each other")),
        (OverlayMode.both, _("Both"), _("Entropy and KL, one over the other")),
    )


def _mode(parameters: Any) -> OverlayMode:
    known = {mode.value: mode for mode in OverlayMode}
    return known.get(parameters.overlay, OverlayMode.off)
