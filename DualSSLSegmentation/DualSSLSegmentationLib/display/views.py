"""What the application shows, as far as the MRML layer has to know it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Views:
    """Asked for anew at each use, for views come and go with the layout.

    Attributes:
        sliceNodes: the vtkMRMLSliceNodes that are shown.
        compositeNodes: their vtkMRMLSliceCompositeNodes.
        segmentEditorNode: the vtkMRMLSegmentEditorNode of the segment editor, or None before there is one.
        saveStateForUndo: keeps a segmentation as it is, so that the segment editor's undo leads back to it.
    """

    sliceNodes: Callable[[], Iterable[Any]]
    compositeNodes: Callable[[], Iterable[Any]]
    segmentEditorNode: Callable[[], Any | None]
    saveStateForUndo: Callable[[Any], None]
