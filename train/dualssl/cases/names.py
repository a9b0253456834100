"""Names of cases: safe as file names on every system, and unique whatever the case of their letters."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from dualssl.errors import LibraryError

LONGEST_NAME = 100

# No leading dot (hidden) or dash (an option of a command), no dot or blank at the end (Windows drops them).
_PATTERN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_. -]*[A-Za-z0-9_-])?")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: reserved with any extension.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9]) *(?:\..*)?", re.IGNORECASE)


def check_case_name(name: str) -> None:
    """See that `name` can be a case's name.

    Raises:
        LibraryError: it is too long, a name that Windows keeps for devices, or has signs that some system refuses.
    """
    if len(name) > LONGEST_NAME:
        raise LibraryError(
            f"The case name '{name[:20]}...' has {len(name)} signs: choose one of at most {LONGEST_NAME}.",
            command_line="--name",
        )
    if _DEVICE.fullmatch(name):
        raise LibraryError(
            f"'{name}' cannot name a case, for Windows keeps it for a device: choose another name.", command_line="--name"
        )
    if not _PATTERN.fullmatch(name):
        raise LibraryError(
            f"{name!r} cannot name a case: begin with a letter or digit and use letters A to Z, digits, '-', '_', '.' and "
            "blanks inside.",
            command_line="--name",
        )


def usable_name(text: str) -> str:
    """A name for a case that is as near to `text` as can be; `case` where nothing of it can be used."""
    kept = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_. ") else "_" for sign in text)
    name = kept[:LONGEST_NAME].strip("-_. ") or "case"
    return f"case {name}" if _DEVICE.fullmatch(name) else name


def name_key(name: str) -> str:
    """What must be unique: some file systems do not tell 'A' from 'a'."""
    return name.casefold()


def nearest_names(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """At most three of `known` that look like `name`, the nearest first."""
    return tuple(difflib.get_close_matches(name, list(known), n=3, cutoff=0.5))
