"""The engine is found in the source tree and in an installed extension, and nowhere else."""

import sys
from pathlib import Path

import pytest

from DualSSLSegmentationLib.enginePath import (
    INSTALLED_ENGINE,
    MODULE_FOLDER,
    EngineNotFoundError,
    addEngineToPath,
    engineDescription,
    engineFolder,
    shippedModels,
)

ROOT = Path(__file__).resolve().parents[2]


def put_engine(folder):
    (folder / "dualssl").mkdir(parents=True)
    (folder / "dualssl" / "version.py").write_text("__version__ = '9'\n")
    (folder / "pyproject.toml").write_text("")
    return folder


@pytest.fixture
def installed_module(tmp_path):
    """Folder of scripted modules as an installed extension has it, in a place with a blank and an accent."""
    folder = tmp_path / "Erweiterung é 1" / "qt-scripted-modules"
    put_engine(folder / INSTALLED_ENGINE)
    return folder


@pytest.fixture
def import_path(monkeypatch):
    """The import path of this process, put back afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return sys.path


def test_in_the_source_tree_the_engine_is_train():
    assert MODULE_FOLDER == ROOT / "DualSSLSegmentation"
    assert engineFolder() == ROOT / "train"
    assert engineDescription().is_file()
    assert shippedModels() == ROOT / "Resources" / "Models"


def test_in_an_installed_extension_the_engine_is_beside_the_module(installed_module):
    assert engineFolder(installed_module) == installed_module / INSTALLED_ENGINE
    assert engineDescription(installed_module).parent == installed_module / INSTALLED_ENGINE
    assert shippedModels(installed_module) == installed_module / INSTALLED_ENGINE / "Models"


def test_an_installed_engine_wins_over_a_folder_that_happens_to_be_called_train(installed_module):
    put_engine(installed_module.parent / "train")
    assert engineFolder(installed_module) == installed_module / INSTALLED_ENGINE


def test_an_extension_without_its_engine_says_what_to_do(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(EngineNotFoundError, match=r"neither in .* nor in .*: install the extension again"):
        engineFolder(tmp_path / "module")


def test_the_engine_comes_first_on_the_import_path_and_only_once(installed_module, import_path):
    engine = str(installed_module / INSTALLED_ENGINE)
    import_path.append(engine)
    addEngineToPath(installed_module)
    addEngineToPath(installed_module)
    assert sys.path[0] == engine
    assert sys.path.count(engine) == 1
