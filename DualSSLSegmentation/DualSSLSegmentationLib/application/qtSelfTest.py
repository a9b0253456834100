"""The module's own test in the application: a person's way through it, on a generated case with a tiny model trained for it.

The panels are those of the module, in a window of their own that is not shown, and their buttons are pressed. Models, cases and
settings of the person are left alone: everything is kept in a temporary folder. It needs no main window and asks nothing.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import qt
import slicer

from dualssl.cases import CaseLibrary
from dualssl.registry.versions import ModelRegistry
from DualSSLSegmentationLib.application import selfTestModel
from DualSSLSegmentationLib.application.qtRunner import QtRunner
from DualSSLSegmentationLib.application.qtWorkspace import QtWorkspace
from DualSSLSegmentationLib.application.unnoticed import unnoticedFaults
from DualSSLSegmentationLib.enginePath import engineFolder
from DualSSLSegmentationLib.panels.modulePanel import ModulePanel
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import addScalarVolume, volumeOf
from DualSSLSegmentationLib.setup.commands import Finished

_log = logging.getLogger(__name__)

Say = Callable[[str], None]
_PATIENCE_SECONDS = 600.0
"""No step takes as long, not even on a computer that has other things to do; the whole test takes a minute on an idle one."""
_REST_SECONDS = 0.02


def journey(say: Say) -> None:
    """Segment, review, edit, undo, segment again, save, fine-tune and cancel.

    Where the engine is not set up, what needs it is left out, and that is said.

    Args:
        say: told each step, as `ScriptedLoadableModuleTest.delayDisplay`.

    Raises:
        AssertionError: something is not as it should be.
    """
    home = Path(tempfile.mkdtemp(prefix="dualssl-self-test-"))
    try:
        with unnoticedFaults() as faults:
            test = _Journey(home, say)
            try:
                test.run()
            finally:
                test.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert not faults, "\n".join(["There were faults that nobody was told of:", *faults])
    say("The self-test has passed.")


class _Journey:
    def __init__(self, home: Path, say: Say) -> None:
        self._home = home
        self._say = say
        self._scene = slicer.mrmlScene
        self._runner = QtRunner()
        # Whatever ships: the test begins without a model.
        self._application = QtWorkspace(home, home / "shipped")
        self._workspace = self._application.workspace
        self._window = qt.QWidget()
        self._panel = ModulePanel(SimpleNamespace(application=self._application), qt.QVBoxLayout(self._window))
        node = slicer.vtkMRMLScriptedModuleNode()
        node.SetName("DualSSL self-test")
        from DualSSLSegmentation import DualSSLSegmentationParameterNode

        # A checker of types does not see what the decorator makes of the class.
        wrapped: Any = DualSSLSegmentationParameterNode
        self._parameters = wrapped(self._scene.AddNode(node))

    @property
    def _session(self) -> Any:
        session = self._workspace.session
        assert session is not None, "no case is in hand"
        return session

    def run(self) -> None:
        self._say("Opening the panel")
        self._panel.setParameters(self._parameters)
        self._panel.enter()
        image = addScalarVolume(
            self._scene, selfTestModel.sphere(selfTestModel.UNSEEN)[0], "Sphere", slicer.vtkMRMLScalarVolumeNode()
        )
        self._parameters.image = image
        self._parameters.device = "cpu"
        assert not self._panel.segment.button.enabled, "there is no model, but Segment can be pressed"
        asking, host = self._said(self._panel.setup), self._application.host
        self._until(lambda: host.state is not None or self._said(self._panel.setup) != asking, "the engine's Python answers")
        state = host.state
        if state is None or not state.ready:
            self._say(f"Left out what needs the engine: {state.sentence() if state else 'its Python does not answer.'}")
            return
        self._makeModel()
        self._segment()
        self._review()
        self._edit()
        self._segmentAgain()
        self._save()
        self._cancel()
        self._fineTune()
        self._leave()

    def close(self) -> None:
        # What the module's widget does when a scene is closed.
        self._panel.setParameters(None)
        self._panel.sceneClosing()
        self._panel.close()
        self._application.close()
        self._runner.close()
        self._window.deleteLater()
        self._scene.Clear(0)

    def _makeModel(self) -> None:
        self._say("Training a tiny model")
        ended: list[Finished] = []
        lines: list[str] = []
        command = self._application.host.interpreter().command(
            (selfTestModel.__file__, str(self._home / "training")), engineFolder(), _PATIENCE_SECONDS
        )
        self._runner(command, lines.append, ended.append)
        self._until(lambda: bool(ended), "the training ends")
        assert ended[0].code == 0, ended[0].errors
        registry = ModelRegistry.create(self._workspace.places.registry)
        version = registry.register(self._home / "training" / "run" / "model", without_parent=True)
        registry.activate(version.id)
        self._workspace.onModels()
        assert self._panel.segment.modelBox.count == 1

    def _segment(self) -> None:
        self._say("Segmenting")
        self._press(self._panel.segment.button)
        self._until(lambda: self._workspace.session is not None, "the segmentation is there")
        case = self._session.case
        assert case.image is self._parameters.image
        assert not case.missing(), case.missing()
        found = labelMapOf(case, case.labels, case.image).array
        truth = selfTestModel.sphere(selfTestModel.UNSEEN)[1].array
        dice = 2.0 * (found * truth).sum() / max(1, found.sum() + truth.sum())
        self._say(f"Dice of the tiny model: {dice:.2f}")
        assert self._panel.review.table.rowCount == len(self._session.review.entries())

    def _review(self) -> None:
        self._say("Reviewing")
        session, review = self._session, self._panel.review
        for mode in self._panel.overlay.modes.values():
            mode.checked = True
            self._turn()
        if not session.review.entries():
            self._say("The tiny model is sure everywhere: no region to review.")
            return
        self._press(review.nextButton)
        first = session.current
        assert first is not None
        review.onlyInside.checked = True
        assert session.onlyInsideRegion
        review.onlyInside.checked = False
        for button, answer in ((review.takeA, "a"), (review.takeB, "b"), (review.takeMean, "mean")):
            self._press(button)
            assert session.review.entry(first.id).answer == answer
        self._press(review.reopenButton)
        self._press(review.flagButton)
        assert session.review.entry(first.id).state == "flagged"

    def _edit(self) -> None:
        self._say("Editing and undoing")
        session, editor = self._session, self._panel.correct.editor
        before = session.edits.voxels
        self._paint()
        assert session.edits.voxels > before, "an edit was not seen"
        editor.undo()
        self._turn()
        assert session.edits.voxels == before, "undo did not bring the labels back"
        editor.redo()
        self._turn()
        assert session.edits.voxels > before, "redo did not bring the edit back"

    def _paint(self) -> None:
        """What a stroke does, without a mouse: keep the state for undo, then write voxels in a corner."""
        case = self._session.case
        volume = volumeOf(case.prediction)
        labels = volume.array.copy()
        labels[:2, :2, :2] = 1
        corner = labels != volume.array
        painted = type(volume)(labels, volume.geometry)
        writeLabels(case.node, painted, case.labels, only=corner, undo=self._panel.correct.editor.saveStateForUndo)
        self._turn()

    def _segmentAgain(self) -> None:
        self._say("Segmenting again around the edits")
        session, edits = self._session, self._session.edits.voxels
        self._press(self._panel.segment.button)
        self._until(lambda: not self._workspace.busy("segment"), "the second segmentation is there")
        assert self._session is session, "the case was not merged into"
        assert session.edits.voxels == edits, "a person's voxels were not kept"

    def _save(self) -> None:
        self._say("Saving the corrected case, twice")
        handover = self._panel.handover
        handover.libraryLine.text = str(self._workspace.places.library)
        handover.reviewerLine.text = "Self-test"
        saved: list[dict[str, Any]] = []
        stop = self._workspace.onSaved.add(saved.append)
        for version in (1, 2):
            self._workspace.save(handover.wish())
            self._until(lambda: not self._workspace.busy("save"), "the case is saved")
            assert len(saved) == version, self._said(handover)
        stop()
        with CaseLibrary.open(self._workspace.places.library) as library:
            assert len(library.label_versions("Sphere")) == 2

    def _cancel(self) -> None:
        self._say("Cancelling")
        nodes = self._scene.GetNumberOfNodes()
        self._press(self._panel.segment.button)
        self._press(self._panel.segment.button)
        self._until(lambda: not self._workspace.busy("segment"), "the segmentation is cancelled")
        assert self._scene.GetNumberOfNodes() == nodes, "a cancelled segmentation left nodes behind"

    def _fineTune(self) -> None:
        self._say("Fine-tuning")
        panel = self._panel.fineTune
        panel.iterations.value = 3
        panel.prove.checked = False
        answers: list[dict[str, Any]] = []
        stop = self._workspace.onFineTuned.add(answers.append)
        self._press(panel.button)
        self._until(lambda: not self._workspace.busy("finetune"), "the fine-tuning ends")
        stop()
        assert answers, self._said(panel)
        assert not panel.activateButton.enabled, "a model that was not compared can be activated"
        self._press(panel.discardButton)
        self._until(lambda: not self._workspace.busy("models"), "the new model is put away")

    def _leave(self) -> None:
        self._say("Leaving and coming back")
        self._panel.exit()
        self._panel.enter()

    def _press(self, button: Any) -> None:
        assert button.enabled, f"'{button.text}' cannot be pressed: {button.toolTip}"
        button.click()
        self._turn()

    def _turn(self) -> None:
        for _again in range(3):
            slicer.app.processEvents()
            time.sleep(_REST_SECONDS / 4)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, f"It never came that {what}; the panel says: {self._said(self._panel.segment)}"
            slicer.app.processEvents()
            time.sleep(_REST_SECONDS)
        self._turn()

    @staticmethod
    def _said(panel: Any) -> str:
        return str(panel.said)
