"""What holds for the package as a whole: what it needs is pinned, permissive and of the engine's version."""

import ast
import re
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dualssl.version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "web" / "dualssl_web"
MODULES = sorted(PACKAGE.rglob("*.py"))
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PERMISSIVE = ("MIT", "BSD", "APACHE", "ISC", "PSF", "PYTHON SOFTWARE FOUNDATION", "ZLIB", "CC0", "HPND", "MPL-2.0")


def project(package="web"):
    return tomllib.loads((ROOT / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def holds(requirement, python, extra=""):
    here = {"python_version": python, "python_full_version": f"{python}.0", "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate(here)


def asked_for():
    return [Requirement(line) for line in [*project()["dependencies"], *project()["optional-dependencies"]["test"]]]


def pins(python):
    lines = (line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    found = [Requirement(line) for line in lines if line]
    return {normalised(line.name): next(iter(line.specifier)).version for line in found if holds(line, python)}


def closure():
    """Everything that installing the package brings along here, by its normalised name."""
    found, left = {}, [requirement for requirement in asked_for() if requirement.name != "dualssl"]
    while left:
        wanted = left.pop()
        name = normalised(wanted.name)
        if name in found or not (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            continue
        found[name] = distribution(wanted.name)
        left += [Requirement(line) for line in found[name].requires or []]
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_pinned_within_what_the_package_allows(python):
    pinned = pins(python)
    for wanted in asked_for():
        if wanted.name != "dualssl" and holds(wanted, python):
            assert wanted.specifier.contains(pinned[normalised(wanted.name)]), wanted


def test_everything_that_comes_along_is_pinned_to_what_is_installed():
    pinned = pins(f"{sys.version_info.major}.{sys.version_info.minor}")
    here = {name: found.version.split("+")[0] for name, found in closure().items()}
    assert {name: version for name, version in here.items() if pinned.get(name) != version} == {}
    assert {"trame-slicer", "wslink", "aiohttp", "playwright", "vtk"} <= set(here)


def test_everything_that_comes_along_has_a_permissive_licence():
    others = {}
    for name, found in closure().items():
        told = [found.metadata.get("License-Expression") or "", (found.metadata.get("License") or "")[:200]]
        told += [line for line in found.metadata.get_all("Classifier") or [] if line.startswith("License")]
        text = " ".join(told).upper()
        if not any(word in text for word in PERMISSIVE) or re.search(r"\bL?GPL|GENERAL PUBLIC", text):
            others[name] = text
    assert others == {}


def test_floors_and_ceilings_are_stated():
    ranges = [line for line in project()["dependencies"] if not line.startswith("dualssl==")]
    assert [line for line in ranges if ">=" not in line or "<" not in line] == []


def test_it_is_of_the_engines_version():
    assert project()["version"] == __version__
    assert f"dualssl=={__version__}" in project()["dependencies"]
    assert project()["requires-python"] == project("train")["requires-python"]


def test_slicer_is_asked_for_where_the_tests_of_the_module_ask_for_it():
    mine = next(line for line in project()["dependencies"] if line.startswith("slicer-core"))
    assert mine in project("train")["optional-dependencies"]["slicer-test"]


def test_its_commands_are_there():
    commands = {entry.name: entry.load() for entry in distribution("dualssl-web").entry_points}
    assert set(commands) == {"dualssl-web", "dualssl-web-users"} == set(project()["scripts"])


def test_nothing_is_unpickled_printed_or_run_by_a_shell():
    forbidden = {"pickle", "marshal", "shelve", "dill", "joblib"}
    found = []
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            place = f"{module.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [place for name in names if name.split(".")[0] in forbidden]
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                shell = [word for word in node.keywords if word.arg in {"shell", "allow_pickle"}]
                found += [place] if called in {"print", "eval", "exec", "system", "loads_pickle"} or shell else []
    assert len(MODULES) > 15
    assert found == []
