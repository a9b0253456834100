"""The developers' reload with a case open and with a job running: files are read again, nothing of before is left."""

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
    session.press(session.panels.review.nextButton)
    reload(session)  # of the first time the application's own widgets keep more than of the others
    before, layers, kind = observers(session), session.layers(), type(session.panels)
    say("With a case open")
    for _again in range(2):
        reload(session)
    session.check(type(session.panels) is not kind, "the files of the library were read again")
    session.check(observers(session) == before, f"nothing of before listens any more ({before} and {observers(session)})")
    session.check(session.layers() == layers, "the overlays are there")
    session.check(session.editor.segmentationNode() is session.case.case.node, "the case can be corrected")
    session.press(session.panels.review.nextButton)
    session.check(session.case.current is not None, "the regions can be reviewed")
    say("With a job running")
    session.press(session.panels.segment.button)
    session.until(lambda: session.workspace.client.pid is not None, "the engine is there")
    worker = session.workspace.client.pid
    reload(session)
    session.until(lambda: not alive(worker), "the engine of before has ended", 10.0)
    session.check(not session.workspace.busy("segment"), "nothing goes on")
    session.segment()
    session.check(session.case is not None, "a segmentation works afterwards")


def reload(session: Session) -> None:
    """What the button does."""
    session.widget.onReload()
    # What is deleted by and by is gone once an event loop has turned.
    slicer.app.sendPostedEvents(None, 52)
    session.turn(1.0)


def observers(session: Session) -> list[int]:
    """How many observers the scene and the nodes of the case have."""
    case = session.case.case
    return [count(each) for each in (slicer.mrmlScene, case.node, case.node.GetSegmentation(), case.image, case.entropy)]


def count(observed: Any) -> int:
    """The observers of a VTK object."""
    return sum(observed.GetCommand(tag) is not None for tag in range(1, 100_000))


def alive(process: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").split()[2] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    run(steps)
