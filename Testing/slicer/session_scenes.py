"""Scenes that are saved, closed and loaded, and nodes that go while somebody works on them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import slicer
from slicerSession import Session, run, say


def steps(session: Session) -> None:
    """What is done and looked at."""
    session.segment()
    savedAndLoaded(session)
    closedWhileItSegments(session)
    deleted(session)
    leftAndEntered(session)
    closedWhileItTrains(session)


def savedAndLoaded(session: Session) -> None:
    """Everything comes back from a bundle and from a scene with files, twice."""
    say("Saved and loaded")
    parameters = session.widget._parameterNode
    parameters.overlay, parameters.surface, parameters.device = "both", True, "cpu"
    parameters.opacity, parameters.entropyThreshold, parameters.klThreshold = 0.45, 0.5, 0.25
    paint(session)
    session.press(session.panels.review.nextButton)
    session.press(session.panels.review.acceptButton)
    session.press(session.panels.review.flagButton)
    session.press(session.panels.review.takeB)
    session.press(session.panels.review.onlyInside)
    before = state(session)
    folder = session.home / "scene"
    folder.mkdir()
    bundle, again = folder / "case.mrb", folder / "again.mrb"
    session.check(slicer.util.saveScene(str(bundle)), "a bundle is saved")
    session.check(session.case.onlyInsideRegion, "the editor is still held inside the region")
    (folder / "files").mkdir()
    slicer.app.applicationLogic().SaveSceneToSlicerDataBundleDirectory(str(folder / "files"), None)
    for path in (bundle, folder / "files" / "files.mrml"):
        load(session, path)
        session.check(state(session) == before, f"all of it comes back from {path.name}")
        case = session.case.case
        session.check(session.editor.segmentationNode() is case.node, "the segment editor has the case")
        session.check(session.editor.sourceVolumeNode() is case.image, "and its image")
    session.check(slicer.util.saveScene(str(again)), "it is saved again")
    load(session, again)
    session.check(state(session) == before, "and loaded again")
    slicer.util.loadScene(str(bundle), {"clear": False})
    session.turn(1.0)
    session.check(session.case is not None, "a second scene beside it leaves a case in hand")
    session.check(session.editor.segmentationNode() is session.case.case.node, "and the segment editor with it")


def closedWhileItSegments(session: Session) -> None:
    """A scene that is closed ends what was going on in it."""
    say("Closed while it segments")
    for wait in (0.0, 0.5, 2.0):
        restart(session)
        session.press(session.panels.segment.button)
        session.turn(wait)
        slicer.mrmlScene.Clear(0)
        session.turn()
        left = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLVolumeNode")]
        session.check(not session.workspace.busy("segment") and session.case is None, f"after {wait} s nothing goes on")
        session.check(not left, f"no volume is left ({left})")
    restart(session)
    session.segment()


def deleted(session: Session) -> None:
    """Nodes that somebody deletes."""
    say("Deleted while somebody works on it")
    restart(session)
    image = session.widget._parameterNode.image
    session.press(session.panels.segment.button)
    slicer.mrmlScene.RemoveNode(image)
    session.until(lambda: not session.workspace.busy("segment"), "the segmentation ends")
    session.check("deleted" in session.panels.segment.said, "a deleted volume is said")
    restart(session)
    session.segment()
    session.editor.setActiveEffectByName("Paint")
    session.turn()
    slicer.mrmlScene.RemoveNode(session.case.case.node)
    session.turn()
    session.stroke("Red", (0.1, 0.1), (0.2, 0.2))
    session.check(session.case is None, "a deleted segmentation is put away")
    session.check(not session.editor.enabled and session.editor.activeEffect() is None, "the editor is at rest")
    left = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode")]
    session.check(not left, f"none of its helper volumes is left ({left})")


def leftAndEntered(session: Session) -> None:
    """The views are the person's own outside the module, whatever the layout."""
    say("Left and entered")
    restart(session)
    image = session.widget._parameterNode.image
    other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, image, "other")
    slicer.util.setSliceViewerLayers(background=image, foreground=other, foregroundOpacity=0.35)
    before = session.layers()
    session.segment()
    during = session.layers()
    session.check(during[:2] == before[:2] and len(during) > len(before), "the overlay lies over the person's own layers")
    layouts = slicer.app.layoutManager()
    layouts.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutThreeOverThreeView)
    session.turn()
    session.check(len(session.layers("Red+")) > 3, "views of another layout have it, too")
    slicer.util.selectModule("Data")
    session.turn()
    session.check(session.layers() == before, "outside the module the layers are the person's")
    session.check(len(session.layers("Red+")) == 3, "in each view")
    layouts.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    slicer.util.selectModule("DualSSLSegmentation")
    session.turn()
    session.check(session.layers() == during, "inside it the overlay is there again")


def closedWhileItTrains(session: Session) -> None:
    """A fine-tuning needs no scene."""
    say("Closed while it trains")
    handover, tuning = session.panels.handover, session.panels.fineTune
    handover.reviewerLine.text, handover.wholeCase.checked = "Session", True
    session.press(handover.button)
    session.until(lambda: not session.workspace.busy("save"), "the case is saved")
    session.check("version 1" in handover.said, "the case is saved")
    tuning.section.collapsed = False
    tuning.iterations.value, tuning.prove.checked = 5000, False
    session.press(tuning.button)
    session.until(lambda: tuning.curves.widget.visible, "the curves are there")
    slicer.mrmlScene.Clear(0)
    session.turn()
    session.check(session.workspace.busy("finetune"), "it goes on without the scene")
    session.press(tuning.button)
    session.until(lambda: not session.workspace.busy("finetune"), "it is cancelled", 30.0)
    session.check(tuning.resumeButton.enabled, "it can be resumed")


def restart(session: Session) -> None:
    """An empty scene with the image alone."""
    slicer.mrmlScene.Clear(0)
    session.turn()
    session.widget._parameterNode.image = session.addImage()
    session.turn()


def load(session: Session, path: Path) -> None:
    """Close the scene and open another."""
    slicer.mrmlScene.Clear(0)
    session.turn()
    session.check(session.case is None, "no case is in hand without a scene")
    slicer.util.loadScene(str(path))
    session.turn(1.0)


def paint(session: Session) -> None:
    """Change some voxels."""
    session.editor.setActiveEffectByName("Paint")
    session.editor.activeEffect().setCommonParameter("BrushDiameterIsRelative", 0)
    session.editor.activeEffect().setCommonParameter("BrushAbsoluteDiameter", 8.0)
    session.turn()
    session.stroke("Red", (0.1, 0.1), (0.2, 0.15))
    session.editor.setActiveEffect(None)


def state(session: Session) -> dict[str, Any]:
    """What a person would miss."""
    parameters, case = session.widget._parameterNode, session.case
    names = ("overlay", "opacity", "entropyThreshold", "klThreshold", "surface", "device")
    return {
        **{name: getattr(parameters, name) for name in names},
        "image": case and case.case.image.GetName(),
        "states": case and [(entry.state, entry.answer) for entry in case.review.entries()],
        "edits": case and int(case.tracker.editMask().sum()),
        "layers": [opacity for _volume, opacity in session.layers()],
        "opacity shown": session.panels.overlay.opacity.value,
        "said": session.panels.correct.summary.text,
    }


if __name__ == "__main__":
    run(steps)
