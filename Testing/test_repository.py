"""What holds for the repository as a whole: what is pinned, what is tracked, what no module may do."""

import ast
import re
import stat
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from dualssl.model.integrity import verify_model
from dualssl.version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "train" / "dualssl"
MODULES = sorted(PACKAGE.rglob("*.py"))
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
"""What `make setup` is to work with; the newest is the last that torch 2.13.0 has wheels for."""

LARGEST_FILE = 1_000_000
SHIPPED_MODELS = ROOT / "Resources" / "Models"
LARGEST_MODEL = 30_000_000
"""Bytes of one model that ships: a repository over 100 MB is refused by the extension index, and nothing leaves its history."""
LONGEST_MODULE = 450

UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
"""Modules that run code while they read."""


def normalised(name):
    """As PEP 503 compares names of distributions."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project():
    return tomllib.loads((ROOT / "train" / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def constraints():
    """The lines of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


def holds(requirement, python):
    """Whether a requirement is one under that version of Python, by its marker."""
    return requirement.marker is None or requirement.marker.evaluate(
        {"python_version": python, "python_full_version": f"{python}.0"}
    )


def version_pinned_by(constraint):
    return next(iter(constraint.specifier)).version


def pins(python):
    """Distribution to the version that constraints.txt gives it under that version of Python."""
    return {normalised(line.name): version_pinned_by(line) for line in constraints() if holds(line, python)}


def requirements(python):
    """Everything that the package and its extras ask for under that version of Python."""
    extras = [line for lines in project()["optional-dependencies"].values() for line in lines]
    wanted = [Requirement(line) for line in [*project()["dependencies"], *extras]]
    return [requirement for requirement in wanted if holds(requirement, python)]


def tracked_files():
    """What git tracks, or would; in a copy without git, everything that no tool made."""
    if (ROOT / ".git").exists():
        command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    made = {".venv", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis", "build", "demo", "runs"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.relative_to(ROOT).parts)]


def parsed(module):
    return ast.parse(module.read_text(encoding="utf-8"), str(module))


def dotted(node):
    """`torch.load` for the tree of that expression; empty for anything that is no dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def unpickling_in(tree):
    """Every place in a module that could unpickle, as text."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"import {name.name}" for name in node.names if name.name.split(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom):
            names = {name.name for name in node.names}
            if (node.module or "").split(".")[0] in UNPICKLERS or (node.module == "torch" and "load" in names):
                found.append(f"from {node.module} import {', '.join(sorted(names))}")
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in {"torch.load", "torch.jit.load", "torch.hub.load", "pandas.read_pickle"}:
                found.append(name)
            allowed = [word.value for word in node.keywords if word.arg == "allow_pickle"]
            if allowed and not (isinstance(allowed[0], ast.Constant) and allowed[0].value is False):
                found.append(f"{name}(allow_pickle=...)")
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_torch_is_pinned_to_what_is_tested(python):
    assert pins(python)["torch"] == "2.13.0"


def test_every_constraint_is_one_exact_version():
    inexact = [str(line) for line in constraints() if [part.operator for part in line.specifier] != ["=="]]
    assert inexact == []


def test_every_constraint_serves_some_python():
    assert [str(line) for line in constraints() if not any(holds(line, python) for python in PYTHONS)] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_no_distribution_is_pinned_twice_for_one_python(python):
    names = [normalised(line.name) for line in constraints() if holds(line, python)]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_pinned(python):
    wanted = {normalised(requirement.name) for requirement in requirements(python)}
    assert {"torch", "numpy", "simpleitk", "pytest"} <= wanted
    assert wanted - set(pins(python)) == set()


def test_the_package_itself_states_floors_and_ceilings():
    open_ended = [line for line in project()["dependencies"] if ">=" not in line or "<" not in line]
    assert open_ended == []


@pytest.mark.parametrize("python", PYTHONS)
def test_pins_are_within_what_the_package_allows(python):
    pinned = pins(python)
    outside = [str(wanted) for wanted in requirements(python) if not wanted.specifier.contains(pinned[normalised(wanted.name)])]
    assert outside == []


def test_a_pin_is_for_no_python_that_its_release_refuses():
    """Of what is installed here: the metadata of other releases are not at hand."""
    here = {
        (normalised(found.name), found.version.split("+")[0]): found.metadata["Requires-Python"] for found in distributions()
    }
    refusing = []
    for line in constraints():
        supported = SpecifierSet(here.get((normalised(line.name), version_pinned_by(line))) or "")
        refusing += [f"{line} on {python}" for python in PYTHONS if holds(line, python) and f"{python}.0" not in supported]
    assert len(here) > len(project()["dependencies"])
    assert refusing == []


def outside_models():
    """What is tracked, models that ship left out: `test_models_that_ship_are_intact_and_small` looks after those."""
    return [path for path in tracked_files() if SHIPPED_MODELS not in path.parents]


def test_no_tracked_file_is_large():
    large = {
        str(path.relative_to(ROOT)): path.stat().st_size for path in outside_models() if path.stat().st_size > LARGEST_FILE
    }
    assert large == {}


def test_no_volume_or_weights_are_tracked():
    kinds = (".nrrd", ".nii", ".nii.gz", ".mha", ".mhd", ".dcm", ".safetensors", ".pt", ".pth", ".ckpt", ".onnx", ".npz")
    assert [str(path) for path in outside_models() if path.name.lower().endswith(kinds)] == []


def test_models_that_ship_are_intact_and_small():
    for folder in (path for path in SHIPPED_MODELS.iterdir() if path.is_dir()):
        info = verify_model(folder)
        assert info.size <= LARGEST_MODEL, folder.name
        assert info.manifest.provenance.get("stored_as") == "float16", folder.name
        assert info.manifest.provenance.get("licence"), folder.name
        assert info.manifest.provenance.get("limits"), folder.name


def test_a_checkout_changes_no_byte_of_a_model_that_ships():
    """Line ends of another system would break the checksums."""
    rules = (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "Resources/Models/** -text" in rules


def test_nothing_is_ever_unpickled():
    found = {str(module.relative_to(ROOT)): unpickling_in(parsed(module)) for module in MODULES}
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
    ],
)
def test_the_search_for_unpickling_finds_it(code):
    assert unpickling_in(ast.parse(code))


def test_nothing_is_printed_past_the_console():
    printing = [
        f"{module.relative_to(ROOT)}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.Call) and dotted(node.func) == "print"
    ]
    assert printing == []


def test_every_module_is_short():
    files = [path for path in tracked_files() if path.suffix == ".py"]
    assert len(files) > len(MODULES) > 50
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_every_folder_of_tests_mirrors_a_package():
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    folders = {path.name for path in (ROOT / "Testing" / "train").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= packages


def test_the_two_commands_of_the_readme_are_there():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", text, re.MULTILINE))
    assert {"setup", "demo", "test", "lint", "bench"} <= targets
    for target in ("demo", "test"):
        assert re.search(rf"^{target}:.*\bsetup\b", text, re.MULTILINE), target
    assert "--constraint constraints.txt" in text


def test_continuous_integration_runs_the_tests():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    assert "make test" in script.read_text(encoding="utf-8")


def test_the_licence_is_apache_2_everywhere():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0" in text
    assert project()["license"]["text"] == "Apache-2.0"


def test_the_installed_package_is_this_one():
    import dualssl

    assert Path(dualssl.__file__).parent == PACKAGE
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d+)?", __version__)
    assert project()["requires-python"] == ">=3.10"


def test_no_file_names_a_machine_path():
    home = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/\w")
    texts = [path for path in tracked_files() if path.suffix in {".py", ".md", ".toml", ".txt", ".json", ".cmake", ""}]
    naming = []
    for path in texts:
        if path == Path(__file__).resolve():
            continue
        if home.search(path.read_text(encoding="utf-8", errors="replace")):
            naming.append(str(path.relative_to(ROOT)))
    assert naming == []
