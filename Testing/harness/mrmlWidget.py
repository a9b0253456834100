"""Stand-in of qMRMLWidget, the base of Slicer's widgets that know the scene."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6 import QtCore, QtWidgets

from pythonqtMembers import scripted


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that knows the scene and tells the widgets in it by its signal."""

    SIGNALS: ClassVar[dict[str, str]] = {"mrmlSceneChanged(vtkMRMLScene*)": "sceneChanged_"}
    sceneChanged_ = QtCore.Signal(object, name="sceneChanged_")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    @scripted
    def mrmlScene(self) -> Any:
        """The scene, None before it was set."""
        return self._scene

    @scripted
    def setMRMLScene(self, scene: Any) -> None:
        """Set the scene."""
        if scene is not self._scene:
            self._scene = scene
            self.sceneChanged_.emit(scene)
