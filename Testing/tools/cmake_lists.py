"""Write the lists of files in the CMake files anew from what is on the disk: `make cmake-lists`, or run this file.

An unlisted file is silently missing from the package of the extension, so a test compares the lists with the disk.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = "DualSSLSegmentation"

# What tools leave beside the sources.
_MADE = {"__pycache__", "build"}
_MADE_ENDINGS = (".pyc", ".egg-info", "~", ".orig", ".swp")


@dataclass(frozen=True)
class FileList:
    """A list in a CMake file.

    Attributes:
        cmake: the file, relative to the root of the repository.
        variable: name of the list.
        files: what it should hold, relative to the folder of `cmake`.
    """

    cmake: str
    variable: str
    files: tuple[str, ...]

    def pattern(self) -> re.Pattern[str]:
        """Finds the list's `set(...)`, its entries as the first group."""
        return re.compile(rf"set\({self.variable}\n(.*?)\)", re.DOTALL)


def wanted_lists(root: Path = ROOT) -> list[FileList]:
    """All lists, as the disk has it."""
    module, engine = root / MODULE, root / "train"
    scripts = [f"{MODULE}.py", *_below(module, f"{MODULE}Lib", (".py",))]
    code = _below(engine, "dualssl", (".py",))
    return [
        FileList(f"{MODULE}/CMakeLists.txt", "MODULE_PYTHON_SCRIPTS", tuple(scripts)),
        FileList(f"{MODULE}/CMakeLists.txt", "MODULE_PYTHON_RESOURCES", tuple(_below(module, "Resources"))),
        FileList("train/CMakeLists.txt", "ENGINE_PYTHON_SCRIPTS", tuple(code)),
        FileList(
            "train/CMakeLists.txt",
            "ENGINE_PYTHON_RESOURCES",
            ("pyproject.toml", *(path for path in _below(engine, "dualssl") if path not in code)),
        ),
    ]


def listed(wanted: FileList, root: Path = ROOT) -> tuple[str, ...]:
    """What a list holds now.

    Raises:
        ValueError: there is no such list.
    """
    found = wanted.pattern().search((root / wanted.cmake).read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{wanted.cmake} has no set({wanted.variable} ...)")
    return tuple(line.strip() for line in found[1].splitlines() if line.strip())


def write_lists(root: Path = ROOT) -> list[str]:
    """Bring every list in line with the disk.

    Returns:
        The CMake files that changed.

    Raises:
        ValueError: a list is not there.
    """
    changed = []
    for wanted in wanted_lists(root):
        if listed(wanted, root) == wanted.files:
            continue
        path = root / wanted.cmake
        entries = "".join(f"  {name}\n" for name in wanted.files)
        text = path.read_text(encoding="utf-8")
        path.write_text(
            wanted.pattern().sub(lambda _, v=wanted.variable, e=entries: f"set({v}\n{e}  )", text), encoding="utf-8"
        )
        changed.append(wanted.cmake)
    return list(dict.fromkeys(changed))


def _below(folder: Path, name: str, endings: tuple[str, ...] = ()) -> list[str]:
    """Files in a folder below `folder`, relative to `folder`, without what tools make."""
    found = []
    for path in (folder / name).rglob("*"):
        parts = path.relative_to(folder).parts
        made = any(part in _MADE or part.startswith(".") or part.endswith(_MADE_ENDINGS) for part in parts)
        if path.is_file() and not made and (not endings or path.suffix in endings):
            found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def main() -> None:
    """Write the lists and say which files changed."""
    for name in write_lists():
        sys.stdout.write(f"{name} was written anew\n")


if __name__ == "__main__":
    main()
