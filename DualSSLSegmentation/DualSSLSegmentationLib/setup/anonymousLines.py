"""Lines of a log without what might tell who a person is.

Paths, file names, quoted names, names of user and computer, dates, and numbers that may stand for a patient are taken out. When
in doubt something useful is lost rather than something private told.
"""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path

# Quoted words of our own that tell something about a fault and nothing about a person.
_OWN_WORDS = frozenset(
    (
        *("auto", "cpu", "cuda", "mps", "cancel", "devices", "hello", "shutdown", "status"),
        *("evaluate", "finetune", "library", "models", "predict", "predict_library", "save_case", "self_check", "worklist"),
        *("activate", "check", "discard", "registry", "rollback", "save", "segment"),
    )
)
# From these folders on a path is the program's own; what stands before says where a person keeps things.
_PROGRAM_FOLDERS = ("dualssl", "DualSSLSegmentationLib", "site-packages", "dist-packages", "qt-scripted-modules", "slicer")
_PROGRAM_FILES = (".py", ".pyd", ".so", ".dll")

_SUFFIXES = (
    r"nrrd|nhdr|nii\.gz|nii|mha|mhd|raw|dcm|ima|hdr|img|mrb|mrml|vtk|vtp|stl|npy|npz|zip|gz|json|csv|txt|md|png|jpe?g|pdf|docx?|"
    r"xlsx?|safetensors|sqlite|py|pyd|so|dll|exe|log"
)
# A path may hold spaces. Behind a suffix that we know it ends, otherwise only at a sign that ends a part of a sentence.
_IN_PATH = r"[^\n\"'<>|:;,()\x00]"
_ABSOLUTE = re.compile(
    rf"(?<![\w.])(?:file:[\\/]{{0,3}})?(?:~|[A-Za-z]:)?[\\/]{{1,2}}(?=\S)(?:{_IN_PATH}*?\.(?:{_SUFFIXES})(?![\w.]\w)|{_IN_PATH}*)",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"[^\s\x00]*[^\s\x00\\/][\\/][^\s\x00]*[^\d\s\x00][^\s\x00]*")
_NUMBERS = re.compile(r"[\d/.,:;%()]+")  # such as 120/2000

_STAMP = re.compile(r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?")
_TRACE = re.compile(r'File "([^"\n]+)"')
# An apostrophe between letters belongs to a word; a quotation that does not end goes on to the end of the line.
_QUOTED = re.compile(r"(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w))*)(?:'|$)|\"([^\"\n]*)(?:\"|$)")

_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "<mail>"),
    (re.compile(rf"[^\s/\\\x00]+\.(?:{_SUFFIXES})(?![\w.]\w)", re.IGNORECASE), "<file>"),
    (re.compile(r"[^\s\x00]*\^[^\s\x00]*"), "<name>"),  # as DICOM writes the names of persons
    (re.compile(r"\b\d+(?:\.\d+){4,}\b"), "<uid>"),
    (re.compile(r"\b(?:19|20)\d\d([-/. ]?)(?:0\d|1[0-2])\1[0-3]\d\b"), "<date>"),
    (re.compile(r"\b[0-3]?\d([/-])[0-3]?\d\1(?:19|20)?\d\d\b|\b[0-3]?\d\.[01]?\d\.(?:19|20)\d\d\b"), "<date>"),
    (re.compile(r"(?<![\w.])\d{6,}(?![\w.]\w)|\b[A-Za-z]{1,4}[-_]?\d{5,}\b"), "<number>"),
)


def withoutPerson(line: str) -> str:
    """A line of a log without what might tell who somebody is. The time it begins with stays."""
    line = line.replace("\x00", "")
    stamp = _STAMP.match(line)
    head, rest = (line[: stamp.end()], line[stamp.end() :]) if stamp else ("", line)
    kept: list[str] = []

    def keep(text: str) -> str:
        # Out of reach of what comes afterwards.
        kept.append(text)
        return f"\x00{len(kept) - 1}\x00"

    rest = _TRACE.sub(lambda found: f"File {_ofProgram(found[1], keep)}", rest)
    rest = _QUOTED.sub(lambda found: _ownWord(found, keep), rest)
    rest = _ABSOLUTE.sub(lambda found: _ofProgram(found[0], keep), rest)
    rest = _RELATIVE.sub(lambda found: found[0] if _NUMBERS.fullmatch(found[0]) else _ofProgram(found[0], keep), rest)
    for pattern, word in _WORDS:
        rest = pattern.sub(word, rest)
    rest = withoutNames(rest)
    return head + re.sub(r"\x00(\d+)\x00", lambda found: kept[int(found[1])], rest)


def withoutNames(text: str) -> str:
    """A text without the names of the user and of the computer."""
    for name in _ownNames():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "<user>", text, flags=re.IGNORECASE)
    return text


def _ownWord(found: re.Match[str], keep: Callable[[str], str]) -> str:
    inside = next(group for group in found.groups() if group is not None)
    return keep(f"'{inside}'") if inside in _OWN_WORDS else keep("<name>")


def _ofProgram(path: str, keep: Callable[[str], str]) -> str:
    """The part of a path that is the program's own, or nothing of it."""
    blank = path[len(path.rstrip()) :]
    parts = re.split(r"[\\/]+", path.rstrip())
    at = next((number for number, part in enumerate(parts) if part in _PROGRAM_FOLDERS), None)
    if at is None or not parts[-1].endswith(_PROGRAM_FILES):
        return keep("<path>") + blank
    return keep("/".join(parts[at:])) + blank


@cache
def _ownNames() -> tuple[str, ...]:
    """Names of the user and the computer that are no common words."""
    names = [Path.home().name]
    for ask in (getpass.getuser, socket.gethostname):
        try:
            names.append(ask())
        except (OSError, KeyError, ImportError):  # no user database, as in a container
            continue
    common = {"root", "user", "home", "admin", "localhost", "slicer", "python", "model", "engine"}
    return tuple(name for name in dict.fromkeys(names) if len(name) > 2 and name.lower() not in common)
