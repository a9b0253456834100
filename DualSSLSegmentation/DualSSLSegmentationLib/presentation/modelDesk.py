"""The versions of the person's models: which is in use, what the gate found of each, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dualssl.registry.versions import is_registry
from DualSSLSegmentationLib.callbacks import Callbacks
from DualSSLSegmentationLib.jobs.fineTuning import comparisonOf
from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.texts import tr as _

if TYPE_CHECKING:
    from dualssl.worker.client import WorkerError
    from DualSSLSegmentationLib.jobs.fineTuning import Comparison
    from DualSSLSegmentationLib.workspace import Workspace


@dataclass(frozen=True)
class VersionRow:
    """A version as a line of a table; all but `id` and `active` are texts for a person.

    Attributes:
        id: of the version.
        active: whether it is in use.
        number, name, state, cases, created: the cells; on how many corrected cases it was trained, and the day (UTC).
    """

    id: str
    active: bool
    number: str
    name: str
    state: str
    cases: str
    created: str


@dataclass(frozen=True)
class ModelsView:
    """Of all controls.

    Attributes:
        summary: one sentence.
        rows: the newest first.
        chosen: id of the version that is looked at, or None.
        reason: what the gate said of it.
        comparison: it against the version it comes from, or None.
        activate, discard, rollBack: of these buttons.
    """

    summary: str
    rows: tuple[VersionRow, ...]
    chosen: str | None
    reason: str
    comparison: Comparison | None
    activate: Offer
    discard: Offer
    rollBack: Offer


class ModelDesk:
    """What was last heard of the registry. What changes it goes on in the engine, which verifies every file.

    Args:
        workspace: whose registry it is.

    Attributes:
        onChange: told nothing; `view` is another then.
        onSaid: told (`info` or `error`, a sentence).
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._versions: tuple[Mapping[str, Any], ...] = ()
        self._before: str | None = None
        self._asked = 0
        self.onChange = Callbacks()
        self.onSaid = Callbacks()
        self._stop = workspace.onModels.add(self.look)

    def close(self) -> None:
        """Listen no more."""
        self._stop()
        self.onChange.clear()
        self.onSaid.clear()

    def look(self) -> None:
        """Ask anew which versions there are."""
        self._asked += 1
        number, folder = self._asked, self._workspace.places.registry

        def answered(answer: Mapping[str, Any]) -> None:
            if number == self._asked:
                self._versions, self._before = tuple(answer["versions"]), answer["before"]
                self.onChange()

        if is_registry(folder):
            self._workspace.client.request("registry", {"folder": str(folder)}, answered, self._failed)
        else:
            self._versions, self._before = (), None
            self.onChange()

    def view(self, chosen: str | None) -> ModelsView:
        """As things are, given the version that a person looks at; without one it is the newest."""
        rows = tuple(_row(version) for version in reversed(self._versions))
        version = next(
            (each for each in self._versions if each["id"] == chosen), self._versions[-1] if self._versions else None
        )
        busy = _("Wait until the models have been changed") if self._workspace.busy("models") else ""
        verdict = None if version is None else version["verdict"]
        comparison = None if verdict is None else comparisonOf(verdict)
        active = next((each for each in self._versions if each["active"]), None)
        return ModelsView(
            _summary(self._versions, active),
            rows,
            None if version is None else version["id"],
            "" if version is None else _reason(version, comparison),
            comparison,
            Offer(_("Use this model from now on"), busy or _whyNotActivate(version, active)),
            Offer(_("Put this model away, into the trash of your models"), busy or _whyNotDiscard(version, self._versions)),
            Offer(
                _("Use the model again that was in use before the present one"),
                busy or ("" if self._before is not None else _("No other model was in use before")),
            ),
        )

    def activate(self, version: str) -> None:
        """Start to make a version the one in use.

        Raises:
            DualSSLError: the models are being changed already.
        """
        self._workspace.activate(version, onDone=self._saying(_("This model is in use now.")))

    def discard(self, version: str) -> None:
        """Start to put a version away.

        Raises:
            DualSSLError: the models are being changed already.
        """
        self._workspace.discard(version, onDone=self._saying(_("The model was put away.")))

    def rollBack(self) -> None:
        """Start to use the version again that was in use before.

        Raises:
            DualSSLError: the models are being changed already.
        """
        self._workspace.rollBack(onDone=self._saying(_("The model before is in use again.")))

    def _saying(self, text: str) -> Callable[[], None]:
        return lambda: self.onSaid("info", text)

    def _failed(self, error: WorkerError) -> None:
        self.onSaid("error", error.message)


def _row(version: Mapping[str, Any]) -> VersionRow:
    return VersionRow(
        version["id"],
        bool(version["active"]),
        str(version["number"]),
        version["name"],
        _stateText(version),
        str(len(version["cases"])),
        str(version["created"])[:10],
    )


def _stateText(version: Mapping[str, Any]) -> str:
    words = {
        "active": _("in use"),
        "proposed": _("proved better"),
        "kept": _("kept"),
        "marked worse": _("worse"),
    }
    return words.get(version["state"], str(version["state"]))


def _summary(versions: tuple[Mapping[str, Any], ...], active: Mapping[str, Any] | None) -> str:
    if not versions:
        return _("No model has been fine-tuned yet: the model that came with the program is in use.")
    count = _("One version") if len(versions) == 1 else _("{count} versions").format(count=len(versions))
    if active is None:
        return _("{versions}; none is in use.").format(versions=count)
    return _("{versions}; in use is number {number}.").format(versions=count, number=active["number"])


def _reason(version: Mapping[str, Any], comparison: Comparison | None) -> str:
    if comparison is not None:
        return comparison.reason
    if version["parent"] is None:
        return _("This is the model that fine-tuning began with.")
    return _("This model was not compared with the one it comes from.")


def _whyNotActivate(version: Mapping[str, Any] | None, active: Mapping[str, Any] | None) -> str:
    if version is None:
        return _("There is no version yet")
    if version["active"]:
        return _("This model is in use")
    first = version["parent"] is None and active is None
    proved = version["verdict"] is not None and version["verdict"]["decision"] == "better"
    return (
        "" if first or proved else _("Only a model that has proved better can be activated; Roll back leads to the one before")
    )


def _whyNotDiscard(version: Mapping[str, Any] | None, versions: tuple[Mapping[str, Any], ...]) -> str:
    if version is None:
        return _("There is no version yet")
    if version["active"]:
        return _("This model is in use")
    return _("Another version comes from this one") if any(each["parent"] == version["id"] for each in versions) else ""
