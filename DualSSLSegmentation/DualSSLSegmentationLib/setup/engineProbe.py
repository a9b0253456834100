"""A script for another interpreter: what is installed there, as one line of JSON. Standard library only, Python 3.8 or newer.

Arguments: `import` or `look`, then the modules in question. With `import` each is really imported, which finds broken
installations and takes some seconds.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import sys
from pathlib import Path

MARK = "DualSSL-probe "


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed(lines: list[str] | None) -> list[str]:
    """Names in `Requires-Dist` lines, without those of extras."""
    names = set()
    for line in lines or ():
        found = re.match(r"\s*([A-Za-z0-9._-]+)", line)
        if found and not re.search(r";.*\bextra\b", line):
            names.add(_normalised(found.group(1)))
    return sorted(names)


def _distributions() -> tuple[dict[str, str], dict[str, list[str]]]:
    versions, needs = {}, {}
    for found in importlib.metadata.distributions():
        name = found.metadata["Name"]
        # The first on the path is the one that is imported.
        if name and _normalised(name) not in versions:
            versions[_normalised(name)] = found.version or ""
            needs[_normalised(name)] = _needed(found.requires)
    return versions, needs


def _state_of(module: str, really: bool) -> str:
    """`missing`, `there`, or what went wrong when it was imported."""
    try:
        if importlib.util.find_spec(module) is None:
            return "missing"
        if really:
            importlib.import_module(module)
    except Exception as error:
        first = str(error).partition("\n")[0]
        return f"{type(error).__name__}: {first}"
    return "there"


def _main() -> None:
    # A script's own folder is searched first, and the names of our files mean nothing here.
    own = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != own]
    really, modules = sys.argv[1] == "import", sys.argv[2:]
    versions, needs = _distributions()
    facts = {
        "python": platform.python_version(),
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "versions": versions,
        "needs": needs,
        "modules": {module: _state_of(module, really) for module in modules},
    }
    sys.stdout.write("\n" + MARK + json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main()
