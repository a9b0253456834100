"""The application's Python keeps the application's environment; a person's own is free of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dualssl.version import __version__
from DualSSLSegmentationLib.setup.commands import runAndWait
from DualSSLSegmentationLib.setup.interpreters import foreignInterpreter, ownInterpreter, programIn
from pythonEnvironments import makeEnvironment

ENGINE = Path(__file__).resolve().parents[3] / "train"
TELL = "import json, os, sys, dualssl; print(json.dumps([sys.prefix, sys.path, dict(os.environ), dualssl.__file__]))"


@pytest.fixture
def slicer_home(tmp_path):
    """A folder of an installed Slicer that would break a foreign interpreter."""
    home = tmp_path / "Slicer 5.12"
    for folder in ("bin", "lib/Python/Lib", "lib/QtPlugins"):
        (home / folder).mkdir(parents=True)
    (home / "lib" / "json.py").write_text("raise RuntimeError('a module of Slicer was imported')\n")
    return home


@pytest.fixture
def slicer_environment(slicer_home):
    """What a process inherits from Slicer, with a person's own CUDA and proxy in it."""
    inside = [str(slicer_home / "lib"), str(slicer_home / "bin")]
    return {
        "PATH": os.pathsep.join([*inside, os.environ["PATH"]]),
        "HOME": os.environ["HOME"],
        "LD_LIBRARY_PATH": os.pathsep.join([*inside, "/opt/cuda/lib64"]),
        "QT_PLUGIN_PATH": str(slicer_home / "lib/QtPlugins"),
        "PYTHONHOME": str(slicer_home / "lib/Python"),
        "PYTHONPATH": os.pathsep.join(inside),
        "PYTHONNOUSERSITE": "1",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "SLICER_HOME": str(slicer_home),
        "APPLAUNCHER_0_PATH": "/usr/bin",
        "HTTPS_PROXY": "http://proxy:8080",
        "CUDA_VISIBLE_DEVICES": "1",
    }


@pytest.fixture
def an_environment(tmp_path):
    return makeEnvironment(tmp_path / "a person's own é")


def told_by(interpreter, code=TELL):
    """What a piece of code says when an interpreter runs it with the engine."""
    finished = []
    runAndWait(interpreter.command(("-c", code), ENGINE, 30.0), lambda _: None, finished.append)
    assert finished[0].code == 0, finished[0].errors
    return json.loads(finished[0].output)


def test_a_foreign_python_runs_although_slicers_environment_would_break_it(slicer_environment, slicer_home, an_environment):
    foreign = foreignInterpreter(an_environment, slicer_environment, slicer_home)
    prefix, path, environment, engine = told_by(foreign)
    assert Path(prefix) == an_environment.parents[1]
    assert Path(engine).parent == ENGINE / "dualssl"
    assert str(slicer_home) not in json.dumps([path, environment])
    assert environment["LD_LIBRARY_PATH"] == "/opt/cuda/lib64"


def test_without_that_it_would_break(slicer_environment, slicer_home, an_environment):
    finished = []
    command = ownInterpreter(an_environment, slicer_environment).command(("-c", TELL), ENGINE, 30.0)
    runAndWait(command, lambda _: None, finished.append)
    assert finished[0].code != 0


def test_a_persons_own_settings_stay(slicer_environment, slicer_home):
    kept = foreignInterpreter(Path("python"), slicer_environment, slicer_home).environment
    assert kept["HTTPS_PROXY"] == "http://proxy:8080"
    assert kept["CUDA_VISIBLE_DEVICES"] == "1"
    assert kept["PATH"] == os.environ["PATH"]
    assert "QT_PLUGIN_PATH" not in kept
    gone = {name for name in slicer_environment if name.startswith(("PYTHONHOME", "PYTHONPATH", "SLICER_", "APPL", "PIP_"))}
    assert len(gone) == 5
    assert not gone & kept.keys()


def test_a_folder_beside_the_application_is_not_taken_for_a_part_of_it(slicer_home):
    beside = f"{slicer_home}-tools/bin"
    assert foreignInterpreter(Path("python"), {"PATH": beside}, slicer_home).environment["PATH"] == beside


def test_slicers_own_python_keeps_all_of_slicers_environment(slicer_environment):
    own = ownInterpreter(Path("PythonSlicer"), slicer_environment)
    assert slicer_environment.items() <= own.environment.items()
    assert own.own


def test_the_engine_comes_before_slicers_paths_once(slicer_environment, slicer_home):
    own = ownInterpreter(Path("PythonSlicer"), slicer_environment)
    again = ownInterpreter(Path("PythonSlicer"), own.environmentWith(ENGINE)).environmentWith(ENGINE)
    assert again["PYTHONPATH"].split(os.pathsep) == [str(ENGINE), str(slicer_home / "lib"), str(slicer_home / "bin")]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python has that switch since 3.11, and Slicer 5.10 has 3.12")
def test_files_in_the_folder_that_slicer_was_started_from_are_not_imported(an_environment, tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise RuntimeError('somebody else is random')\n")
    monkeypatch.chdir(tmp_path)
    foreign = foreignInterpreter(an_environment, os.environ, None)
    assert told_by(foreign, "import random, dualssl; print(1)") == 1


def test_the_worker_is_a_module_of_the_engine():
    own = ownInterpreter(Path("PythonSlicer"), {})
    assert own.workerArguments() == ("PythonSlicer", "-m", "dualssl.worker")
    assert own.workerArguments(Path("log.txt"))[3:] == ("--log", "log.txt")
    assert own.environmentWith(ENGINE)["PYTHONUNBUFFERED"] == "1"


def test_a_worker_answers_in_that_environment(tmp_path):
    foreign = foreignInterpreter(Path(sys.executable), os.environ, None)
    arguments = foreign.workerArguments(tmp_path / "log é.txt")
    with subprocess.Popen(
        arguments, env=foreign.environmentWith(ENGINE), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {}}\n')
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(30) == 0
    assert answer["result"]["dualssl"] == __version__


def test_a_person_may_choose_an_environment_by_its_folder(an_environment, tmp_path):
    assert programIn(an_environment) == an_environment
    assert programIn(an_environment.parents[1]).parent == an_environment.parent
    (tmp_path / "empty").mkdir()
    assert programIn(tmp_path / "empty") is None
    assert programIn(tmp_path / "not there") is None
