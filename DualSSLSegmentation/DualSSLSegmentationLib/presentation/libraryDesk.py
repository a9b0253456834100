"""A case library as a person meets it: which cases it holds, which to look at next, and predicting those that wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from DualSSLSegmentationLib.callbacks import Callbacks
from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from dualssl.worker.client import WorkerError
    from DualSSLSegmentationLib.workspace import Workspace

LISTED = 200
"""So many ranked cases are asked for."""
_REST = ("in review", "waiting", "corrected", "excluded")


@dataclass(frozen=True)
class CaseRow:
    """A case as a line of a table; all are texts for a person.

    Attributes:
        name: of the case.
        state: where it stands.
        rank: its place in the worklist, or empty.
        why: what speaks for looking at it, or who corrected it.
    """

    name: str
    state: str
    rank: str
    why: str


@dataclass(frozen=True)
class StrategyChoice:
    """A way to rank: its name to the engine, and for a person."""

    value: str
    title: str


@dataclass(frozen=True)
class LibraryView:
    """Of all controls.

    Attributes:
        summary: one sentence.
        rows: what to look at first comes first.
        strategies: to choose from.
        refresh, open: of these controls.
        predict: of the one button that starts and stops.
        button: its text.
    """

    summary: str
    rows: tuple[CaseRow, ...]
    strategies: tuple[StrategyChoice, ...]
    refresh: Offer
    open: Offer
    predict: Offer
    button: str


def strategies() -> tuple[StrategyChoice, ...]:
    """The ways to rank that people choose from."""
    return (
        StrategyChoice("combined", _("Most uncertain in all respects")),
        StrategyChoice("entropy", _("Most ambiguous")),
        StrategyChoice("disagreement", _("Networks most in conflict")),
        StrategyChoice("random", _("By chance")),
    )


class LibraryDesk:
    """What was last heard of a library. Asking and predicting go on in the engine.

    Args:
        workspace: whose engine is asked.

    Attributes:
        onChange: told nothing; `view` is another then.
        onProblem: told a sentence about what went wrong.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folder: Path | None = None
        self._asked = 0
        self._library: Mapping[str, Any] | None = None
        self._worklist: Mapping[str, Any] = {}
        self.onChange = Callbacks()
        self.onProblem = Callbacks()

    def look(self, folder: Path, strategy: str) -> None:
        """Ask anew what a library holds; what is there is shown until the answer comes."""
        self._asked += 1
        if folder != self._folder:
            self._folder, self._library, self._worklist = folder, None, {}
        if not folder.is_dir():
            self._library, self._worklist = None, {}
            self.onChange()
            return
        number = self._asked
        ask = self._workspace.client.request
        ask("library", {"folder": str(folder)}, self._only(number, self._hold), self._failed(number))
        params = {"library": str(folder), "strategy": strategy, "count": LISTED}
        ask("worklist", params, self._only(number, self._rank), self._failed(number))

    def predict(self, model: Path, device: str) -> None:
        """Have the waiting cases predicted, or stop that where it goes on; what is done stays.

        Raises:
            DualSSLError: no library was looked at.
        """
        if self._workspace.busy("library"):
            self._workspace.cancel("library")
        elif self._folder is not None:
            self._workspace.predictLibrary(self._folder, model, device)

    def isCorrected(self, name: str) -> bool:
        """Whether a case has been corrected, as far as is known."""
        cases = () if self._library is None else self._library["cases"]
        return any(case["name"] == name and case.get("label_version") is not None for case in cases)

    def view(self, model: Path | None) -> LibraryView:
        """As things are, given the folder of the chosen model."""
        none = (
            "" if self._library is not None else _("There is no case library in this folder yet: save a corrected case first")
        )
        running = self._workspace.busy("library")
        waiting = 0 if self._library is None else int(self._library["counts"].get("waiting", 0))
        why = none or ("" if waiting else _("No case waits for a prediction"))
        if model is None:
            why = why or _("Choose a model in Segment first")
        does = _("Segment the waiting cases with the chosen model ({count}), so that they can be ranked").format(count=waiting)
        return LibraryView(
            f"{none}." if self._library is None else _summary(self._library),
            () if self._library is None else _rows(self._library, self._worklist),
            strategies(),
            Offer(_("Look at the library again")),
            Offer(_("Open this case; one that nobody has corrected is segmented at once"), none),
            Offer(_("Stop; what is done stays")) if running else Offer(does, why),
            _("Cancel") if running else _("Predict waiting cases"),
        )

    def _hold(self, answer: Mapping[str, Any]) -> None:
        self._library = answer

    def _rank(self, answer: Mapping[str, Any]) -> None:
        self._worklist = answer

    def _only(self, number: int, keep: Callable[[Mapping[str, Any]], None]) -> Callable[[Any], None]:
        """Keep an answer, unless something else has been asked since."""

        def answered(answer: Any) -> None:
            if number == self._asked:
                keep(answer)
                self.onChange()

        return answered

    def _failed(self, number: int) -> Callable[[WorkerError], None]:
        def failed(error: WorkerError) -> None:
            if number == self._asked:
                # One of the two is enough to tell.
                self._asked += 1
                self._library, self._worklist = None, {}
                self.onProblem(error.message)
                self.onChange()

        return failed


def imageOf(folder: Path, name: str) -> Path:
    """The file of a case's image (its first channel), verified; reads all of it, so not for an event loop.

    Raises:
        LibraryError: there is no such library or case, or the file is damaged.
    """
    from dualssl.cases import CaseLibrary
    from dualssl.cases.layout import image_file

    with CaseLibrary.open(folder) as library:
        return library.file_path(name, image_file(0))


def predictedText(answer: Mapping[str, Any]) -> str:
    """What is said once the engine has predicted a library."""
    text = _("{count} cases predicted.").format(count=len(answer["predicted"]))
    failed = answer["failed"]
    if not failed:
        return text
    more = _("{text} {count} could not be: {case}: {error}")
    return more.format(text=text, count=len(failed), case=failed[0]["case"], error=failed[0]["error"])


def _summary(library: Mapping[str, Any]) -> str:
    total = len(library["cases"])
    states = ", ".join(f"{count} {stateText(state)}" for state, count in library["counts"].items() if count)
    if not total:
        return _("The library is empty.")
    return (_("One case: {states}.") if total == 1 else _("{count} cases: {states}.")).format(count=total, states=states)


def stateText(state: str) -> str:
    """The state of a case in words."""
    words = {
        "waiting": _("waiting"),
        "predicted": _("predicted"),
        "in review": _("in review"),
        "corrected": _("corrected"),
        "excluded": _("excluded"),
    }
    return words.get(state, state)


def _rows(library: Mapping[str, Any], worklist: Mapping[str, Any]) -> tuple[CaseRow, ...]:
    cases = {case["name"]: case for case in library["cases"]}
    ranked = [entry for entry in worklist.get("cases", ()) if entry["name"] in cases]
    rows = [CaseRow(e["name"], stateText(cases[e["name"]]["state"]), str(e["position"]), str(e["why"])) for e in ranked]
    listed = {row.name for row in rows}
    others = sorted(
        (case for name, case in cases.items() if name not in listed),
        key=lambda case: (_REST.index(case["state"]) if case["state"] in _REST else -1, case["name"]),
    )
    return (*rows, *(CaseRow(case["name"], stateText(case["state"]), "", _whoCorrected(case)) for case in others))


def _whoCorrected(case: Mapping[str, Any]) -> str:
    if case.get("label_version") is None:
        return ""
    text = _("version {number} by {reviewer}")
    return text.format(number=case["label_version"], reviewer=case.get("reviewer") or _("somebody"))
