"""What a library knows of its cases: plain data, and its JSON form in the notes beside the volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from dualssl.cases.states import CaseState
from dualssl.version import __version__

if TYPE_CHECKING:
    from dualssl.volumes.volume import Volume

PROGRAM = f"dualssl {__version__}"


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


def time_text(time: datetime) -> str:
    """ISO 8601 in UTC. A time without a zone is taken as local, as Python does."""
    return time.astimezone(timezone.utc).isoformat()


@dataclass(frozen=True)
class StoredFile:
    """A file of a case.

    Attributes:
        path: below the case's folder, with `/`.
        sha256: of its bytes, 64 hexadecimal digits.
        size: in bytes.
    """

    path: str
    sha256: str
    size: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"path": self.path, "sha256": self.sha256, "size": self.size}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StoredFile:
        """Inverse of `to_json`; KeyError, TypeError or ValueError where `data` are something else."""
        return cls(str(data["path"]), str(data["sha256"]), int(data["size"]))


@dataclass(frozen=True)
class Provenance:
    """What made a prediction, or the prediction that a correction began with.

    Attributes:
        model_id: as in the model's manifest; None for labels that come from no model.
        model_sha256: of the model, as the caller took it.
        program: name and version of the program that stored the record.
    """

    model_id: str | None = None
    model_sha256: str | None = None
    program: str = PROGRAM

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"model_id": self.model_id, "model_sha256": self.model_sha256, "program": self.program}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Provenance:
        """Inverse of `to_json`; KeyError, TypeError or ValueError where `data` are something else."""
        return cls(_text(data["model_id"]), _text(data["model_sha256"]), str(data["program"]))


@dataclass(frozen=True)
class PredictionRecord:
    """A stored prediction.

    Attributes:
        number: 1, 2, ... within the case; gaps can occur.
        created: when it was stored, UTC.
        provenance: the model.
        scores: of the whole case, such as `CaseScores.to_json` gives.
        features: a descriptor of the case, for distances between cases; may be empty.
    """

    number: int
    created: datetime
    provenance: Provenance
    scores: Mapping[str, float]
    features: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "number": self.number,
            "created": time_text(self.created),
            "provenance": self.provenance.to_json(),
            "scores": dict(self.scores),
            "features": list(self.features),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PredictionRecord:
        """Inverse of `to_json`; KeyError, TypeError or ValueError where `data` are something else."""
        return cls(
            number=int(data["number"]),
            created=datetime.fromisoformat(data["created"]),
            provenance=Provenance.from_json(data["provenance"]),
            scores=dict(data["scores"]),
            features=tuple(float(value) for value in data["features"]),
        )


@dataclass(frozen=True)
class LabelVersion:
    """A stored label map.

    Attributes:
        number: 1, 2, ... within the case; gaps can occur.
        created: when it was stored, UTC.
        reviewer: who answers for it.
        started: when the review began, UTC, if known.
        based_on: number of the prediction that was corrected, or None.
        provenance: the model of that prediction.
        voxels_changed: for each structure, the voxels that joined or left it against that prediction; None without one.
        voxels_changed_total: voxels whose value differs from that prediction's.
        regions_reviewed: plain data of each region that was looked at.
        notes: free text.
    """

    number: int
    created: datetime
    reviewer: str
    started: datetime | None = None
    based_on: int | None = None
    provenance: Provenance = field(default_factory=Provenance)
    voxels_changed: Mapping[str, int] | None = None
    voxels_changed_total: int | None = None
    regions_reviewed: tuple[Mapping[str, Any], ...] = ()
    notes: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "number": self.number,
            "created": time_text(self.created),
            "reviewer": self.reviewer,
            "started": None if self.started is None else time_text(self.started),
            "based_on": self.based_on,
            "provenance": self.provenance.to_json(),
            "voxels_changed": None if self.voxels_changed is None else dict(self.voxels_changed),
            "voxels_changed_total": self.voxels_changed_total,
            "regions_reviewed": [dict(region) for region in self.regions_reviewed],
            "notes": self.notes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LabelVersion:
        """Inverse of `to_json`; KeyError, TypeError or ValueError where `data` are something else."""
        changed, started = data["voxels_changed"], data["started"]
        return cls(
            number=int(data["number"]),
            created=datetime.fromisoformat(data["created"]),
            reviewer=str(data["reviewer"]),
            started=None if started is None else datetime.fromisoformat(started),
            based_on=_whole(data["based_on"]),
            provenance=Provenance.from_json(data["provenance"]),
            voxels_changed=None if changed is None else {str(name): int(count) for name, count in changed.items()},
            voxels_changed_total=_whole(data["voxels_changed_total"]),
            regions_reviewed=tuple(dict(region) for region in data["regions_reviewed"]),
            notes=str(data["notes"]),
        )


@dataclass(frozen=True)
class CaseRecord:
    """A case.

    Attributes:
        name: unique in the library, whatever the case of its letters.
        uid: unique everywhere and for ever, 32 hexadecimal digits: a case that takes the name of a removed one has another.
        group: cases of one group (a patient) are alike; the name itself where nothing else is known.
        source: where the image came from, only if the caller gave it.
        metadata: only what the caller gave.
        state: where the case stands.
        added: when it came in, UTC.
        changed: when its state changed last, UTC.
        prediction: the newest prediction, or None.
        labels: the newest label version, or None.
    """

    name: str
    uid: str
    group: str
    source: str | None
    metadata: Mapping[str, str]
    state: CaseState
    added: datetime
    changed: datetime
    prediction: PredictionRecord | None = None
    labels: LabelVersion | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data for people and other programs, with the newest prediction and labels."""
        return {
            "name": self.name,
            "group": self.group,
            "state": self.state.value,
            "added": time_text(self.added),
            "changed": time_text(self.changed),
            "source": self.source,
            "metadata": dict(self.metadata),
            "prediction": None if self.prediction is None else self.prediction.to_json(),
            "labels": None if self.labels is None else self.labels.to_json(),
        }


@dataclass(frozen=True, eq=False)
class PredictionFiles:
    """A prediction to be stored or as it was stored; all volumes lie on the image's grid.

    Attributes:
        labels: predicted label map.
        entropy: float, 0..1, or None.
        kl: float, nats, or None.
        model_id, model_sha256: which model predicted.
        scores: of the whole case, finite.
        features: descriptor of the case, finite; may be empty.
    """

    labels: Volume
    entropy: Volume | None = None
    kl: Volume | None = None
    model_id: str | None = None
    model_sha256: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    features: tuple[float, ...] = ()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
