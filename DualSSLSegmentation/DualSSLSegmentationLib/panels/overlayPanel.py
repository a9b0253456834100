"""Show where the result is ambiguous and where the networks are in conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ctk
import qt
from slicer.i18n import tr as _

from DualSSLSegmentationLib.display.overlays import OverlayMode, OverlayState
from DualSSLSegmentationLib.display.uncertaintyDisplay import UncertaintyDisplay
from DualSSLSegmentationLib.panels.common import connect, offer, row, section, warn
from DualSSLSegmentationLib.presentation.overlayView import THRESHOLD_RANGES, modeNamed, overlayView

if TYPE_CHECKING:
    from collections.abc import Callable

    from DualSSLSegmentationLib.review.caseSession import CaseSession
    from DualSSLSegmentationLib.review.editTracking import EditSummary
    from DualSSLSegmentationLib.workspace import Workspace


class OverlayPanel:
    """Its controls act while they are moved.

    Args:
        workspace: whose case is shown.
        layout: where it goes.
    """

    def __init__(self, workspace: Workspace, layout: Any) -> None:
        self._workspace = workspace
        self._parameters: Any = None
        self._filling = False
        self._stopSession: list[Callable[[], None]] = []
        self._display = UncertaintyDisplay(workspace.views.compositeNodes, warn, workspace.schedule)
        # It would show at once, and the module is not shown yet.
        self._display.leave()
        self.section, form = section(_("Uncertainty"), layout)
        self.modes: dict[OverlayMode, Any] = {}
        for choice in overlayView(False, OverlayMode.off).modes:
            button = qt.QRadioButton(choice.text)
            button.objectName = f"overlay_{choice.mode.value}"
            connect(button, "toggled(bool)", self._choosing(choice.mode))
            self.modes[choice.mode] = button
        form.addRow(row(*self.modes.values()))
        self.opacity = self._slider((0.0, 1.0), "overlayOpacity")
        form.addRow(_("Opacity:"), self.opacity)
        self.entropyThreshold = self._slider(THRESHOLD_RANGES["entropy"], "entropyThreshold")
        form.addRow(_("Ambiguous from:"), self.entropyThreshold)
        self.klThreshold = self._slider(THRESHOLD_RANGES["kl"], "klThreshold")
        form.addRow(_("Conflict from:"), self.klThreshold)
        self.surface = qt.QCheckBox(_("Colour the surface in 3D"))
        self.surface.objectName = "overlaySurface"
        form.addRow(self.surface)
        connect(self.opacity, "valueChanged(double)", self._opacityMoved)
        connect(self.entropyThreshold, "valueChanged(double)", self._entropyThresholdMoved)
        connect(self.klThreshold, "valueChanged(double)", self._klThresholdMoved)
        connect(self.surface, "toggled(bool)", self._surfaceChosen)
        self._stops = [workspace.onCase.add(self._caseOpened)]
        self._show()

    def close(self) -> None:
        """Listen no more; nothing of it stays in the scene."""
        for stop in (*self._stops, *self._stopSession):
            stop()
        self._display.close()

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
        self.modes[modeNamed(parameters.overlay)].checked = True
        self.opacity.value = parameters.opacity
        self.entropyThreshold.value = parameters.entropyThreshold
        self.klThreshold.value = parameters.klThreshold
        self.surface.checked = parameters.surface
        self._filling = False
        self._show()

    def enter(self) -> None:
        """The module is shown."""
        self._display.enter()

    def leave(self) -> None:
        """Another module is shown: slices and 3D are as they were."""
        self._display.leave()

    def sceneClosing(self) -> None:
        """The scene is about to be emptied."""
        self._display.sceneClosed()

    def _slider(self, limits: tuple[float, float], name: str) -> Any:
        slider = ctk.ctkSliderWidget()
        slider.objectName = name
        slider.minimum, slider.maximum = limits
        slider.decimals, slider.singleStep = 2, 0.01
        return slider

    def _choosing(self, mode: OverlayMode) -> Callable[[bool], None]:
        def chosen(on: bool) -> None:
            if on and not self._filling and self._parameters is not None:
                self._parameters.overlay = mode.value
                self._show()

        return chosen

    def _show(self) -> None:
        """Bring controls and views to what the parameters say."""
        parameters, session = self._parameters, self._workspace.session
        mode = OverlayMode.off if parameters is None else modeNamed(parameters.overlay)
        view = overlayView(session is not None, mode)
        for choice in view.modes:
            offer(self.modes[choice.mode], choice.offer)
        offer(self.opacity, view.opacity)
        offer(self.entropyThreshold, view.thresholds["entropy"])
        offer(self.klThreshold, view.thresholds["kl"])
        offer(self.surface, view.surface)
        if parameters is None:
            return
        thresholds = {"entropy": parameters.entropyThreshold, "kl": parameters.klThreshold}
        case = None if session is None else session.case
        self._display.show(case, OverlayState(mode, parameters.opacity, thresholds), parameters.surface)

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

    def _caseOpened(self, session: CaseSession | None) -> None:
        for stop in self._stopSession:
            stop()
        self._stopSession = [] if session is None else [session.onEdits.add(self._edited)]
        # Also after a merge: the maps are others then, though the case is the same.
        self._display.caseChanged(None if session is None else session.case)
        self._show()

    def _edited(self, _summary: EditSummary) -> None:
        self._display.edited()
