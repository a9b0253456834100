"""Undo of what the program writes, on trame-slicer's stack beside a person's strokes.

trame-slicer keeps a copy of the whole segmentation before and after each stroke, and puts it back whole: segments go and come.
Two things must not go with them: whether and how each segment is shown, and the helper segment that holds the editor inside a
region, which is no part of a person's work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import slicer
from undo_stack import UndoCommand, UndoStack

UNDO_STEPS = 10


class StateCommand(UndoCommand):
    """Everything that happens to a segmentation from now until the next command: voxels, segments and the notes on them.

    Args:
        segmentation_node: as it is before the change.
    """

    def __init__(self, segmentation_node: Any) -> None:
        super().__init__()
        self._node = segmentation_node
        self._before = _copy(segmentation_node.GetSegmentation())
        self._after: Any = None

    def undo(self) -> None:
        """Put back what was before; what is there now is kept for `redo`."""
        self._after = _copy(self._node.GetSegmentation())
        _put(self._node, self._before)

    def redo(self) -> None:
        """Put back what was there before `undo`."""
        if self._after is not None:
            _put(self._node, self._after)


class CaseUndoStack(UndoStack):
    """trame-slicer's stack, with something around each step back or forth.

    Args:
        around: makes what is entered before a step and left after it.
        limit: most steps that are kept.
    """

    def __init__(self, around: Callable[[], AbstractContextManager[None]], limit: int = UNDO_STEPS) -> None:
        super().__init__(undo_limit=limit)
        self._around = around

    def undo(self) -> None:
        """One step back."""
        with self._around():
            super().undo()

    def redo(self) -> None:
        """One step forth."""
        with self._around():
            super().redo()


@contextmanager
def display_kept(segmentation_node: Any) -> Iterator[None]:
    """Inside, segments may go and come: afterwards those of the same ids are shown as before."""
    display = segmentation_node.GetDisplayNode()
    segmentation = segmentation_node.GetSegmentation()
    ids = [] if display is None else list(segmentation.GetSegmentIDs())
    shown = {i: [getattr(display, f"GetSegment{what}")(i) for what in _SHOWN] for i in ids}
    try:
        yield
    finally:
        modifying = None if display is None else display.StartModify()
        for identity in segmentation.GetSegmentIDs():
            for what, value in zip(_SHOWN, shown.get(identity, ()), strict=False):
                if getattr(display, f"GetSegment{what}")(identity) != value:
                    getattr(display, f"SetSegment{what}")(identity, value)
        if display is not None:
            display.EndModify(modifying)


_SHOWN = (
    "Visibility",
    "Visibility3D",
    "Visibility2DFill",
    "Visibility2DOutline",
    "Opacity3D",
    "Opacity2DFill",
    "Opacity2DOutline",
)


def _copy(segmentation: Any) -> Any:
    copy = slicer.vtkSegmentation()
    copy.DeepCopy(segmentation)
    return copy


def _put(segmentation_node: Any, state: Any) -> None:
    segmentation = segmentation_node.GetSegmentation()
    segmentation.DeepCopy(state)
    segmentation.Modified()
    segmentation_node.Modified()
