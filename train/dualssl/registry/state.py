"""What `registry.json` says: the versions, which is active, and what was done. Pure data; nothing here touches the disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from dualssl.errors import RegistryError
from dualssl.plain_data import text, whole_number

FORMAT_VERSION = 1

VersionState = Literal["active", "proposed", "kept", "marked worse"]
Deed = Literal["added", "activated", "activated by force", "rolled back", "removed"]

# Ids are names of folders on every system, so that a registry can be copied between them.
_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STATES: dict[str, VersionState] = {"better": "proposed", "not proved": "kept", "worse": "marked worse"}


@dataclass(frozen=True)
class VersionRecord:
    """One version of a model.

    Attributes:
        id: of the version in this registry, and name of its folder: the model's id, with a number behind it if that is taken.
        number: 1, 2, ... in the order of adding; never given twice.
        model_id: id in the model's manifest.
        name: the model's, for people.
        parent: id of the version this one was compared with and fine-tuned from, or None.
        created: when it was added, ISO 8601, UTC.
        cases: what it was trained on: name of each case to the version number of its label map, None where not known.
        verdict: what the gate said, as `Verdict.to_json` gives it, or None where nothing was compared.
        manifest_sha256: of the model's manifest.
        checksums_sha256: of the model's list of checksums, which fixes every file.
        active: whether it is the one in use.
    """

    id: str
    number: int
    model_id: str
    name: str
    parent: str | None
    created: str
    cases: Mapping[str, int | None]
    verdict: Mapping[str, Any] | None
    manifest_sha256: str
    checksums_sha256: str
    active: bool = False

    @property
    def standing(self) -> VersionState:
        """What the gate made of it, active or not: `proposed`, `marked worse` or, unproved or not compared, `kept`."""
        return "kept" if self.verdict is None else _STATES[self.verdict["decision"]]

    @property
    def state(self) -> VersionState:
        """`active`, or else its standing."""
        return "active" if self.active else self.standing

    def to_json(self) -> dict[str, Any]:
        """Plain data; which version is active stands in the registry's history."""
        return {
            "id": self.id,
            "number": self.number,
            "model_id": self.model_id,
            "name": self.name,
            "parent": self.parent,
            "created": self.created,
            "cases": dict(self.cases),
            "verdict": None if self.verdict is None else dict(self.verdict),
            "manifest_sha256": self.manifest_sha256,
            "checksums_sha256": self.checksums_sha256,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> VersionRecord:
        """Inverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: a field is missing or of the wrong kind.
        """
        parent, verdict, cases = data["parent"], data["verdict"], data["cases"]
        record = cls(
            id=text(data["id"]),
            number=whole_number(data["number"]),
            model_id=text(data["model_id"]),
            name=text(data["name"]),
            parent=None if parent is None else text(parent),
            created=text(data["created"]),
            cases={text(name): None if n is None else whole_number(n) for name, n in cases.items()},
            verdict=verdict,
            manifest_sha256=text(data["manifest_sha256"]),
            checksums_sha256=text(data["checksums_sha256"]),
        )
        if not is_version_id(record.id):
            raise ValueError(f"{record.id!r} cannot be an id")
        if verdict is not None and verdict["decision"] not in _STATES:
            raise ValueError(f"unknown decision {verdict['decision']!r}")
        if not all(_SHA256.fullmatch(digest) for digest in (record.manifest_sha256, record.checksums_sha256)):
            raise ValueError(f"version {record.id} has no SHA-256")
        return record


@dataclass(frozen=True)
class Event:
    """What was done to a version: when (ISO 8601, UTC), what, and its id."""

    at: str
    what: Deed
    id: str


@dataclass(frozen=True)
class RegistryState:
    """Everything in `registry.json`.

    Attributes:
        versions: in the order of adding.
        history: ids in the order of activation, of which rolling back takes away the last; the last one is active.
        events: everything that was done, the oldest first; only ever added to.
        next_number: of the next version.
    """

    versions: tuple[VersionRecord, ...] = ()
    history: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    next_number: int = 1

    @property
    def active_id(self) -> str | None:
        """The version in use, if any."""
        return self.history[-1] if self.history else None

    def records(self) -> tuple[VersionRecord, ...]:
        """All versions, in the order of adding, the active one marked."""
        return tuple(replace(version, active=version.id == self.active_id) for version in self.versions)

    def with_version(self, record: VersionRecord) -> RegistryState:
        """With one more version, whose number must be `next_number`."""
        events = (*self.events, Event(record.created, "added", record.id))
        return replace(self, versions=(*self.versions, record), events=events, next_number=record.number + 1)

    def with_active(self, version: str, at: str, forced: bool) -> RegistryState:
        """With another version active."""
        event = Event(at, "activated by force" if forced else "activated", version)
        return replace(self, history=(*self.history, version), events=(*self.events, event))

    def rolled_back(self, at: str) -> RegistryState:
        """With the version active that was so before; there must be one."""
        return replace(self, history=self.history[:-1], events=(*self.events, Event(at, "rolled back", self.history[-1])))

    def without(self, version: str, at: str) -> RegistryState:
        """Without a version, which must not be active."""
        history: list[str] = []
        for entry in self.history:
            # What was active before and after the removed version would stand twice, and rolling back do nothing once.
            if entry != version and (not history or history[-1] != entry):
                history.append(entry)
        return replace(
            self,
            versions=tuple(record for record in self.versions if record.id != version),
            history=tuple(history),
            events=(*self.events, Event(at, "removed", version)),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return {
            "format_version": FORMAT_VERSION,
            "next_number": self.next_number,
            "history": list(self.history),
            "versions": [version.to_json() for version in self.versions],
            "events": [{"at": event.at, "what": event.what, "id": event.id} for event in self.events],
        }

    @classmethod
    def from_json(cls, data: Any) -> RegistryState:
        """Read plain data.

        Raises:
            RegistryError: a field is missing, of the wrong kind or at odds with another, or the format is newer than this
                program.
        """
        version = data.get("format_version") if isinstance(data, dict) else None
        if type(version) is int and version > FORMAT_VERSION:
            raise RegistryError(
                f"the registry has format {version}, this program reads up to {FORMAT_VERSION}: update dualssl to use it."
            )
        try:
            if version != FORMAT_VERSION:
                raise ValueError(f"format_version is {version!r}")
            state = cls(
                versions=tuple(VersionRecord.from_json(record) for record in data["versions"]),
                history=tuple(text(entry) for entry in data["history"]),
                events=tuple(_event(event) for event in data["events"]),
                next_number=whole_number(data["next_number"]),
            )
            state._check()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RegistryError(f"the registry lacks or garbles a field ({error}): bring back an intact copy of it.") from error
        return state

    def _check(self) -> None:
        """Raise ValueError where fields contradict one another."""
        numbers: dict[str, int] = {}
        for record in self.versions:
            if record.id in numbers or not max(numbers.values(), default=0) < record.number < self.next_number:
                raise ValueError(f"version {record.id} stands twice or in the wrong order")
            # Parents come first, so that no lineage goes in a circle.
            if record.parent is not None and record.parent not in numbers:
                raise ValueError(f"version {record.id} has an unknown parent {record.parent}")
            numbers[record.id] = record.number
        unknown = [entry for entry in self.history if entry not in numbers]
        if unknown:
            raise ValueError(f"the history names the unknown version {unknown[0]}")


def is_version_id(name: str) -> bool:
    """Whether a text can be the id of a version."""
    return _ID.fullmatch(name) is not None


def _event(data: Mapping[str, Any]) -> Event:
    if data["what"] not in get_args(Deed):
        raise ValueError(f"unknown event {data['what']!r}")
    return Event(text(data["at"]), cast(Deed, data["what"]), text(data["id"]))
