"""Whether a model folder is what was saved: its manifest, its files, their sizes and SHA-256. Free of torch.

Checksums find damage and careless edits. They are not a signature: who rewrites the weights can rewrite the checksums.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualssl.errors import ModelError
from dualssl.files import json_text, sha256_of
from dualssl.model.layout import CHECKSUMS, MANIFEST, REQUIRED, is_inside, is_litter, looks_like_pickle
from dualssl.model.manifest import Manifest

_INTACT = "get an intact copy of the model folder"


@dataclass(frozen=True)
class ModelInfo:
    """A model folder that has been verified.

    Attributes:
        folder: where it is.
        manifest: what the model is.
        size: bytes of all its files.
        files: their names relative to the folder, `/` between parts.
    """

    folder: Path
    manifest: Manifest
    size: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class Fingerprint:
    """Size in bytes and SHA-256 (64 hexadecimal digits) of a file."""

    size: int
    sha256: str


def read_manifest(folder: Path) -> Manifest:
    """What the model in `folder` is, without looking at its weights or checksums.

    Raises:
        ModelError: there is no model folder, its manifest is unreadable, or it is of a newer format.
    """
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}: choose the folder that training left as RUN/model.")
    if not (folder / MANIFEST).is_file():
        raise ModelError(
            f"{folder} is no model folder, for it lacks {MANIFEST}: choose the folder that training left as RUN/model."
        )
    data = _read_json(folder / MANIFEST)
    try:
        return Manifest.from_json(data)
    except ModelError as error:
        raise ModelError(f"{folder / MANIFEST}: {error}") from error


def verify_model(folder: Path) -> ModelInfo:
    """Compare every file of a model folder with what was saved.

    Raises:
        ModelError: a file is altered, truncated, missing or does not belong; the message names it. Also as `read_manifest`.
    """
    manifest = read_manifest(folder)
    expected = read_checksums(folder)
    found = _files_in(folder)
    for name in found:
        if looks_like_pickle(name):
            raise ModelError(
                f"{folder / name} is of a kind that can run code when opened and has no place in a model folder: "
                "delete it, and use the folder only if you trust where it comes from."
            )
    for name in REQUIRED:
        if name not in expected:
            raise ModelError(f"{folder / CHECKSUMS} does not list {name}: {_INTACT}.")
    for name, fingerprint in expected.items():
        _compare(folder / name, fingerprint)
    for name in found:
        if name not in expected and name != CHECKSUMS:
            raise ModelError(f"{folder / name} does not belong to the model: move it out of the model folder.")
    size = sum(fingerprint.size for fingerprint in expected.values()) + (folder / CHECKSUMS).stat().st_size
    return ModelInfo(folder, manifest, size, (*expected, CHECKSUMS))


def model_sha256(folder: Path) -> str:
    """SHA-256 that stands for a whole model folder: that of its list of checksums.

    Raises:
        OSError: the list cannot be read.
    """
    return sha256_of(folder / CHECKSUMS)


def write_checksums(folder: Path) -> None:
    """List size and SHA-256 of every file in a folder that is being saved."""
    names = sorted(name for name in _files_in(folder) if name != CHECKSUMS)
    files = {name: Fingerprint((folder / name).stat().st_size, sha256_of(folder / name)) for name in names}
    (folder / CHECKSUMS).write_text(_render(files), encoding="utf-8", newline="\n")


def read_checksums(folder: Path) -> dict[str, Fingerprint]:
    """Name, relative to the folder, to fingerprint.

    Raises:
        ModelError: the list is missing or not as it was written: it carries a digest of itself and has one spelling only.
    """
    path = folder / CHECKSUMS
    data = _read_json(path)
    try:
        files = {str(n): Fingerprint(int(f["size"]), str(f["sha256"])) for n, f in data["files"].items()}
        intact = _render(files).encode() == path.read_bytes() and all(is_inside(name) for name in files)
    except (KeyError, TypeError, ValueError, AttributeError):
        intact = False
    if not intact:
        raise ModelError(f"{path} has been altered: {_INTACT}.")
    return files


def _render(files: dict[str, Fingerprint]) -> str:
    plain = {name: {"size": f.size, "sha256": f.sha256} for name, f in files.items()}
    digest = hashlib.sha256(json_text(plain).encode()).hexdigest()
    return json_text({"algorithm": "SHA-256", "files": plain, "digest": digest})


def _compare(path: Path, expected: Fingerprint) -> None:
    try:
        if not path.is_file():
            raise ModelError(f"{path} is missing: {_INTACT}.")
        size = path.stat().st_size
        if size < expected.size:
            raise ModelError(f"{path} is truncated to {size} of {expected.size} bytes: {_INTACT}.")
        if size > expected.size or sha256_of(path) != expected.sha256:
            raise ModelError(f"{path} has been altered since the model was saved: {_INTACT}.")
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check its permissions and the disk.") from error


def _files_in(folder: Path) -> list[str]:
    """Names of everything but folders (links included), relative to `folder`, without what file managers leave."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and not is_litter(path.name)
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing: {_INTACT}.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check its permissions and the disk.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not readable as JSON, so it has been altered: {_INTACT}.") from error


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
