"""Pictures of each state of the module, to be looked at. `DUALSSL_TEST_PICTURES` names the folder they go to."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import slicer
from slicerSession import Session, run, say

CORRECTED_CASES = 3


def steps(session: Session) -> None:
    """One picture after the other."""
    looking(session)
    correcting(session)
    learning(session)
    settingUp(session)


def looking(session: Session) -> None:
    """From the empty module to the regions."""
    say("Looking")
    image = session.widget._parameterNode.image
    slicer.mrmlScene.Clear(0)
    session.picture("01_empty")
    session.widget._parameterNode.image = image = session.addImage()
    session.picture("02_opened")
    session.press(session.panels.segment.button)
    session.picture("03_running")
    session.until(lambda: not session.workspace.busy("segment"), "the segmentation is there")
    session.check(session.case is not None and session.case.case.image is image, "it is the image's")
    for mode, button in session.panels.overlay.modes.items():
        session.press(button)
        session.picture(f"04_{mode.value}")
    session.press(session.panels.overlay.surface)
    slicer.app.layoutManager().threeDWidget(0).threeDView().resetFocalPoint()
    session.picture("05_surface")
    session.unfold(session.panels.overlay, session.panels.review)
    session.press(session.panels.review.nextButton)
    session.picture("06_region")


def correcting(session: Session) -> None:
    """The segment editor inside a region, and the question of a second segmentation."""
    say("Correcting")
    review, correct = session.panels.review, session.panels.correct
    session.press(review.onlyInside)
    session.unfold(review, correct)
    session.editor.setActiveEffectByName("Paint")
    session.stroke("Red", (0.4, 0.5), (0.6, 0.5))
    session.picture("07_editing_inside")
    session.editor.setActiveEffect(None)
    session.press(review.acceptButton)
    session.press(review.flagButton)
    session.press(review.takeB)
    session.unfold(review)
    session.picture("08_decided")
    if not slicer.app.testingEnabled():
        session.answering("Escape", picture="09_merge_question")
        session.press(session.panels.segment.button)


def learning(session: Session) -> None:
    """A corrected case, a training, and old against new."""
    say("Learning")
    handover, tuning = session.panels.handover, session.panels.fineTune
    session.unfold(handover, tuning)
    session.picture("10_hand_over")
    handover.reviewerLine.text = "Reader"
    for number in range(CORRECTED_CASES):
        handover.nameLine.text = f"case_{number}"
        handover.wholeCase.checked = True
        session.press(handover.button)
        session.until(lambda: not session.workspace.busy("save"), "the case is saved")
        session.check("Saved as" in handover.said, handover.said)
        if number == 0:
            session.picture("11_saved")
        if number < CORRECTED_CASES - 1:
            session.widget._parameterNode.image = session.addImage(f"Sphere {number + 1}", number + 1)
            session.segment()
    session.unfold(tuning)
    tuning.iterations.value, tuning.prove.checked = 60, True
    session.press(tuning.button)
    session.until(lambda: tuning.curves.widget.visible, "the curves are there")
    session.picture("12_training")
    session.until(lambda: not session.workspace.busy("finetune"), "the training ends")
    session.unfold(tuning)
    session.picture("13_comparison")
    session.check(tuning.table.visible, tuning.reason.text)


def settingUp(session: Session) -> None:
    """Set-up and its self-check."""
    say("Setting up")
    setup = session.panels.setup
    session.unfold(setup)
    session.picture("14_set_up")
    session.press(setup.checkButton)
    session.until(lambda: not session.workspace.busy("check"), "the self-check ends")
    session.check("works on" in setup.said, setup.said)
    session.picture("15_self_check")


if __name__ == "__main__":
    run(steps)
