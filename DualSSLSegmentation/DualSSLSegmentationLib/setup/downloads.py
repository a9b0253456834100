"""What this extension put on the computer, so that just that can be removed again.

A record in the person's folder names the Python packages that were not there before the engine was set up, and the files that
were made or downloaded, each with its SHA-256. A file that a person has changed since, or put beside ours, is theirs and stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dualssl.errors import DualSSLError
from dualssl.files import sha256_of, write_json
from DualSSLSegmentationLib.setup.engineSetup import InterpreterState

RECORD = "downloads.json"
_FORMAT = 1


class DownloadsError(DualSSLError):
    """The record of what was installed cannot be read."""


@dataclass(frozen=True)
class Removal:
    """What would be removed; nothing happens before a person has seen it.

    Attributes:
        packages: Python packages to remove, with their versions.
        kept: packages that were installed by this extension but stay, and why.
        files: to remove.
        changed: files that a person has changed; they stay.
        megabytes: size of `files`.
    """

    packages: dict[str, str]
    kept: dict[str, str]
    files: tuple[Path, ...]
    changed: tuple[Path, ...]
    megabytes: float

    @property
    def empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.packages or self.files)

    def text(self) -> str:
        """The list for a person."""
        if self.empty:
            return "This extension has installed or downloaded nothing that could be removed."
        lines = ["These will be removed:", ""]
        lines += [f"- Python package {name} {version}" for name, version in self.packages.items()]
        lines += [f"- {path.name}" for path in self.files]
        if self.files:
            lines += ["", f"The files take {self.megabytes:.1f} MB."]
        if self.kept or self.changed:
            lines += ["", "These stay:", ""]
            lines += [f"- Python package {name}: {reason}" for name, reason in self.kept.items()]
            lines += [f"- {path.name}: it was changed since" for path in self.changed]
        lines += ["", "Your cases, corrections and fine-tuned models stay as they are."]
        return "\n".join(lines)


class Downloads:
    """The record. Each question reads it anew, each change writes it at once.

    Args:
        home: the person's own folder; made when something is recorded.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def addPackages(self, packages: Mapping[str, str]) -> None:
        """Record Python packages that were not there before: normalised name to version.

        Raises:
            DownloadsError, OutputError: the record cannot be read or written.
        """
        self._change(lambda record: record["packages"].update(packages))

    def addFile(self, path: Path) -> None:
        """Record a file that was made or downloaded.

        Raises:
            ValueError: it lies outside the person's folder.
            DownloadsError, OutputError: the record cannot be read or written.
        """
        name = path.relative_to(self.home).as_posix()
        if not _safe(name):
            raise ValueError(f"{path} leads out of {self.home}")
        self._change(lambda record: record["files"].update({name: sha256_of(path)}))

    def removal(self, state: InterpreterState | None) -> Removal:
        """What could be removed now.

        Args:
            state: of the interpreter that packages were installed into, or None to leave packages alone.

        Raises:
            DownloadsError: the record cannot be read.
        """
        record = self._read()
        packages, kept = _removable(record["packages"], state) if state is not None else ({}, {})
        files: list[Path] = []
        changed: list[Path] = []
        for name, digest in record["files"].items():
            path = self.home / name
            if path.is_symlink() or not path.is_file():
                continue
            (files if sha256_of(path) == digest else changed).append(path)
        size = sum(path.stat().st_size for path in files) / 1e6
        return Removal(packages, kept, tuple(files), tuple(changed), size)

    def removeFiles(self, removal: Removal) -> None:
        """Remove the files of a removal, and folders that are empty then. What cannot be removed stays on record.

        Raises:
            DownloadsError, OutputError: the record cannot be read or written.
        """
        for path in removal.files:
            with suppress(OSError):
                path.unlink()
            folder = path.parent
            while folder != self.home and self.home in folder.parents:
                try:
                    folder.rmdir()
                except OSError:
                    break
                folder = folder.parent
        gone = [name for name in self._read()["files"] if not (self.home / name).exists()]
        self._change(lambda record: [record["files"].pop(name) for name in gone])

    def forgetPackages(self, names: Mapping[str, str]) -> None:
        """Take packages off the record, after pip has removed them.

        Raises:
            DownloadsError, OutputError: the record cannot be read or written.
        """
        self._change(lambda record: [record["packages"].pop(name, None) for name in names])

    @property
    def _path(self) -> Path:
        return self.home / RECORD

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"packages": {}, "files": {}}
        except (OSError, ValueError) as error:
            raise self._damaged() from error
        if not _whole(record):
            raise self._damaged()
        return {"packages": record["packages"], "files": record["files"]}

    def _change(self, change: Callable[[dict[str, dict[str, str]]], object]) -> None:
        record = self._read()
        before = json.dumps(record)
        change(record)
        if json.dumps(record) != before:
            self.home.mkdir(parents=True, exist_ok=True)
            write_json(self._path, {"format": _FORMAT, **record})

    def _damaged(self) -> DownloadsError:
        return DownloadsError(
            f"{self._path}, the record of what was installed, cannot be read: delete it, and remove what is left by hand."
        )


def _removable(recorded: dict[str, str], state: InterpreterState) -> tuple[dict[str, str], dict[str, str]]:
    """Of the recorded packages those to remove, and those that stay with the reason."""
    there = {name: state.versions[name] for name in recorded if name in state.versions}
    kept: dict[str, str] = {name: "another version was installed since" for name in there if there[name] != recorded[name]}
    while True:
        # What a package that stays needs, stays as well.
        going = there.keys() - kept.keys()
        needed = {n: other for other, names in state.needs.items() if other not in going for n in names if n in going}
        if not needed:
            return {name: there[name] for name in there if name not in kept}, kept
        kept |= {name: f"{other} needs it" for name, other in needed.items()}


def _safe(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name


def _whole(record: Any) -> bool:
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        return False
    tables = (record.get("packages"), record.get("files"))
    return all(isinstance(table, dict) and all(isinstance(value, str) for value in table.values()) for table in tables) and all(
        _safe(name) for name in tables[1] or ()
    )
