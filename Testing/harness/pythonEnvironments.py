"""Python environments and wheels that are made in a moment, to install into and from with the real pip and without internet."""

from __future__ import annotations

import os
import shutil
import sys
import venv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def makeWheel(folder: Path, name: str, version: str, requires: Sequence[str] = (), code: str = "") -> Path:
    """A wheel with one module of the distribution's name.

    Args:
        folder: to put it into.
        name: of the distribution; `-` becomes `_` in the module's name.
        version: of the distribution.
        requires: its `Requires-Dist` lines.
        code: of the module.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = {
        f"{module}/__init__.py": code,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{info}/RECORD"
    files[record] = "".join(f"{path},,\n" for path in [*files, record])
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return path


def makeEnvironment(folder: Path, wheels: Sequence[Path] = ()) -> Path:
    """An environment with pip, into which wheels were installed.

    pip is that of this process, linked instead of installed: that takes a twentieth of the time.

    Returns:
        Its Python.
    """
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)
    program = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    borrowed = folder / "borrowed"
    borrowed.mkdir()
    import pip

    (borrowed / "pip").symlink_to(Path(pip.__file__).parent, target_is_directory=True)
    (_packagesOf(folder) / "borrowed.pth").write_text(f"{borrowed}\n", encoding="utf-8")
    for wheel in wheels:
        unpack(folder, wheel)
    return program


def unpack(folder: Path, wheel: Path) -> None:
    """Install a wheel into an environment without pip, over what is there of its name."""
    packages, name = _packagesOf(folder), wheel.name.split("-")[0]
    for earlier in packages.glob(f"{name}-*.dist-info"):
        shutil.rmtree(earlier)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)


def addStartUpCode(folder: Path, code: str) -> None:
    """Have an environment run code whenever its Python starts."""
    (_packagesOf(folder) / "sitecustomize.py").write_text(code, encoding="utf-8")


def plainEnvironment(**more: str) -> Mapping[str, str]:
    """The variables of this process without those that speak to its Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))} | more


def _packagesOf(folder: Path) -> Path:
    if os.name == "nt":
        return folder / "Lib" / "site-packages"
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
