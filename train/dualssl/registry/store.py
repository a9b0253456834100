"""The folders of a registry: model folders copied in whole, moved out whole, and checked against their records."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path

from dualssl.errors import ModelError, RegistryError
from dualssl.files import atomic_folder, output_error, sha256_of, sync_folder, write_json
from dualssl.model.integrity import ModelInfo, model_sha256, verify_model
from dualssl.model.layout import MANIFEST
from dualssl.registry.names import free_id
from dualssl.registry.state import VersionRecord

REGISTRY_FILE = "registry.json"
LOCK_FILE = "registry.lock"
MODELS = "models"
TRASH = "trash"

# As `dualssl.files.temporary_beside` names them.
_TEMPORARY = re.compile(r"\.[0-9a-f]{8}-.+")


def copy_model(info: ModelInfo, registry: Path, record: VersionRecord) -> None:
    """Copy a verified model folder to its place; what lies there unlisted goes to the trash first.

    Args:
        info: of the model folder; only the files that belong to the model are copied.
        registry: the registry's folder.
        record: of the version that it becomes; the copy must be the model that it describes.

    Raises:
        ModelError: a file of the model cannot be read any more.
        RegistryError: the copy differs from the original.
        OutputError: it cannot be written; nothing of it stays.
    """
    folder = registry / MODELS / record.id
    if folder.exists():
        move_to_trash(folder, new_place_in_trash(registry, record.id))
    with atomic_folder(folder) as temporary:
        for name in info.files:
            _copy_file(info.folder / name, temporary / name)
        try:
            verify_as_recorded(temporary, record)
        except (ModelError, RegistryError) as error:
            raise RegistryError(
                f"{info.folder} could not be copied intact to {folder}: check both disks and try again."
            ) from error


def _copy_file(source: Path, target: Path) -> None:
    try:
        file = source.open("rb")
    except OSError as error:
        raise ModelError(f"{source} cannot be read ({error.strerror}): check its permissions and the disk.") from error
    with file:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)


def verify_as_recorded(folder: Path, record: VersionRecord) -> ModelInfo:
    """Compare every file of a version with its checksums, and those with the record.

    Raises:
        ModelError: a file is altered, truncated, missing or does not belong; the message names it.
        RegistryError: the folder is intact, but holds another model than the record describes.
    """
    info = verify_model(folder)
    found = (sha256_of(folder / MANIFEST), model_sha256(folder))
    if found != (record.manifest_sha256, record.checksums_sha256):
        raise RegistryError(f"{folder} holds another model than was added as {record.id}: bring back the model that was added.")
    return info


def new_place_in_trash(registry: Path, version: str) -> Path:
    """A free folder in the registry's trash; it is not made."""
    trash = registry / TRASH
    return trash / free_id(version, [path.name for path in trash.iterdir()] if trash.is_dir() else [])


def write_trash_record(place: Path, record: VersionRecord) -> None:
    """Make a folder in the trash that holds the record of a version.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_folder(place) as temporary:
        write_json(temporary / "record.json", record.to_json())


def move_to_trash(folder: Path, place: Path) -> None:
    """Move a model folder to `place / "model"`.

    Raises:
        OutputError: it cannot be moved; it stays where it is.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        folder.replace(place / "model")
        sync_folder(place)
        sync_folder(folder.parent)
    except OSError as error:
        raise output_error(place, error) from error


def sweep(registry: Path) -> None:
    """Delete what a killed process left half-written; only for whoever holds the lock, when nobody else is writing."""
    folders = [*(registry / MODELS).glob(".*"), *(registry / TRASH).glob(".*")]
    for path in folders:
        if _TEMPORARY.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
    for path in registry.glob(f".*-{REGISTRY_FILE}"):
        if _TEMPORARY.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()
