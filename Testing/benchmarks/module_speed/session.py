"""The module as a person uses it, driven through its own panels: the same in the harness and in the application."""

from __future__ import annotations

import time
from collections.abc import Callable
from time import perf_counter
from typing import Any

import slicer
from module_speed.heartbeat import Heartbeat
from module_speed.views import DrawingClock

from dualssl.volumes.volume import Volume

PATIENCE_SECONDS = 240.0
REST_SECONDS = 0.001
BRUSH_MM = 6.0


class ModuleSession:
    """An opened module.

    Args:
        widget: the module's own widget.

    Attributes:
        heartbeat: beats when the event loop has turned.
    """

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self.heartbeat = Heartbeat(drawn=DrawingClock())
        self.panels = widget.panels
        self.workspace = widget.logic.application.workspace

    @property
    def case(self) -> Any:
        """The session of the case in hand, or None."""
        return self.workspace.session

    def load(self, volume: Volume, name: str) -> Any:
        """Add a volume to the scene, show it, and choose it; returns its node."""
        from DualSSLSegmentationLib.scene.volumes import addScalarVolume

        image = addScalarVolume(slicer.mrmlScene, volume, name, slicer.vtkMRMLScalarVolumeNode())
        slicer.util.setSliceViewerLayers(background=image, fit=True)
        parameters = self.widget._parameterNode
        parameters.image = image
        parameters.device = "cpu"
        self.turn()
        return image

    def press(self, button: Any) -> None:
        """Press a button that can be pressed."""
        if not button.enabled:
            raise RuntimeError(f"'{button.text}' is disabled: {button.toolTip}")
        button.click()

    def segment(self) -> None:
        """Press Segment and wait for the end."""
        self.press(self.panels.segment.button)
        self.until(lambda: not self.workspace.busy("segment"))
        if self.case is None:
            raise RuntimeError(f"nothing was segmented: {self.panels.segment.said}")

    def overlay(self, mode: str) -> None:
        """Choose what lies over the image: `off`, `entropy`, `kl` or `both`."""
        modes = self.panels.overlay.modes.items()
        next(button for each, button in modes if each.value == mode).checked = True
        self.turn()

    def forget(self) -> None:
        """Remove the case in hand and its volume."""
        session = self.case
        node, image = session.case.node, session.case.image
        self.widget._parameterNode.segmentation = None
        self.turn()
        slicer.mrmlScene.RemoveNode(node)
        slicer.mrmlScene.RemoveNode(image)
        self.turn()

    def fit(self) -> None:
        """Show the whole image in the slice views."""
        slicer.app.layoutManager().resetSliceViews()
        self.turn()

    def stroke(self, at: tuple[float, float], effect: str = "Paint") -> None:
        """One stroke with a brush into the red view, by mouse; `at` is a share of its width and height."""
        editor, before = self.panels.correct.editor, self.case.edits.voxels
        editor.setActiveEffectByName(effect)
        active = editor.activeEffect()
        active.setParameter("BrushAbsoluteDiameter", str(BRUSH_MM))
        active.setParameter("BrushDiameterIsRelative", "0")
        window = slicer.app.layoutManager().sliceWidget("Red").sliceView().renderWindow()
        interactor, (width, height) = window.GetInteractor(), window.GetSize()
        x, y = int(at[0] * width), int(at[1] * height)
        for event, away in (
            ("EnterEvent", 0),
            ("MouseMoveEvent", 0),
            ("LeftButtonPressEvent", 0),
            ("MouseMoveEvent", 10),
            ("MouseMoveEvent", 20),
            ("LeftButtonReleaseEvent", 20),
        ):
            interactor.SetEventInformation(x + away, y, 0, 0)
            interactor.InvokeEvent(event)
            self._turn_once()
        self.turn()
        if self.case.edits.voxels == before:
            raise RuntimeError("the stroke changed no voxel")

    def release_effect(self) -> None:
        """Take the brush out of the hand."""
        self.panels.correct.editor.setActiveEffect(None)
        self.turn()

    def undo(self) -> None:
        """The segment editor's undo."""
        self.panels.correct.editor.undo()
        self.turn()

    def redo(self) -> None:
        """The segment editor's redo."""
        self.panels.correct.editor.redo()
        self.turn()

    def turn(self, seconds: float = 0.08) -> None:
        """Let the event loop run until what was put off has been done."""
        end = perf_counter() + seconds
        while perf_counter() < end:
            self._turn_once()

    def until(self, condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
        """Let the event loop run until something is so.

        Raises:
            RuntimeError: it never was.
        """
        end = perf_counter() + seconds
        while not condition():
            if perf_counter() > end:
                raise RuntimeError(f"it never came; the panel says: {self.panels.segment.said}")
            self._turn_once()
        self.turn()

    def _turn_once(self) -> None:
        slicer.app.processEvents()
        # Without a rest the engine would have to share its core.
        self.heartbeat.rest(lambda: time.sleep(REST_SECONDS))
