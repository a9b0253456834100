"""Fine-tuning as a person meets it: start, stop, go on, compare, decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from DualSSLSegmentationLib.callbacks import Callbacks
from DualSSLSegmentationLib.jobs.fineTuning import FineTuneWish, comparisonOf
from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from DualSSLSegmentationLib.jobs.fineTuning import Comparison
    from DualSSLSegmentationLib.jobs.jobState import JobState
    from DualSSLSegmentationLib.workspace import Workspace

DEFAULT_ITERATIONS = 200
ITERATION_RANGE = (1, 10_000)


@dataclass(frozen=True)
class FineTuneView:
    """Of all controls.

    Attributes:
        running: whether a training goes on.
        button: text of the one button that starts and stops.
        press, resume, activate, discard: of these buttons.
        reason: what there is to say of the new model.
        comparison: old against new, or None.
    """

    running: bool
    button: str
    press: Offer
    resume: Offer
    activate: Offer
    discard: Offer
    reason: str
    comparison: Comparison | None


class FineTuneDesk:
    """Remembers what runs, what was stopped, and which new model waits for a decision.

    Args:
        workspace: what it drives.

    Attributes:
        onChange: told nothing; `view` is another then.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._running: FineTuneWish | None = None
        self._unfinished: FineTuneWish | None = None
        self._version: str | None = None
        self._comparison: Comparison | None = None
        self._reason = ""
        self.onChange = Callbacks()
        self._stops = [
            workspace.onJob.add(self._job),
            workspace.onFineTuned.add(self._fineTuned),
            workspace.onModels.add(self.onChange),
            workspace.onSaved.add(lambda _answer: self.onChange()),
        ]

    def close(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self.onChange.clear()

    @property
    def version(self) -> str | None:
        """The new model that waits for a decision."""
        return self._version

    def view(self, library: Path, model: Path | None) -> FineTuneView:
        """As things are.

        Args:
            library: folder of the case library.
            model: folder of the chosen model, or None.
        """
        running = self._workspace.busy("finetune")
        why = "" if library.is_dir() else _("Save a corrected case first")
        if model is None:
            why = _("Choose a model in Segment first")
        press = Offer(_("Go on training the chosen model from the corrected cases of the library"), why)
        stopped = "" if self._unfinished is not None and not running else _("There is no cancelled training to go on with")
        none = _("There is no new model to decide about") if self._version is None else ""
        if self._workspace.busy("models"):
            none = _("Wait until the models have been changed")
        proved = self._comparison is not None and self._comparison.decision == "better"
        unproved = "" if proved else _("Only a model that has proved better can be activated")
        return FineTuneView(
            running,
            _("Cancel") if running else _("Fine-tune"),
            Offer(_("Stop; training can be resumed")) if running else press,
            Offer(_("Go on with the training that was cancelled"), stopped),
            Offer(_("Use the new model from now on"), none or unproved),
            Offer(_("Put the new model away"), none),
            self._reason,
            self._comparison,
        )

    def start(self, model: Path, library: Path, device: str, iterations: int, prove: bool) -> None:
        """Start a new training.

        Raises:
            DualSSLError: one goes on.
        """
        places = self._workspace.places
        output = places.runs / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        self._begin(
            FineTuneWish(
                model=model,
                library=library,
                registry=places.registry,
                output=output,
                device=device,
                iterations=iterations,
                prove=prove,
            )
        )

    def resume(self) -> None:
        """Go on with the training that was cancelled; nothing happens without one.

        Raises:
            DualSSLError: another goes on.
        """
        if self._unfinished is not None:
            self._begin(replace(self._unfinished, resume=True))

    def cancel(self) -> None:
        """Stop; it can be resumed."""
        self._workspace.cancel("finetune")

    def activate(self, onDone: Callable[[], None] | None = None) -> bool:
        """Start to use the new model from now on; False without one. What keeps it from that is said by a message.

        Args:
            onDone: called when it is in use.

        Raises:
            DualSSLError: the models are being changed already.
        """
        return self._decide(self._workspace.activate, _("The new model is in use now."), onDone)

    def discard(self) -> bool:
        """Start to put the new model away; False without one. What keeps it from that is said by a message.

        Raises:
            DualSSLError: the models are being changed already.
        """
        return self._decide(self._workspace.discard, _("The new model was put away."))

    def _begin(self, wish: FineTuneWish) -> None:
        self._offer(None, None, "")
        self._workspace.fineTune(wish)
        self._running, self._unfinished = wish, None
        self.onChange()

    def _job(self, kind: str, state: JobState | None) -> None:
        if kind == "models":
            self.onChange()
        if kind != "finetune":
            return
        if state is None:
            # What came to its end is forgotten in `_fineTuned`.
            running, self._running = self._running, None
            self._unfinished = running if running is not None and running.output.is_dir() else None
        self.onChange()

    def _fineTuned(self, answer: Mapping[str, Any]) -> None:
        self._unfinished = None
        version, verdict = answer.get("version"), answer.get("verdict")
        comparison = None if verdict is None else comparisonOf(verdict)
        if comparison is None:
            reason = " ".join([_("The new model was not compared with the present one."), *answer.get("notes", ())])
        else:
            reason = comparison.reason
        self._offer(None if version is None else str(version["id"]), comparison, reason)

    def _offer(self, version: str | None, comparison: Comparison | None, reason: str) -> None:
        self._version, self._comparison, self._reason = version, comparison, reason
        self.onChange()

    def _decide(self, what: Callable[..., None], said: str, onDone: Callable[[], None] | None = None) -> bool:
        if self._version is None:
            return False

        def done() -> None:
            self._offer(None, None, said)
            if onDone is not None:
                onDone()

        what(self._version, onDone=done)
        return True
