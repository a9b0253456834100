"""A registry: a folder of model versions, one of them active.

`REGISTRY/registry.json` says which versions there are; `REGISTRY/models/ID/` are their model folders. What that file does not
list does not count: a folder is complete before it is listed, and unlisted before it is moved away, so that a process killed at
any moment leaves the old state or the new one. Writers take turns by a lock on `REGISTRY/registry.lock`; readers need none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from dualssl.errors import DualSSLError, OutputError, RegistryError
from dualssl.files import atomic_folder, sha256_of, write_json
from dualssl.locks import exclusive
from dualssl.model.integrity import ModelInfo, model_sha256, verify_model
from dualssl.model.layout import MANIFEST
from dualssl.model.provenance import labelled_cases
from dualssl.registry.admission import check_verdict, parent_of, refuse_known, refuse_unproposed
from dualssl.registry.names import free_id, nearest
from dualssl.registry.state import RegistryState, VersionRecord
from dualssl.registry.store import (
    LOCK_FILE,
    MODELS,
    REGISTRY_FILE,
    copy_model,
    move_to_trash,
    new_place_in_trash,
    sweep,
    verify_as_recorded,
    write_trash_record,
)

if TYPE_CHECKING:
    from dualssl.registry.verdict import Verdict


def is_registry(folder: Path) -> bool:
    """Whether a folder holds a registry, sound or not; False where it may not be looked into."""
    try:
        return (folder / REGISTRY_FILE).is_file()
    except OSError:
        return False


class ModelRegistry:
    """The versions in one folder. Every call reads the file anew, so that what other processes did is seen.

    Args:
        folder: which is a registry; use `create` or `open`.
        patience: seconds to wait for another process that is changing the registry.
    """

    def __init__(self, folder: Path, patience: float = 60.0) -> None:
        self.folder = folder
        self._patience = patience

    @classmethod
    def create(cls, folder: Path, patience: float = 60.0) -> ModelRegistry:
        """Make an empty registry.

        Args:
            folder: must not exist, or be empty; folders above it are made.
            patience: as in the class.

        Raises:
            RegistryError: there is a registry already.
            OutputError: the folder holds something else or cannot be written.
        """
        if is_registry(folder):
            raise RegistryError(f"{folder} is a registry already: use it as it is, or choose another folder.")
        with atomic_folder(folder) as temporary:
            (temporary / MODELS).mkdir()
            write_json(temporary / REGISTRY_FILE, RegistryState().to_json())
        return cls(folder, patience)

    @classmethod
    def open(cls, folder: Path, patience: float = 60.0) -> ModelRegistry:
        """Use a registry that is there. Nothing is written, so that a read-only one can be read.

        Raises:
            RegistryError: the folder is no registry, or its file is damaged or of a newer format.
        """
        registry = cls(folder, patience)
        registry.state()
        return registry

    def state(self) -> RegistryState:
        """Everything that the registry's file says, at this moment.

        Raises:
            RegistryError: as `open`.
        """
        path = self.folder / REGISTRY_FILE
        try:
            return RegistryState.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            if not self.folder.is_dir():
                raise RegistryError(
                    f"There is no registry {self.folder}: give the folder that holds {REGISTRY_FILE}, or create one."
                ) from error
            raise RegistryError(
                f"{self.folder} is no registry, for it lacks {REGISTRY_FILE}: give the folder of a registry, or create one."
            ) from error
        except OSError as error:
            raise RegistryError(f"{path} cannot be read ({error.strerror}): check its permissions and the disk.") from error
        except (ValueError, RecursionError) as error:
            raise RegistryError(f"{path} is not readable as JSON: bring back an intact copy of it.") from error
        except RegistryError as error:
            raise RegistryError(f"{path}: {error}") from error

    def list(self) -> tuple[VersionRecord, ...]:
        """All versions, in the order of adding."""
        return self.state().records()

    def active(self) -> VersionRecord | None:
        """The version in use, or None before the first activation."""
        return next((record for record in self.list() if record.active), None)

    def get(self, version: str) -> VersionRecord:
        """The version with an id.

        Raises:
            RegistryError: there is none; ids that are like it are named.
        """
        return self._find(self.state(), version)

    def lineage(self, version: str) -> tuple[VersionRecord, ...]:
        """A version, its parent, its parent's parent and so on.

        Raises:
            RegistryError: there is no such version.
        """
        state = self.state()
        line = [self._find(state, version)]
        while (parent := line[-1].parent) is not None:
            line.append(self._find(state, parent))
        return tuple(line)

    def model_folder(self, version: str) -> Path:
        """Where the model folder of a version lies.

        Raises:
            RegistryError: there is no such version.
        """
        return self._folder_of(self.get(version))

    def verify(self, version: str) -> ModelInfo:
        """Compare every file of a version with what was added.

        Raises:
            RegistryError: there is no such version, or it is another model than was added.
            ModelError: a file is altered, truncated, missing or does not belong; the message names it.
        """
        return self._verified(self.get(version))

    def register(
        self,
        model_folder: Path,
        verdict: Verdict | None = None,
        cases: Mapping[str, int | None] | None = None,
        parent: str | None = None,
        *,
        without_parent: bool = False,
    ) -> VersionRecord:
        """Add a copy of a model. It is proposed if the verdict is `better`, but never active at once.

        Args:
            model_folder: stays as it is.
            verdict: of the comparison with the parent, or None if there was none.
            cases: what the model was trained on: case to the version number of its label map, None where that is not known.
                Without it, the labelled cases that the manifest names.
            parent: id of the version that it comes from; by default the one that the manifest names.
            without_parent: add it as the first of a line, whatever parent is named.

        Raises:
            ModelError: the model folder is not intact.
            RegistryError: the parent is not in the registry, the model is already, or the verdict is about other models.
            OutputError: the registry cannot be written; it stays as it was.
        """
        info = verify_model(model_folder)
        manifest, checksums = info.manifest, model_sha256(model_folder)
        with self._writing() as state:
            refuse_known(state, manifest.id, checksums)
            origin = None if without_parent else parent_of(state, manifest, parent)
            check_verdict(verdict, manifest, origin)
            record = VersionRecord(
                id=free_id(manifest.id, [version.id for version in state.versions]),
                number=state.next_number,
                model_id=manifest.id,
                name=manifest.name,
                parent=origin.id if origin else None,
                created=_now(),
                # Which version of their labels, a manifest does not say.
                cases=dict(cases) if cases is not None else dict.fromkeys(labelled_cases(manifest.provenance)),
                verdict=verdict.to_json() if verdict else None,
                manifest_sha256=sha256_of(model_folder / MANIFEST),
                checksums_sha256=checksums,
            )
            copy_model(info, self.folder, record)
            try:
                self._write(state.with_version(record))
            except BaseException:
                self._discard_unlisted(record)
                raise
        return record

    def activate(self, version: str, *, force: bool = False) -> VersionRecord:
        """Make a version the one in use, at once for everybody. Nothing happens if it is active.

        A version that is not proposed needs force; only the first of a line does not while none is active, for there is nothing
        that it could be worse than.

        Raises:
            RegistryError: there is no such version, or it is not proposed.
            ModelError: its files are not intact.
            OutputError: the registry cannot be written; the active version stays.
        """
        with self._writing() as state:
            record = self._find(state, version)
            if record.active:
                return record
            proposed = record.standing == "proposed" or (record.parent is None and state.active_id is None)
            if not (proposed or force):
                refuse_unproposed(record)
            self._verified(record)
            self._write(state.with_active(record.id, _now(), forced=not proposed))
        return replace(record, active=True)

    def rollback(self) -> VersionRecord:
        """Make the version active again that was so before the present one; called again, the one before that.

        Raises:
            RegistryError: no version was active before.
            ModelError: the files of that version are not intact; the active version stays.
            OutputError: the registry cannot be written; the active version stays.
        """
        with self._writing() as state:
            if len(state.history) < 2:
                raise RegistryError(f"No version of {self.folder} was active before the present one: activate one by its id.")
            earlier = state.rolled_back(_now())
            record = self._find(earlier, earlier.history[-1])
            self._verified(record)
            self._write(earlier)
        return record

    def remove(self, version: str) -> Path:
        """Take a version out of the registry.

        Returns:
            The folder in `REGISTRY/trash` where its model folder (`model`) and its record (`record.json`) now lie.

        Raises:
            RegistryError: it is active, or another version comes from it.
            OutputError: it cannot be moved; the registry stays as it was.
        """
        with self._writing() as state:
            record = self._find(state, version)
            if record.active:
                raise RegistryError(f"Version {record.id} is active: activate another one or roll back before removing it.")
            children = [other.id for other in state.versions if other.parent == record.id]
            if children:
                raise RegistryError(f"Version {record.id} is the parent of {', '.join(children)}: remove those first.")
            place = new_place_in_trash(self.folder, record.id)
            write_trash_record(place, record)
            self._write(state.without(record.id, _now()))
            try:
                if self._folder_of(record).exists():
                    move_to_trash(self._folder_of(record), place)
            except OutputError:
                # What failed may have been to wait for the disk, when the folder had moved.
                if self._folder_of(record).exists():
                    self._write(state)
                    shutil.rmtree(place, ignore_errors=True)
                raise
        return place

    @contextmanager
    def _writing(self) -> Iterator[RegistryState]:
        """The state, while no other process changes it."""
        # Asked before the lock's file is made, so that none gets into a folder that is no registry.
        self.state()
        taken = RegistryError(f"Another process is changing {self.folder}: wait until it has finished and try again.")
        with exclusive(self.folder / LOCK_FILE, taken, self._patience):
            state = self.state()
            sweep(self.folder)
            yield state

    def _write(self, state: RegistryState) -> None:
        data = state.to_json()
        # What a reader would refuse is not written.
        RegistryState.from_json(data)
        write_json(self.folder / REGISTRY_FILE, data)

    def _discard_unlisted(self, record: VersionRecord) -> None:
        """Delete the copy of a model that could not be listed."""
        with suppress(DualSSLError, OSError):
            # What failed may have been the very last step of writing, after which the version is listed.
            if record.id not in [version.id for version in self.state().versions]:
                shutil.rmtree(self._folder_of(record))

    def _find(self, state: RegistryState, version: str) -> VersionRecord:
        records = {record.id: record for record in state.records()}
        if version not in records:
            raise RegistryError(f"There is no version '{version}' in {self.folder}: {nearest(version, records)}.")
        return records[version]

    def _folder_of(self, record: VersionRecord) -> Path:
        return self.folder / MODELS / record.id

    def _verified(self, record: VersionRecord) -> ModelInfo:
        return verify_as_recorded(self._folder_of(record), record)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
