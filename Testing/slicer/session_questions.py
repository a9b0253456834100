"""Questions of the panels: they open, Cancel and Escape change nothing. To be run without --testing, where nobody is asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import qt
import slicer
from slicerSession import INTERPRETER, Session, run, say


def steps(session: Session) -> None:
    """What is done and looked at."""
    assert not slicer.app.testingEnabled(), "start Slicer without --testing"
    session.segment()
    merging(session)
    discarding(session)
    installing(session)


def merging(session: Session) -> None:
    """Segment again what somebody has worked on."""
    say("Segmenting again")
    session.press(session.panels.review.nextButton)
    session.press(session.panels.review.acceptButton)
    before = work(session)
    for answer in ("Escape", "Cancel"):
        asked = session.answering(answer)
        session.press(session.panels.segment.button)
        session.check(asked and "worked on this segmentation" in asked[0], "it is asked how the two come together")
        session.check(work(session) == before and not session.workspace.busy("segment"), f"{answer} changes nothing")
    session.answering("Keep my voxels")
    session.segment()
    session.check(session.case.case.node is before[0], "the answer merges into the case")


def discarding(session: Session) -> None:
    """Put a fine-tuned model away."""
    say("Putting a new model away")
    handover, tuning = session.panels.handover, session.panels.fineTune
    handover.reviewerLine.text, handover.wholeCase.checked = "Session", True
    session.press(handover.button)
    session.until(lambda: not session.workspace.busy("save"), "the case is saved")
    tuning.iterations.value, tuning.prove.checked = 2, False
    session.press(tuning.button)
    session.until(lambda: not session.workspace.busy("finetune"), "the fine-tuning ends")
    models = session.panels.segment.modelBox
    before = models.count
    for answer in ("Escape", "No"):
        asked = session.answering(answer)
        session.press(tuning.discardButton)
        session.check(asked and "trash" in asked[0], "it is asked")
        session.check(models.count == before and tuning.discardButton.enabled, f"{answer} keeps it")
    session.answering("Yes")
    session.press(tuning.discardButton)
    session.until(lambda: models.count == before - 1, "the model is put away")


def installing(session: Session) -> None:
    """Set up in Slicer's own Python, if that lacks anything; and remove what was never installed."""
    say("Installing and removing")
    setup = session.panels.setup
    setup.section.collapsed = False
    if setup.ownButton.enabled:
        session.press(setup.ownButton)
        session.until(lambda: session.widget.logic.application.host.state is not None, "Slicer's Python answers")
    if session.widget.logic.application.host.state.ready:
        say("  left out: nothing is missing in Slicer's Python")
    else:
        for button in (setup.setUpButton, session.panels.segment.button):
            if not button.enabled:
                continue
            asked = session.answering("Escape")
            session.press(button)
            session.check(asked and asked[0].endswith("Install them now?"), "the list is shown, and it is asked")
            session.check(setup.setUpButton.enabled and not session.workspace.busy("segment"), "Escape installs nothing")
    session.press(setup.removeButton)
    session.check("nothing that could be removed" in setup.said, "where nothing was installed nothing is removed")
    qt.QSettings().setValue(INTERPRETER, "")


def work(session: Session) -> tuple[Any, ...]:
    """A person's work on the case."""
    case = session.case
    return case.case.node, case.edits.voxels, [entry.state for entry in case.review.entries()]


if __name__ == "__main__":
    run(steps)
