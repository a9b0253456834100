"""Which models a person can choose from: those that ship with the extension and the versions of the person's own registry."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.errors import DualSSLError
from dualssl.model.integrity import read_manifest
from dualssl.registry.versions import ModelRegistry, is_registry

if TYPE_CHECKING:
    from dualssl.model.manifest import Manifest
    from dualssl.registry.state import VersionRecord

_log = logging.getLogger(__name__)

_ORDER = ("active", "shipped", "proposed", "kept", "marked worse")


@dataclass(frozen=True)
class ModelChoice:
    """A model on offer.

    Attributes:
        folder: of the model.
        id, name: as in its manifest.
        version: its id in the registry, or None where it shipped.
        standing: `shipped`, or the state of its version: `active`, `proposed`, `kept`, `marked worse`.
        structures: what it segments.
        channels: what it wants to see.
        trainedOn: in a few words.
        parent: the model it was fine-tuned from, or None.
        limit: the first of what it is known not to do well, or empty.
        fieldOfView: mm along (k, j, i) that the images it learned from reached at most, as its manifest has it.
    """

    folder: Path
    id: str
    name: str
    version: str | None
    standing: str
    structures: tuple[str, ...]
    channels: tuple[str, ...]
    trainedOn: str
    parent: str | None = None
    limit: str = ""
    fieldOfView: tuple[float, float, float] | None = None

    @property
    def title(self) -> str:
        """For a list: name and standing, with the version's id where there are several of one name."""
        if self.version is None or self.standing == "shipped":
            return self.name
        return f"{self.name}: {self.version} ({self.standing})"

    @property
    def description(self) -> str:
        """Structures, channels and training, and what a person has to beware of."""
        text = f"Segments {', '.join(self.structures)} on {', '.join(self.channels)}. {self.trainedOn}"
        return f"{text} {self.limit}" if self.limit else text


class ModelCatalogue:
    """Models in the folders that an installation has. Nothing is kept: each question looks at the disk.

    Args:
        shipped: folder of model folders, such as the extension's `Resources/Models`; need not exist.
        registry: the person's registry; need not exist.
        named: model folders that the person named beside these; they are offered before the shipped ones.
    """

    def __init__(self, shipped: Path, registry: Path, named: tuple[Path, ...] = ()) -> None:
        self.shipped = shipped
        self.registry = registry
        self.named = named

    def choices(self) -> tuple[ModelChoice, ...]:
        """All models, the one in use first, then the shipped ones, then the others, newest first.

        A model folder that cannot be read is left out and logged: it shall not keep the others from being used. Checksums are
        verified when a model is loaded.
        """
        found = [*self._versions(), *self._shippedOnes()]
        listed = {choice.id for choice in found if choice.version is not None}
        # The base model of a registry is a copy of a shipped one: offered once.
        found = [choice for choice in found if choice.version is not None or choice.id not in listed]
        return tuple(sorted(found, key=lambda choice: _ORDER.index(choice.standing)))

    def default(self) -> ModelChoice | None:
        """The version in use, else the first that ships; never one that is not proved."""
        return defaultOf(self.choices())

    def _versions(self) -> Iterator[ModelChoice]:
        if not is_registry(self.registry):
            return
        registry = ModelRegistry(self.registry)
        try:
            records = registry.list()
        except DualSSLError as error:
            _log.error("The registry of models cannot be read: %s", error)
            return
        for record in reversed(records):
            try:
                folder = registry.model_folder(record.id)
            except DualSSLError:
                continue  # removed in this moment
            manifest = _manifest(folder)
            if manifest is not None:
                yield _choice(folder, manifest, record)

    def _shippedOnes(self) -> Iterator[ModelChoice]:
        try:
            folders = sorted(path for path in self.shipped.iterdir() if path.is_dir() and not path.name.startswith("."))
        except FileNotFoundError:
            folders = []
        except OSError as error:
            _log.error("The models in %s cannot be read: %s", self.shipped, error)
            folders = []
        for folder in (*self.named, *folders):
            manifest = _manifest(folder)
            if manifest is not None:
                yield _choice(folder, manifest, None)


def defaultOf(choices: tuple[ModelChoice, ...]) -> ModelChoice | None:
    """Of what the catalogue listed, the version in use, else the first that ships; never one that is not proved."""
    return next((choice for choice in choices if choice.standing in ("active", "shipped")), None)


def _manifest(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder)
    except DualSSLError as error:
        _log.error("A model cannot be offered: %s", error)
        return None


def _choice(folder: Path, manifest: Manifest, record: VersionRecord | None) -> ModelChoice:
    # The first version of a registry is the model that shipped: as good as active until a proved one takes over.
    standing = "shipped" if record is None or (record.parent is None and record.state == "kept") else record.state
    return ModelChoice(
        folder=folder,
        id=manifest.id,
        name=manifest.name,
        version=None if record is None else record.id,
        standing=standing,
        structures=manifest.labels.names,
        channels=manifest.channel_names,
        trainedOn=_trainedOn(manifest),
        parent=manifest.parent,
        limit=_firstLimit(manifest.provenance.get("limits")),
        fieldOfView=manifest.field_of_view,
    )


def _firstLimit(limits: object) -> str:
    return str(limits[0]) if isinstance(limits, (list, tuple)) and limits else ""


def _trainedOn(manifest: Manifest) -> str:
    facts = manifest.provenance
    labelled, unlabelled = _count(facts.get("labelled")), _count(facts.get("unlabelled"))
    if labelled is None:
        return "What it was trained on is not recorded."
    dataset = f" of {facts['dataset']}" if facts.get("dataset") else ""
    others = f" and {unlabelled} unlabelled" if unlabelled else ""
    return f"Trained on {labelled} labelled{others} cases{dataset}."


def _count(cases: object) -> int | None:
    if isinstance(cases, (list, tuple)):
        return len(cases)
    return cases if isinstance(cases, int) else None
