"""Files that are either whole or not there: temporary file in the same folder, flush to the disk, rename.

Everything the packages leave on disk goes this way, so that a full disk or a killed process never costs an earlier result.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from dualssl.errors import OutputError

_BLOCK = 1 << 20

_REMEDIES: dict[int, str] = {
    errno.ENOSPC: "the disk is full: free some space or choose a folder on another disk",
    errno.EDQUOT: "your share of the disk is used up: free some space or choose a folder on another disk",
    errno.EACCES: "there is no permission to write there: choose another folder or change its permissions",
    errno.EPERM: "there is no permission to write there: choose another folder or change its permissions",
    errno.EROFS: "the disk is read-only, so there is no permission to write there: choose another folder",
    errno.ENOENT: "its folder does not exist: create the folder or choose another one",
    errno.ENOTDIR: "a part of its path is a file, not a folder: choose another folder",
    errno.EEXIST: "something of that name is there already: choose another name",
    errno.EISDIR: "a folder of that name is in the way: choose another name",
    errno.EFBIG: "it is too large for the disk or a limit set for you: choose a folder on another disk",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
}


def output_error(path: Path, error: OSError) -> OutputError:
    """What a person should read when writing `path` failed with `error`."""
    known = _REMEDIES.get(error.errno or 0)
    cause = known or f"{error.strerror or error}: check the disk and try again"
    return OutputError(f"{path} could not be written because {cause}.")


def _os_error(error: Exception) -> OSError | None:
    """The system's error behind `error`, or None.

    Libraries written in Rust, such as safetensors, raise errors of their own that end in "(os error 28)".
    """
    if isinstance(error, OSError):
        return error
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What the system refuses inside the block is an error of writing `path`."""
    try:
        yield
    except Exception as error:
        cause = _os_error(error)
        if cause is None:
            raise
        raise output_error(path, cause) from error


def temporary_beside(path: Path) -> Path:
    """A free name in the folder of `path` that ends as `path` does, for writers that go by the suffix. Nothing is created."""
    return path.with_name(f".{uuid4().hex[:8]}-{path.name}")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; what is there at the end of the block becomes `path` at once.

    The block creates the file itself (whole, and closed at its end). If the block or the move fails, `path` stays as it was
    and the temporary file is gone. The folder must exist.

    Raises:
        OutputError: writing failed in the block or after it: no space, no permission, no such folder.
    """
    temporary = temporary_beside(path)
    try:
        with _explained(path):
            yield temporary
            sync_file(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON: keys in their order, indented by 2, UTF-8, atomically.

    Raises:
        OutputError: the file cannot be written.
        ValueError: the data holds NaN or infinity, which JSON has no word for.
        TypeError: the data is not plain.
    """
    text = json_text(data)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def json_text(data: Any) -> str:
    """The text that `write_json` writes."""
    return json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits; memory does not grow with the file.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def make_folder(folder: Path) -> bool:
    """Make a folder and those above it; one that is there stays as it is.

    Returns:
        Whether anything is in it.

    Raises:
        OutputError: it cannot be made or looked into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return any(folder.iterdir())
    except OSError as error:
        raise output_error(folder, error) from error


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    # Windows flushes only through handles that may write.
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; a no-op on Windows, which cannot open folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_folder(folder: Path, replace: bool = False, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` to fill; at the end of the block it becomes `folder` at once.

    If anything fails, `folder` stays as it was and the temporary folder is gone. An empty folder gives way.

    Args:
        folder: where the result goes; folders above it are created.
        replace: whether a folder that is there may be exchanged for the new one.
        durable: whether to wait until all of it is on the disk. What nobody needs after a power cut need not be waited for.

    Raises:
        OutputError: `folder` exists and may not be replaced, or writing failed.
    """
    # A link to a folder stays a link: what it points to is exchanged.
    folder = folder.resolve()
    temporary = temporary_beside(folder)
    try:
        with _explained(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            if not replace:
                _refuse_existing(folder)
            temporary.mkdir()
            yield temporary
            if durable:
                _sync_all(temporary)
            if not replace:
                _refuse_existing(folder)
            _publish(temporary, folder)
            if durable:
                sync_folder(folder.parent)
    finally:
        # Holds the new folder after a failure, the replaced one after an exchange.
        shutil.rmtree(temporary, ignore_errors=True)


def _sync_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            sync_file(path)
    sync_folder(folder)


def _refuse_existing(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"{folder} exists already: choose another folder, or ask for it to be replaced.")


def _publish(new: Path, folder: Path) -> None:
    """Give `new` the name `folder`; what had that name gets the name `new`, or is moved out of the way and deleted."""
    if not folder.exists():
        new.replace(folder)
        return
    if _exchange(new, folder):
        return
    # No exchange in one step here: for a moment only the old folder's second name exists, and any error brings it back.
    old = temporary_beside(folder)
    folder.replace(old)
    try:
        new.replace(folder)
    except BaseException:
        old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step (Linux's renameat2); False where the system or the file system has no such call."""
    import ctypes

    at_working_folder, exchange = -100, 2
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    result: int = call(at_working_folder, os.fsencode(one), at_working_folder, os.fsencode(other), exchange)
    return result == 0
