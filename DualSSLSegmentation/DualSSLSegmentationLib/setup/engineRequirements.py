"""What the engine needs of Python packages, read from its `pyproject.toml`, and what a person is told of each."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Only the command line needs these, which the application does not use: the fewer packages, the better for the others.
COMMAND_LINE_ONLY = frozenset({"typer", "rich"})

# What each package is for, and roughly what is downloaded for it and what it brings along, in MB.
_ABOUT: dict[str, tuple[str, str]] = {
    "numpy": ("arrays", "20 MB"),
    "scipy": ("distances and filters", "40 MB"),
    "simpleitk": ("reading and writing volumes", "50 MB"),
    "torch": ("the networks", "250 MB for the CPU, up to 3 GB with GPU libraries"),
    "safetensors": ("reading and writing network weights", "1 MB"),
    "monai": ("parts of networks and losses for medical images", "3 MB"),
    "lightning-fabric": ("training on CPU and GPU", "6 MB"),
    "psutil": ("how much memory is free", "1 MB"),
}

_LINE = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*>=\s*([0-9.]+)\s*,\s*<\s*([0-9.]+)\s*")


def normalised(name: str) -> str:
    """The name of a distribution as pip compares it: lower case, `-` for each run of `-`, `_` and `.`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version in order: (2, 13, 0) for `2.13.0+cpu` and, on purpose, also for `2.13.0rc1`."""
    found = re.match(r"\s*v?([0-9]+(?:\.[0-9]+)*)", version)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


@dataclass(frozen=True)
class Requirement:
    """A package that the engine needs.

    Attributes:
        name: of the distribution.
        minimum: first version that will do.
        below: first version that will not.
        purpose: what it is for, for a person.
        size: roughly what is downloaded.
    """

    name: str
    minimum: str
    below: str
    purpose: str
    size: str

    @property
    def key(self) -> str:
        """The name as pip compares it."""
        return normalised(self.name)

    @property
    def module(self) -> str:
        """What is imported."""
        return self.name.replace("-", "_")

    @property
    def versions(self) -> str:
        """The versions that will do, as pip takes them."""
        return f">={self.minimum},<{self.below}"

    @cached_property
    def _bounds(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return _padded(release(self.minimum)), _padded(release(self.below))

    def fits(self, version: str) -> bool:
        """Whether a version will do. Builds (`+cpu`) and previews (`rc1`) count as the version they belong to."""
        lowest, first_beyond = self._bounds
        return lowest <= _padded(release(version)) < first_beyond

    def __str__(self) -> str:
        return f"{self.name}{self.versions}"


def readRequirements(description: Path) -> tuple[Requirement, ...]:
    """What the engine needs inside the application, in the order of its `pyproject.toml`.

    Raises:
        ValueError: a dependency is not of the form `name>=version,<version`, or nothing is known to tell a person of it.
        OSError: the file cannot be read.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:  # for tests alone: Slicer 5.10 has Python 3.12
        import tomli as tomllib

    dependencies = tomllib.loads(description.read_text(encoding="utf-8"))["project"]["dependencies"]
    found = []
    for line in dependencies:
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise ValueError(f"{description}: '{line}' is not of the form name>=version,<version")
        name, minimum, below = parts.groups()
        if normalised(name) in COMMAND_LINE_ONLY:
            continue
        if normalised(name) not in _ABOUT:
            raise ValueError(f"{description}: say in engineRequirements.py what '{name}' is for")
        purpose, size = _ABOUT[normalised(name)]
        found.append(Requirement(name, minimum, below, purpose, size))
    return tuple(found)


def _padded(numbers: tuple[int, ...]) -> tuple[int, ...]:
    # 2.6 is 2.6.0: without this (2, 6) would lie below (2, 6, 0).
    return numbers + (0,) * (6 - len(numbers))
