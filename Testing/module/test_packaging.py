"""The extension's package holds what it needs and nothing that Slicer would stumble over."""

import ast
import importlib.util
import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from dualssl.model.integrity import verify_model
from DualSSLSegmentationLib.enginePath import INSTALLED_ENGINE

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "DualSSLSegmentation"
LIBRARY = MODULE / "DualSSLSegmentationLib"
MODULES = Path("lib/Slicer-5.12/qt-scripted-modules")

BUNDLED = {"slicer", "vtk", "numpy", "scipy", "SimpleITK", "dualssl", "DualSSLSegmentationLib"}
ONLY_WITH_WINDOWS = {"qt", "ctk"}
NOT_BUNDLED = ("torch", "monai", "safetensors", "lightning_fabric", "psutil", "typer", "rich", "matplotlib")
IMPORT_WITHOUT = """
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split():
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
for name in sys.argv[2:]:
    importlib.import_module(name)
"""

# The fields of slicer-extension-catalog-entry 1.0.2, those that must be there marked.
CATALOGUE_FIELDS = {
    "$schema": (str, True),
    "category": (str, True),
    "scm_url": (str, True),
    "scm_revision": (str, False),
    "scm_type": (str, False),
    "build_dependencies": (list, False),
    "dicom_support_rule": (str, False),
    "build_subdirectory": (str, False),
    "enabled": (bool, False),
    "tier": (int, False),
}


def tool(path):
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


cmake_lists = tool(ROOT / "Testing" / "tools" / "cmake_lists.py")
LISTS = cmake_lists.wanted_lists()


def sources():
    """The module's file and all of its library."""
    return [MODULE / "DualSSLSegmentation.py", *sorted(LIBRARY.rglob("*.py"))]


def has_windows(path):
    """Whether a file may use Qt: the module's own, the panels, and files that say so by their name."""
    return path.parent == MODULE or "panels" in path.parts or path.name.startswith("qt")


def imported_at_file_scope(path):
    """Full names of what is imported when a file is, blocks for type checkers left out."""

    def walk(nodes):
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                yield from walk(node.orelse)
            elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                yield from walk(ast.iter_child_nodes(node))

    return list(walk(ast.parse(path.read_text(encoding="utf-8")).body))


@pytest.fixture(scope="module")
def catalogue_entry():
    return json.loads((ROOT / "DualSSLSegmentation.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folders of a build and an installation made with CMake and a stand-in of Slicer."""
    cmake = shutil.which("cmake")
    if cmake is None or (shutil.which("cc") is None and sys.platform != "win32"):
        pytest.skip("cmake and a compiler are needed for a dry run of the package")
    build, installed = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("installed")
    slicer = ROOT / "Testing" / "harness" / "slicerCMake"
    configure = [cmake, "-S", ROOT, "-B", build, f"-DSlicer_DIR={slicer}", "-DBUILD_TESTING=ON", "-DCMAKE_BUILD_TYPE=Release"]
    for command in (configure, [cmake, "--install", build, "--prefix", installed]):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
    return build, installed / MODULES


@pytest.mark.parametrize("wanted", LISTS, ids=lambda wanted: wanted.variable)
def test_the_lists_are_the_files_on_the_disk(wanted):
    listed = cmake_lists.listed(wanted)
    missing, extra = sorted(set(wanted.files) - set(listed)), sorted(set(listed) - set(wanted.files))
    assert (missing, extra) == ([], []), "run: make cmake-lists"
    assert listed == wanted.files


def test_the_lists_hold_what_they_must():
    everything = {name for wanted in LISTS for name in wanted.files}
    assert {
        "DualSSLSegmentation.py",
        "DualSSLSegmentationLib/panels/common.py",
        "Resources/Icons/DualSSLSegmentation.png",
        "dualssl/worker/__main__.py",
        "dualssl/py.typed",
        "pyproject.toml",
    } <= everything
    assert not [name for name in everything if "__pycache__" in name or name.endswith((".pyc", ".egg-info"))]


@pytest.fixture
def another_tree(tmp_path):
    """A small copy of the repository's CMake files and folders."""
    for name in (
        "DualSSLSegmentation/CMakeLists.txt",
        "DualSSLSegmentation/DualSSLSegmentation.py",
        "DualSSLSegmentation/DualSSLSegmentationLib/__init__.py",
        "DualSSLSegmentation/DualSSLSegmentationLib/panels/new one.py",
        "DualSSLSegmentation/DualSSLSegmentationLib/__pycache__/x.cpython-312.pyc",
        "DualSSLSegmentation/DualSSLSegmentationLib/.hidden.py",
        "DualSSLSegmentation/Resources/UI/a.ui",
        "train/CMakeLists.txt",
        "train/dualssl/__init__.py",
        "train/dualssl/schema.json",
        "train/dualssl.egg-info/SOURCES.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file() and name.endswith(".txt"):
            shutil.copy(ROOT / name, tmp_path / name)
        else:
            (tmp_path / name).write_text("")
    return tmp_path


def test_the_lists_are_written_from_the_disk_and_then_stay(another_tree):
    assert cmake_lists.write_lists(another_tree) == ["DualSSLSegmentation/CMakeLists.txt", "train/CMakeLists.txt"]
    found = {wanted.variable: cmake_lists.listed(wanted, another_tree) for wanted in cmake_lists.wanted_lists(another_tree)}
    assert found == {
        "MODULE_PYTHON_SCRIPTS": (
            "DualSSLSegmentation.py",
            "DualSSLSegmentationLib/__init__.py",
            "DualSSLSegmentationLib/panels/new one.py",
        ),
        "MODULE_PYTHON_RESOURCES": ("Resources/UI/a.ui",),
        "ENGINE_PYTHON_SCRIPTS": ("dualssl/__init__.py",),
        "ENGINE_PYTHON_RESOURCES": ("pyproject.toml", "dualssl/schema.json"),
    }
    assert cmake_lists.write_lists(another_tree) == []


def test_a_list_that_is_gone_is_named(another_tree):
    (another_tree / "train" / "CMakeLists.txt").write_text("")
    with pytest.raises(ValueError, match="has no set"):
        cmake_lists.write_lists(another_tree)


def test_slicer_finds_one_module_only():
    """Any Python file directly in the folder would be taken for a module of its own."""
    assert [path.name for path in MODULE.glob("*.py")] == ["DualSSLSegmentation.py"]


def test_the_package_configures_and_installs(built):
    _, installed = built
    expected = {name for wanted in LISTS if wanted.cmake.startswith("Dual") for name in wanted.files}
    expected |= {f"{INSTALLED_ENGINE}/{name}" for wanted in LISTS if wanted.cmake.startswith("train") for name in wanted.files}
    expected |= {f"{INSTALLED_ENGINE}/LICENSE"}
    models = ROOT / "Resources" / "Models"
    shipped = [path.relative_to(models).as_posix() for path in models.rglob("*") if path.is_file()]
    expected |= {f"{INSTALLED_ENGINE}/Models/{name}" for name in shipped}
    found = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert found == expected


def test_nothing_is_installed_outside_the_folder_of_modules(built):
    _, installed = built
    prefix = installed.parents[len(MODULES.parts) - 1]
    assert [path for path in prefix.rglob("*") if path.is_file() and installed not in path.parents] == []


def test_the_modules_own_test_is_registered_with_and_without_a_main_window(built):
    build, _ = built
    tests = (build / "tests.txt").read_text().splitlines()
    assert "generic" in tests
    own = [line for line in tests if "DualSSLSegmentation" in line]
    assert len(own) == 2
    assert sorted("--no-main-window" in line for line in own) == [False, True]


def test_an_installed_extension_uses_its_own_engine_and_models(built):
    _, installed = built
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from DualSSLSegmentationLib.enginePath import addEngineToPath, engineDescription, shippedModels\n"
        "addEngineToPath()\n"
        "import dualssl\n"
        "from DualSSLSegmentationLib.setup.engineRequirements import readRequirements\n"
        "print(dualssl.__file__, shippedModels(), len(readRequirements(engineDescription())), sep='\\n')\n"
    )
    result = subprocess.run([sys.executable, "-c", code, installed], capture_output=True, text=True, check=True)
    engine, models, requirements = result.stdout.splitlines()
    assert Path(engine).parents[1] == installed / INSTALLED_ENGINE
    assert Path(models) == installed / INSTALLED_ENGINE / "Models"
    assert int(requirements) > 5


def test_a_model_ships_and_is_offered_before_a_person_has_one(built, tmp_path):
    from DualSSLSegmentationLib.jobs.modelCatalogue import ModelCatalogue

    _, installed = built
    for shipped in (ROOT / "Resources" / "Models", installed / INSTALLED_ENGINE / "Models"):
        catalogue = ModelCatalogue(shipped, tmp_path / "no registry yet")
        assert "Phantom (generated images)" in [choice.title for choice in catalogue.choices()]
        assert catalogue.default().standing == "shipped"
        assert all(verify_model(choice.folder).folder.parent == shipped for choice in catalogue.choices())


def test_the_extension_describes_itself(built, catalogue_entry):
    build, _ = built
    told = dict(line.split("=", 1) for line in (build / "metadata.txt").read_text().splitlines())
    assert all(told.values())
    assert told["DEPENDS"].split() == catalogue_entry["build_dependencies"]
    home = urlsplit(told["HOMEPAGE"])
    assert catalogue_entry["scm_url"].removesuffix(".git") == told["HOMEPAGE"]
    for url in [told["ICONURL"], *told["SCREENSHOTURLS"].split()]:
        parts = urlsplit(url)
        assert parts.netloc == "raw.githubusercontent.com"
        # /owner/repository/branch/path
        _, owner, repository, branch, *path = parts.path.split("/")
        assert f"/{owner}/{repository}" == home.path
        assert branch == catalogue_entry["scm_revision"]
        assert ROOT.joinpath(*path).is_file(), path


def test_the_addresses_stand_where_the_index_looks_for_them():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    for name in ("EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"):
        assert f'set({name} "https://' in text


def test_the_catalogue_entry_has_the_fields_of_its_schema(catalogue_entry):
    assert catalogue_entry["$schema"].endswith("/slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert set(catalogue_entry) <= set(CATALOGUE_FIELDS)
    for name, (kind, needed) in CATALOGUE_FIELDS.items():
        assert not needed or name in catalogue_entry
        assert name not in catalogue_entry or type(catalogue_entry[name]) is kind
    assert 1 <= catalogue_entry["tier"] <= 5
    assert catalogue_entry["scm_type"] in ("git", "local")
    assert all(type(name) is str for name in catalogue_entry["build_dependencies"])
    assert b"\r" not in (ROOT / "DualSSLSegmentation.json").read_bytes()


def test_module_project_and_catalogue_have_one_name(catalogue_entry):
    assert "project(DualSSLSegmentation)" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "class DualSSLSegmentation(" in (MODULE / "DualSSLSegmentation.py").read_text(encoding="utf-8")
    assert catalogue_entry["category"] == "Segmentation"


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(MODULE).as_posix())
def test_at_file_scope_only_what_slicer_bundles_is_imported(path):
    names = {name.split(".")[0] for name in imported_at_file_scope(path)}
    allowed = BUNDLED | set(sys.stdlib_module_names) | (ONLY_WITH_WINDOWS if has_windows(path) else set())
    assert names - allowed == set()


SOURCE = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import a
else:
    import b
try:
    import c.d
finally:
    pass
class K:
    from e import f
    def g(self):
        import h
"""


def test_the_search_for_imports_finds_them(tmp_path):
    path = tmp_path / "file.py"
    path.write_text(SOURCE)
    assert imported_at_file_scope(path) == ["typing", "b", "c.d", "e"]


def test_what_the_library_imports_of_the_engine_needs_nothing_that_slicer_lacks():
    names = sorted({name for path in sources() for name in imported_at_file_scope(path) if name.startswith("dualssl")})
    assert names
    command = [sys.executable, "-c", IMPORT_WITHOUT, " ".join(NOT_BUNDLED), *names]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_module_makes_the_engine_importable_before_anything_else_needs_it():
    code = (
        "import sys\nsys.path[:] = [entry for entry in sys.path if not entry.endswith('train')]\n"
        "sys.meta_path[:] = [finder for finder in sys.meta_path if 'editable' not in repr(finder)]\n"
        f"sys.path.insert(0, {str(MODULE)!r})\n"
        "import DualSSLSegmentationLib.jobs.jobState, DualSSLSegmentationLib.jobs.engineJob, dualssl\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def png_size(path):
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", header[16:24])


def test_the_icon_has_the_size_that_slicer_asks_for():
    assert png_size(MODULE / "Resources" / "Icons" / "DualSSLSegmentation.png") == (128, 128)
    width, height = png_size(MODULE / "Resources" / "Icons" / "DualSSLPhantom.png")
    assert (width, height) == (260, 280)


def test_the_icon_is_what_the_script_draws():
    image = pytest.importorskip("matplotlib.image")
    drawn = np.clip(tool(ROOT / "Docs" / "tools" / "draw_icons.py").icon(), 0, 1)
    kept = image.imread(MODULE / "Resources" / "Icons" / "DualSSLSegmentation.png")
    np.testing.assert_allclose(kept, drawn, atol=1.5 / 255)
    # Something is seen on a light and on a dark ground, and nothing is cut off at the border.
    assert kept[..., 3].mean() > 0.4
    assert max(kept[0, :, 3].max(), kept[-1, :, 3].max(), kept[:, 0, 3].max(), kept[:, -1, 3].max()) < 0.05


def test_the_sample_of_the_picture_is_the_sample():
    from DualSSLSegmentationLib.application.sampleData import PHANTOM_CASE

    assert tool(ROOT / "Docs" / "tools" / "draw_icons.py").SAMPLE_CASE == PHANTOM_CASE


def test_the_readme_names_the_versions_that_the_engine_needs():
    from DualSSLSegmentationLib.enginePath import engineDescription
    from DualSSLSegmentationLib.setup.engineRequirements import readRequirements

    text = (MODULE / "README.md").read_text(encoding="utf-8")
    bundled = {"numpy", "scipy", "SimpleITK"}
    assert [str(r) for r in readRequirements(engineDescription()) if r.name not in bundled and f'"{r}"' not in text] == []


def test_the_readme_names_files_that_are_there():
    text = (MODULE / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+\.py)`", text)) - {"DualSSLSegmentation.py"}
    assert named - {path.name for path in LIBRARY.rglob("*.py")} == set()
