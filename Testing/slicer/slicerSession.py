"""What the sessions in a real Slicer share: a case to work on, the mouse, answers to dialogs, and checks that are counted.

Nothing of the person's is touched: models, cases and records are in a temporary folder, and the chosen Python is set back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer

INTERPRETER = "DualSSLSegmentation/Interpreter"
PATIENCE = 600.0
"""Seconds that an engine on a busy computer may take for one step."""
VIEWS = ("Red", "Green", "Yellow")


def run(steps: Callable[[Session], None]) -> None:
    """Do the steps of a session and end the application: 0 where every check held and nothing failed unnoticed, else 1."""
    home = Path(tempfile.mkdtemp(prefix="dualssl-session-"))
    os.environ["DUALSSL_HOME"] = str(home)
    chosen = qt.QSettings().value(INTERPRETER)
    failed = ["the session did not come to its end"]
    try:
        from DualSSLSegmentationLib.application.unnoticed import unnoticedFaults

        if os.environ.get("DUALSSL_TEST_PYTHON"):
            qt.QSettings().setValue(INTERPRETER, os.environ["DUALSSL_TEST_PYTHON"])
        with unnoticedFaults() as faults:
            session = Session(home)
            steps(session)
            session.end()
        failed = [*session.failed, *faults]
    except Exception:
        failed.append(traceback.format_exc())
    finally:
        qt.QSettings().setValue(INTERPRETER, chosen or "")
        shutil.rmtree(home, ignore_errors=True)
    say("\n".join(["FAILED:", *failed]) if failed else "All of it is as it should be.")
    slicer.util.exit(1 if failed else 0)


def say(text: str) -> None:
    """Write a line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Session:
    """A person with the module open on a generated case.

    Args:
        home: where models and cases are kept.

    Attributes:
        failed: checks that did not hold.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.failed: list[str] = []
        self._dialogs = _Dialogs()
        window = slicer.util.mainWindow()
        width, height = (int(n) for n in os.environ.get("DUALSSL_TEST_SIZE", "1600x1000").split("x"))
        window.move(0, 0)
        window.resize(width, height)
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self._registerModel()
        self.addImage()
        slicer.util.selectModule("DualSSLSegmentation")
        self.turn()
        self.until(lambda: self.panels.setup.said and "Looking" not in self.panels.setup.said, "the engine's Python answers")

    # --- what there is

    @property
    def widget(self) -> Any:
        """The module's panel, a new one after each reload."""
        return slicer.modules.DualSSLSegmentationWidget

    @property
    def panels(self) -> Any:
        """Its parts."""
        return self.widget.panels

    @property
    def workspace(self) -> Any:
        """What they drive."""
        return self.widget.logic.application.workspace

    @property
    def case(self) -> Any:
        """The case in hand as a person works on it."""
        return self.workspace.session

    @property
    def editor(self) -> Any:
        """The segment editor."""
        return self.panels.correct.editor

    def addImage(self, name: str = "Sphere", number: int = 0) -> Any:
        """Load an image that the model was not trained on, and show it; one that was named, or one of the spheres."""
        from DualSSLSegmentationLib.application import selfTestModel
        from DualSSLSegmentationLib.scene.volumes import addScalarVolume

        path = os.environ.get("DUALSSL_TEST_IMAGE")
        if path:
            image = slicer.util.loadVolume(path)
        else:
            sphere = selfTestModel.sphere(selfTestModel.UNSEEN + number)[0]
            image = addScalarVolume(slicer.mrmlScene, sphere, name, slicer.vtkMRMLScalarVolumeNode())
        slicer.util.setSliceViewerLayers(background=image, fit=True)
        return image

    def _registerModel(self) -> None:
        from dualssl.registry.versions import ModelRegistry

        given = os.environ.get("DUALSSL_TEST_MODEL")
        registry = ModelRegistry.create(self.home / "models")
        version = registry.register(Path(given) if given else self._trainModel(), without_parent=True)
        registry.activate(version.id)

    def _trainModel(self) -> Path:
        from DualSSLSegmentationLib.application import selfTestModel
        from DualSSLSegmentationLib.compat import chosenInterpreter, slicerInterpreter
        from DualSSLSegmentationLib.enginePath import engineFolder

        say("A tiny model is trained")
        chosen = qt.QSettings().value(INTERPRETER)
        python = chosenInterpreter(Path(chosen)) if chosen else slicerInterpreter()
        command = python.command((selfTestModel.__file__, str(self.home / "training")), engineFolder(), PATIENCE)
        subprocess.run(command.arguments, env=dict(command.environment), check=True, timeout=PATIENCE)
        return self.home / "training" / "run" / "model"

    # --- what a person does

    def turn(self, seconds: float = 0.3) -> None:
        """Let the application live."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.005)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: it never was.
        """
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it never came that {what}"
            self.turn(0.02)
        self.turn()

    def press(self, button: Any) -> None:
        """Click a button or check box that can be clicked."""
        assert button.enabled, f"'{button.text}' cannot be pressed: {button.toolTip}"
        button.click()
        self.turn()

    def segment(self) -> None:
        """Press Segment, and wait for the result."""
        self.press(self.panels.segment.button)
        self.until(lambda: not self.workspace.busy("segment"), "the segmentation is there")
        assert self.case is not None, self.panels.segment.said

    def stroke(self, view: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw with the left button in a slice view; places are shares of its width and height."""
        target = slicer.app.layoutManager().sliceWidget(view).sliceView().VTKWidget()
        none, left = qt.Qt.NoButton, qt.Qt.LeftButton
        places = [[a + (b - a) * step / 6 for a, b in zip(start, end, strict=True)] for step in range(7)]
        self._mouse(target, qt.QEvent.MouseMove, places[0], none, none)
        self._mouse(target, qt.QEvent.MouseButtonPress, places[0], left, left)
        for place in places[1:]:
            self._mouse(target, qt.QEvent.MouseMove, place, none, left)
        self._mouse(target, qt.QEvent.MouseButtonRelease, places[-1], left, none)
        self.turn()

    def _mouse(self, target: Any, kind: Any, place: list[float], button: Any, buttons: Any) -> None:
        point = qt.QPointF(place[0] * target.width, place[1] * target.height)
        slicer.app.sendEvent(target, qt.QMouseEvent(kind, point, button, buttons, qt.Qt.NoModifier))
        self.turn(0.05)

    def keys(self, *keys: str) -> bool:
        """Press keys on the real keyboard; False where xdotool is missing, for Qt sends its own shortcuts no other way."""
        if shutil.which("xdotool") is None:
            say("  left out without xdotool: the keys " + " ".join(keys))
            return False
        slicer.util.mainWindow().activateWindow()
        self.turn()
        for key in keys:
            subprocess.run(["xdotool", "key", key], check=True)
            self.turn()
        return True

    def answering(self, *answers: str, picture: str = "") -> list[str]:
        """The next dialogs are answered so: the text of a button, or "Escape"; returns what they say, as they open."""
        return self._dialogs.expect(answers, _place(picture) if picture else None)

    # --- what is looked at

    def check(self, holds: Any, what: str) -> None:
        """Say whether something is as it should be, and remember where it is not."""
        say(f"  {'ok    ' if holds else 'FAILED'} {what}")
        if not holds:
            self.failed.append(what)

    def picture(self, name: str) -> None:
        """Keep a picture of the main window, if a folder for pictures is named."""
        place = _place(name)
        if place is not None:
            self.turn(1.0)
            slicer.util.mainWindow().grab().save(str(place))

    def unfold(self, *parts: Any) -> None:
        """Open some parts of the panel alone, and bring the last one into view."""
        for part in self.panels.parts:
            part.section.collapsed = all(part is not one for one in parts)
        self.turn()
        area = self.panels.segment.section
        while not area.inherits("QScrollArea"):
            area = area.parent()
        area.ensureWidgetVisible(parts[-1].section)
        self.turn()

    def layers(self, view: str = "Red") -> list[tuple[str | None, float]]:
        """Volume and opacity of each layer of a slice view."""
        composite = slicer.app.layoutManager().sliceWidget(view).sliceLogic().GetSliceCompositeNode()
        count = 3 + composite.GetNumberOfAdditionalLayers()
        return [(composite.GetNthLayerVolumeID(n), round(composite.GetNthLayerOpacity(n), 3)) for n in range(count)]

    def end(self) -> None:
        """Leave nothing open."""
        self._dialogs.stop()
        slicer.mrmlScene.Clear(0)
        self.turn()


def _place(name: str) -> Path | None:
    """Where a picture goes; None where none is wanted."""
    folder = os.environ.get("DUALSSL_TEST_PICTURES")
    if not folder:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) / f"{name}.png"


class _Dialogs:
    """Answers modal dialogs from a timer, as a person does who sees them."""

    def __init__(self) -> None:
        self._answers: list[str] = []
        self._said: list[str] = []
        self._picture: Path | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(300)
        self._timer.connect("timeout()", self._look)

    def expect(self, answers: tuple[str, ...], picture: Path | None) -> list[str]:
        self._answers, self._said, self._picture = list(answers), [], picture
        self._timer.start()
        return self._said

    def stop(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        dialog = slicer.app.activeModalWidget()
        if dialog is None or not self._answers:
            return
        answer = self._answers.pop(0)
        self._said.append(dialog.text if dialog.inherits("QMessageBox") else dialog.windowTitle)
        if self._picture is not None:
            dialog.grab().save(str(self._picture))
        buttons = {button.text.replace("&", ""): button for button in dialog.findChildren("QAbstractButton")}
        if answer == "Escape":
            # What Qt makes of the key.
            dialog.reject()
        else:
            buttons[answer].click()
