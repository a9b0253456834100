"""What a person works with: the engine, the models, the case in hand, and what goes on.

No Qt and no trame: front ends show it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualssl.errors import DualSSLError
from DualSSLSegmentationLib.callbacks import Callbacks
from DualSSLSegmentationLib.jobs.deviceList import DeviceList
from DualSSLSegmentationLib.jobs.engineJob import EngineJob
from DualSSLSegmentationLib.jobs.exchangeFolder import ExchangeFolder
from DualSSLSegmentationLib.jobs.fineTuning import FineTuneWish, fineTune
from DualSSLSegmentationLib.jobs.handover import Handover, collectSteps
from DualSSLSegmentationLib.jobs.jobBoard import JobBoard, JobKind
from DualSSLSegmentationLib.jobs.modelCatalogue import ModelCatalogue
from DualSSLSegmentationLib.jobs.segmenting import SegmentRequest, segment
from DualSSLSegmentationLib.rendering import paused
from DualSSLSegmentationLib.review.adoption import OtherPredictionError, adoptSteps, removeAll
from DualSSLSegmentationLib.review.caseSession import CaseSession
from DualSSLSegmentationLib.review.protection import MergeChoice
from DualSSLSegmentationLib.scene.caseNodes import CaseError, SegmentedCase
from DualSSLSegmentationLib.scene.caseWatch import CaseWatch, casesIn

if TYPE_CHECKING:
    from dualssl.worker.client import WorkerClient
    from DualSSLSegmentationLib.display.views import Views
    from DualSSLSegmentationLib.jobs.jobState import Ended, JobState
    from DualSSLSegmentationLib.steps import Schedule, Steps


@dataclass(frozen=True)
class Places:
    """Where things are kept.

    Attributes:
        shipped: models that came with the extension.
        home: the person's own folder: registry of models, runs of fine-tuning and, unless they name another, the case library.
        cases: the case library that they named; None is the one in `home`.
        named: model folders that they named.
    """

    shipped: Path
    home: Path
    cases: Path | None = None
    named: tuple[Path, ...] = ()

    @property
    def registry(self) -> Path:
        """Registry of model versions."""
        return self.home / "models"

    @property
    def library(self) -> Path:
        """Case library."""
        return self.cases or self.home / "cases"

    @property
    def runs(self) -> Path:
        """Runs of fine-tuning."""
        return self.home / "runs"


@dataclass(frozen=True)
class _Taken:
    """What became of a new segmentation.

    Attributes:
        result: the session of the case that it was merged into, or the new case where it stays one of its own.
        kind, why: what a person should read of it: `info` or `error`, and the text, which may be empty.
    """

    result: CaseSession | SegmentedCase
    kind: str = "info"
    why: str = ""


class Workspace:
    """One for a scene.

    Args:
        scene: vtkMRMLScene.
        client: of the worker.
        schedule: calls a function soon, from the event loop.
        views: what the application shows.
        places: where things are kept.

    Attributes:
        models: which models there are.
        devices: what the engine can compute on.
        onJob: told (kind, `JobState`), and (kind, None) when nothing of the kind goes on any more.
        onMessage: told (`info` or `error`, text, detail) that a person should read.
        onCase: told the `CaseSession` that was opened, or None.
        onCurves: told the `Curves` of a fine-tuning.
        onFineTuned: told the worker's answer to a fine-tuning that came to its end.
        onSaved: told the worker's answer to a case that was saved.
        onPredicted: told the worker's answer when it has predicted a library.
        onModels: told that models came, went or changed their standing.
    """

    def __init__(self, scene: Any, client: WorkerClient, schedule: Schedule, views: Views, places: Places) -> None:
        self.scene = scene
        self.client = client
        self.places = places
        self.models = ModelCatalogue(places.shipped, places.registry, places.named)
        self.devices = DeviceList()
        self._jobs = JobBoard()
        self.onJob = self._jobs.onJob
        self.onMessage = self._jobs.onMessage
        self.onCase = Callbacks()
        self.onCurves = Callbacks()
        self.onFineTuned = Callbacks()
        self.onSaved = Callbacks()
        self.onPredicted = Callbacks()
        self.onModels = Callbacks()
        self._schedule = schedule
        self.views = views
        self._session: CaseSession | None = None
        self._exchange = ExchangeFolder()
        self._watch = CaseWatch(scene, self._deleted)

    @property
    def schedule(self) -> Schedule:
        """Calls a function soon, from the application's event loop."""
        return self._schedule

    @property
    def session(self) -> CaseSession | None:
        """The case in hand."""
        return self._session

    def busy(self, kind: JobKind) -> bool:
        """Whether a job of a kind goes on."""
        return self._jobs.busy(kind)

    def casesOf(self, image: Any) -> tuple[SegmentedCase, ...]:
        """The segmented cases of a volume, the newest last."""
        return tuple(case for case in casesIn(self.scene) if case.image is image)

    @paused()
    def openCase(self, segmentationNode: Any) -> CaseSession | None:
        """Take a segmented case in hand; None puts away the one in hand. A case that is in hand already stays as it is.

        Raises:
            CaseError: the node is no segmented case, or parts of it are gone.
        """
        if self._session is not None and self._session.case.node is segmentationNode:
            return self._session
        if segmentationNode is None:
            self._putAway()
            return None
        if not SegmentedCase.isOne(segmentationNode):
            raise CaseError(
                f"'{segmentationNode.GetName()}' was not made by this module: segment a volume here, or choose another "
                "segmentation."
            )
        case = SegmentedCase(segmentationNode)
        missing = case.missing()
        if missing:
            are = "is" if len(missing) == 1 else "are"
            raise CaseError(
                f"'{segmentationNode.GetName()}' cannot be reviewed, for {_listed(missing)} {are} gone from the scene: load "
                "the scene again, or segment the volume again."
            )
        self._putAway()
        self._session = CaseSession(case, self.views, self._schedule)
        self.onCase(self._session)
        return self._session

    def segment(self, request: SegmentRequest, merge: tuple[Any, MergeChoice] | None = None) -> None:
        """Start a segmentation.

        Args:
            request: what is asked.
            merge: segmentation node of a case of the same volume that the result shall be merged into, and how; None makes a
                new one. If that node is gone by then, a new one is made.

        Raises:
            DualSSLError: a segmentation goes on, or there is no room for its files.
        """
        self._jobs.refuseSecond("segment")
        folder = self._exchange.forJob()
        self._jobs.start(
            "segment",
            lambda state, end: segment(
                self.client, request, folder, self._schedule, state, end, lambda fresh: self._merging(fresh, merge)
            ),
            self._segmented,
        )

    def save(self, handover: Handover) -> None:
        """Start to save the case in hand to a library.

        Raises:
            DualSSLError: no case is in hand, one is being saved, or there is no room for its files.
        """
        self._jobs.refuseSecond("save")
        if self._session is None:
            raise CaseError("There is no case in hand to save: segment a volume first, or choose a segmentation.")
        folder = self._exchange.forJob()
        steps = collectSteps(self._session.case, handover, self._session.tracker, folder)

        def cleanUp() -> None:
            shutil.rmtree(folder, ignore_errors=True)

        self._jobs.start(
            "save",
            lambda state, end: EngineJob(self.client, self._schedule, "save_case", steps, None, state, end, cleanUp=cleanUp),
            self.onSaved,
        )

    def predictLibrary(self, library: Path, model: Path, device: str) -> None:
        """Start to predict the waiting cases of a library.

        Raises:
            DualSSLError: that goes on already.
        """
        params = {"library": str(library.absolute()), "model": str(model), "device": device}
        self._jobs.start("library", lambda state, end: self._asking("predict_library", params, state, end), self.onPredicted)

    def fineTune(self, wish: FineTuneWish) -> None:
        """Start a fine-tuning.

        Raises:
            DualSSLError: one goes on.
        """
        self._jobs.start(
            "finetune",
            lambda state, end: fineTune(self.client, wish, self._schedule, state, self.onCurves, end),
            self._fineTuned,
        )

    def selfCheck(self, params: dict[str, Any], onDone: Callable[[dict[str, Any]], None]) -> None:
        """Start a tiny case from end to end in the engine.

        Raises:
            DualSSLError: a check goes on.
        """
        self._jobs.start("check", lambda state, end: self._asking("self_check", params, state, end), onDone)

    def cancel(self, kind: JobKind) -> None:
        """Stop the job of a kind; nothing happens if there is none."""
        self._jobs.cancel(kind)

    def addModel(self, folder: Path, onDone: Callable[[str], None] | None = None) -> None:
        """Start to copy a model to the person's own models. What is wrong with it is said by a message.

        Args:
            folder: of the model; stays as it is.
            onDone: called with the model's name when it is there.

        Raises:
            DualSSLError: the models are being changed already.
        """

        def done(answer: dict[str, Any]) -> None:
            if onDone is not None:
                onDone(answer["version"]["name"])

        self._changeModels("add_model", {"model": str(folder.absolute())}, done)

    def activate(self, version: str, force: bool = False, onDone: Callable[[], None] | None = None) -> None:
        """Start to make a version the one in use. One that is not proved better and not forced is refused by a message.

        The engine does it, for it reads all of the model's files to see that they are intact.

        Args:
            version: its id.
            force: also one that is not proved better.
            onDone: called when it is in use.

        Raises:
            DualSSLError: the models are being changed already.
        """
        self._changeModels("activate", {"version": version, "force": force}, _ignoring(onDone))

    def discard(self, version: str, onDone: Callable[[], None] | None = None) -> None:
        """Start to remove a version; its files go to the registry's trash. The one in use is refused by a message.

        Args:
            version: its id.
            onDone: called when it is gone.

        Raises:
            DualSSLError: the models are being changed already.
        """
        self._changeModels("discard", {"version": version}, _ignoring(onDone))

    def rollBack(self, onDone: Callable[[], None] | None = None) -> None:
        """Start to use the version again that was in use before. Where there was none, a message says so.

        Args:
            onDone: called when it is in use.

        Raises:
            DualSSLError: the models are being changed already.
        """
        self._changeModels("rollback", {}, _ignoring(onDone))

    def setClient(self, client: WorkerClient) -> None:
        """Use another engine from now on; the one before ends, and with it what it was doing."""
        self._jobs.abandon()
        self.client.close()
        self._exchange.remove()
        self.devices.forget()
        self.client = client

    def sceneClosing(self) -> None:
        """The scene is about to be emptied: what is bound to its nodes ends. A fine-tuning goes on, for it needs no scene."""
        self._jobs.abandon("segment", "save")
        self._putAway()

    def close(self) -> None:
        """End everything: no process, file or observer of it stays. A second call does nothing."""
        self._jobs.abandon()
        self._putAway()
        self._watch.stop()
        self.client.close()
        self._exchange.remove()

    def _asking(
        self, method: str, params: dict[str, Any], onState: Callable[[JobState], None], onEnd: Callable[[Ended], None]
    ) -> EngineJob:
        return EngineJob(self.client, self._schedule, method, _only(params), None, onState, onEnd)

    def _merging(self, fresh: SegmentedCase, merge: tuple[Any, MergeChoice] | None) -> Generator[str, None, _Taken]:
        """Merge a new case into one that is there, where that is wanted and can be."""
        if merge is None or not self.scene.IsNodePresent(merge[0]):
            return _Taken(fresh)
        try:
            session = self.openCase(merge[0])
            assert session is not None
            yield from adoptSteps(session, fresh, merge[1], self.views.saveStateForUndo)
        except OtherPredictionError as error:
            return _Taken(fresh, "info", f"The result is a segmentation of its own: {error}")
        except DualSSLError as error:
            return _Taken(fresh, "error", f"The result could not be merged and is a segmentation of its own: {error}")
        # In another turn of the event loop: removing nodes takes as long as merging them.
        self._schedule(lambda: removeAll(fresh))
        return _Taken(session)

    def _segmented(self, taken: _Taken) -> None:
        self.devices.askOnce(self.client)
        result = taken.result
        if isinstance(result, CaseSession):
            # In another turn of the event loop than what was written.
            self._schedule(lambda: self._tellAgain(result))
            return
        if taken.why:
            self.onMessage(taken.kind, taken.why, "")
        self.openCase(result.node)

    @paused()
    def _tellAgain(self, session: CaseSession) -> None:
        """Tell that the case in hand has other maps."""
        if self._session is session:
            self.onCase(session)

    def _changeModels(self, method: str, params: dict[str, Any], onDone: Callable[[dict[str, Any]], None]) -> None:
        def done(answer: dict[str, Any]) -> None:
            self.onModels()
            onDone(answer)

        named = {"registry": str(self.places.registry.absolute()), **params}
        self._jobs.start(
            "models",
            lambda state, end: self._asking(method, named, state, end),
            done,
        )

    def _fineTuned(self, answer: dict[str, Any]) -> None:
        self.onModels()
        self.onFineTuned(answer)

    def _deleted(self, segmentationNode: Any) -> None:
        if self._session is not None and self._session.case.node is segmentationNode:
            self._putAway()

    def _putAway(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
            self.onCase(None)


def _ignoring(function: Callable[[], None] | None) -> Callable[[dict[str, Any]], None]:
    def call(_answer: dict[str, Any]) -> None:
        if function is not None:
            function()

    return call


def _only(params: dict[str, Any]) -> Steps:
    yield "Preparing"
    return params


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
