"""Review and correct with mouse and keyboard: strokes are counted, undone and held inside; keys keep to the module."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import slicer
from slicerSession import Session, run, say

OUTSIDE = (0.1, 0.1), (0.2, 0.15)
MIDDLE = (0.45, 0.45), (0.55, 0.55)


def steps(session: Session) -> None:
    """What is done and looked at."""
    session.segment()
    painting(session)
    insideARegion(session)
    shortcuts(session)


def painting(session: Session) -> None:
    """Paint, erase, undo and redo."""
    say("Painting")
    case, editor = session.case, session.editor
    undo, redo = (slicer.util.findChild(editor, name) for name in ("UndoButton", "RedoButton"))
    session.check(case.edits.voxels == 0, "nothing is a person's at first")
    useBrush(session, "Paint")
    session.stroke("Red", *OUTSIDE)
    painted = case.edits.voxels
    session.check(painted > 0, f"a stroke is counted ({painted} voxels)")
    session.check(f"{painted:,} voxels changed" in session.panels.correct.summary.text, "the panel says so")
    session.press(undo)
    session.check(case.edits.voxels == 0, "undo takes it back")
    session.press(redo)
    session.check(case.edits.voxels == painted, "redo brings it again")
    useBrush(session, "Erase")
    session.stroke("Red", *MIDDLE)
    session.check(case.edits.voxels > painted, "what is erased is counted, too")
    session.press(undo)
    if session.keys("ctrl+z"):
        session.check(case.edits.voxels == 0, "Ctrl+Z takes the other stroke back")
        session.keys("y")
        session.check(case.edits.voxels == painted, "Y brings it again")
    editor.setActiveEffect(None)


def insideARegion(session: Session) -> None:
    """Edit only inside this region."""
    say("Inside a region")
    from DualSSLSegmentationLib.review.regionMask import regionVoxels

    case = session.case
    session.press(session.panels.review.nextButton)
    session.press(session.panels.review.onlyInside)
    session.check(case.onlyInsideRegion, "the editor is held inside the region")
    outside = ~regionVoxels(case.case, case.current.id)
    for effect in ("Paint", "Erase"):
        useBrush(session, effect)
        before = case.tracker.editMask().copy()
        for view in ("Red", "Green"):
            session.stroke(view, (0.2, 0.4), (0.8, 0.6))
        after = case.tracker.editMask()
        session.check((after[~outside] != before[~outside]).any(), f"{effect} changes voxels inside")
        session.check((after[outside] == before[outside]).all(), f"{effect} changes none outside")
    session.editor.setActiveEffect(None)
    session.press(session.panels.review.onlyInside)
    names = [case.case.node.GetSegmentation().GetNthSegmentID(n) for n in range(session.panels.review.table.rowCount)]
    session.check(not any(name and "RegionMask" in name for name in names), "its helper segment is gone afterwards")


def shortcuts(session: Session) -> None:
    """The keys of the review, and those of the segment editor."""
    say("Shortcuts")
    case = session.case
    first, second = (entry.region.id for entry in case.review.entries()[:2])
    case.goTo(first)
    if not session.keys("shift+n"):
        return
    session.check(case.current.id == second, "Shift+N goes on")
    session.keys("shift+p")
    session.check(case.current.id == first, "Shift+P goes back")
    session.keys("shift+a")
    session.check(case.review.entry(first).state == "accepted", "Shift+A accepts")
    session.keys("shift+f")
    session.check(case.review.entry(second).state == "flagged", "Shift+F flags")
    session.keys("2")
    session.check(session.editor.activeEffect() is not None, "2 is the segment editor's")
    session.keys("Escape")
    session.check(session.editor.activeEffect() is None, "so is Escape")
    before = states(session)
    session.panels.handover.section.collapsed = False
    session.panels.handover.reviewerLine.setFocus()
    session.keys("shift+n", "shift+a", "1", "z")
    session.check(session.panels.handover.reviewerLine.text == "NA1z", "in a line of text they are letters")
    session.check(states(session) == before, "and do nothing else")
    slicer.util.selectModule("Data")
    session.keys("shift+n", "shift+p", "shift+a", "shift+f")
    session.check(states(session) == before, "in another module they do nothing")
    slicer.util.selectModule("DualSSLSegmentation")
    session.turn()


def states(session: Session) -> list[object]:
    """The region in front, and what was decided."""
    case = session.case
    return [case.current and case.current.id, *(entry.state for entry in case.review.entries())]


def useBrush(session: Session, effect: str) -> None:
    """Take a brush that covers several voxels."""
    session.editor.setActiveEffectByName(effect)
    brush = session.editor.activeEffect()
    brush.setCommonParameter("BrushDiameterIsRelative", 0)
    brush.setCommonParameter("BrushAbsoluteDiameter", 8.0)
    session.turn()


if __name__ == "__main__":
    run(steps)
