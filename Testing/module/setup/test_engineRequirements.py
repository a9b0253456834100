"""What the engine needs is said in one place, its pyproject.toml, and checked as pip would."""

import ast
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement as PipRequirement
from packaging.version import Version

from DualSSLSegmentationLib.enginePath import engineDescription
from DualSSLSegmentationLib.setup.engineRequirements import COMMAND_LINE_ONLY, normalised, readRequirements, release

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]


def imported_by(path):
    """Everything that a file imports, anywhere in it, by its full name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.fixture(scope="module")
def dependencies():
    """The lines of pyproject.toml as pip reads them."""
    project = tomllib.loads((ROOT / "train" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [PipRequirement(line) for line in project["dependencies"]]


@pytest.fixture
def description(tmp_path):
    """Writes a pyproject.toml with these dependencies."""

    def write(*lines):
        path = tmp_path / "pyproject.toml"
        path.write_text(f"[project]\ndependencies = {list(lines)!r}\n", encoding="utf-8")
        return path

    return write


def test_the_requirements_are_those_of_the_engine(dependencies):
    read = readRequirements(engineDescription())
    wanted = {normalised(line.name): line.specifier for line in dependencies if line.name not in COMMAND_LINE_ONLY}
    assert {requirement.key: PipRequirement(str(requirement)).specifier for requirement in read} == wanted
    assert {line.name for line in dependencies} >= COMMAND_LINE_ONLY


def test_each_requirement_says_what_it_is_for_and_how_large():
    for requirement in readRequirements(engineDescription()):
        assert len(requirement.purpose) > 4
        assert requirement.size.split()[1] == "MB"


def test_a_dependency_that_nothing_is_said_of_is_refused(description):
    with pytest.raises(ValueError, match=r"say in engineRequirements.py what 'leftpad' is for"):
        readRequirements(description("numpy>=1.26,<3", "leftpad>=1,<2"))


def test_a_dependency_without_a_ceiling_is_refused(description):
    with pytest.raises(ValueError, match=r"'numpy>=1.26' is not of the form"):
        readRequirements(description("numpy>=1.26"))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.sampled_from(["", "+cpu", "+cu126", ".post1"]))
def test_versions_fit_as_pip_says(numbers, suffix):
    version = ".".join(map(str, numbers)) + suffix
    for requirement in readRequirements(engineDescription()):
        expected = PipRequirement(str(requirement)).specifier.contains(version, prereleases=True)
        assert requirement.fits(version) is expected, (requirement, version)


@pytest.mark.parametrize("version", ["2.5.0rc2", "2.5.0.dev126", "2.5.0rc2.dev126+g1a2b3c"])
def test_a_preview_that_slicer_was_built_with_counts_as_its_version(version):
    (itk,) = [r for r in readRequirements(engineDescription()) if r.name == "SimpleITK"]
    assert itk.fits(version)


@given(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(rc[0-9])?(\+[a-z]{1,4})?", fullmatch=True))
def test_the_numbers_of_a_version_are_those_of_its_release(version):
    assert release(version) == Version(version).release


def test_nothing_but_the_command_line_needs_what_is_left_out():
    package = ROOT / "train" / "dualssl"
    needing = {
        str(path.relative_to(package)): name
        for path in package.rglob("*.py")
        for name in imported_by(path)
        if name.split(".")[0] in COMMAND_LINE_ONLY or name.startswith("dualssl.cli")
    }
    assert needing
    assert {name: what for name, what in needing.items() if Path(name).parts[0] not in ("cli", "__main__.py")} == {}
