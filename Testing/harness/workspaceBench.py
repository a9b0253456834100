"""A workspace on the scene with a real worker, a person at the segment editor, and a record of what a front end is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from DualSSLSegmentationLib.display.views import Views
from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
from DualSSLSegmentationLib.scene.segmentation import segmentIdOf
from DualSSLSegmentationLib.workspace import Places, Workspace
from segmentEditor import SegmentEditor
from workerTransport import Engine


def nodesIn(scene: Any) -> set[tuple[str, str]]:
    """Class and id of everything that a scene holds, to compare before with after."""
    nodes = (scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes()))
    return {(node.GetClassName(), node.GetID()) for node in nodes}


class Bench:
    """What a front end is to a workspace.

    Args:
        scene: of the application.
        engine: with its loop; may be shared by several benches, one after the other.
        places: where models, registry and library are.

    Attributes:
        states: what was told of jobs, as (kind, JobState or None).
        messages: what a person would read, as (kind, text).
        sessions: cases that were opened, and None where one was put away.
    """

    def __init__(self, scene: Any, engine: Engine, places: Places) -> None:
        self.scene = scene
        self.engine = engine
        self.loop = engine.loop
        self.states: list[tuple[str, Any]] = []
        self.messages: list[tuple[str, str]] = []
        self.sessions: list[Any] = []
        self.saved: list[dict[str, Any]] = []
        self.tuned: list[dict[str, Any]] = []
        self.curves: Any = None
        self._editors: dict[Any, SegmentEditor] = {}
        views = Views(lambda: (), lambda: (), lambda: None, lambda node: self.editorOf(node).saveState())
        self.workspace = Workspace(scene, engine.client, self.loop.schedule, views, places)
        self.workspace.onJob.add(lambda kind, state: self.states.append((kind, state)))
        self.workspace.onMessage.add(lambda kind, text, _detail: self.messages.append((kind, text)))
        self.workspace.onCase.add(self.sessions.append)
        self.workspace.onSaved.add(self.saved.append)
        self.workspace.onFineTuned.add(self.tuned.append)
        self.workspace.onCurves.add(self._curves)

    @property
    def session(self) -> Any:
        """The case in hand."""
        return self.workspace.session

    @property
    def exchangeFolder(self) -> Path | None:
        """Where files are handed to the worker and back, or None while there is no such place."""
        return self.workspace._exchange.path

    @property
    def exchange(self) -> list[Path]:
        """Files and folders that are on their way between application and worker."""
        return [] if self.exchangeFolder is None else sorted(self.exchangeFolder.rglob("*"))

    def editorOf(self, segmentationNode: Any) -> SegmentEditor:
        """The person's segment editor on a case; one for each, so that its undo history stays."""
        if segmentationNode not in self._editors:
            case = SegmentedCase(segmentationNode)
            editor = SegmentEditor(segmentationNode, case.image)
            editor.select(segmentIdOf(segmentationNode, 1))
            self._editors[segmentationNode] = editor
        return self._editors[segmentationNode]

    def finish(self, kind: str = "segment") -> None:
        """Turn until the job of a kind has ended."""
        self.loop.runUntil(lambda: not self.workspace.busy(kind))

    def untilText(self, text: str, kind: str = "segment") -> None:
        """Turn until a job tells that it is at something."""
        self.loop.runUntil(lambda: any(k == kind and s is not None and s.text.startswith(text) for k, s in self.states))

    def texts(self, kind: str = "segment") -> list[str]:
        """What was told of a kind of job, without repetitions."""
        return list(dict.fromkeys(state.text for k, state in self.states if k == kind and state is not None))

    def settle(self) -> None:
        """Turn until nothing is left that was put off."""
        for _ in range(3):
            self.loop.turn()

    def newScene(self) -> None:
        """What the application does when the scene is closed; records begin anew."""
        self.workspace.sceneClosing()
        self._editors.clear()
        for record in (self.states, self.messages, self.sessions, self.saved, self.tuned):
            record.clear()

    def close(self) -> None:
        """Close the workspace, and with it the worker."""
        self.workspace.close()
        self.engine.close()

    def _curves(self, curves: Any) -> None:
        self.curves = curves
