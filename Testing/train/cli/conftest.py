"""A tiny dataset, a model trained on it through the command line, and ways to run commands."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dualssl.cli.app import app
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume

SHAPE = (20, 24, 34)
GRID = Geometry(SHAPE, spacing=(2.0, 1.0, 1.0), origin=(10.0, -20.0, 30.0))
HINT = "At the command line: "
CASES = tuple(f"case_{number}" for number in range(6))
TINY = ("--iterations", 3, "--patch", "16,16,32", "--batch", 2, "--width", 2, "--seed", 1, "--device", "cpu")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind: exit status and the two streams."""

    status: int
    out: str
    err: str

    @property
    def complaint(self):
        """The one sentence on stderr, the only one of its kind; after it comes a hint at most, and no traceback."""
        assert "Traceback" not in self.err + self.out
        lines = [line for line in self.err.splitlines() if line.strip() and not line.startswith(HINT)]
        assert [line.startswith("Error: ") for line in lines].count(True) == 1, self.err
        assert lines[-1].startswith("Error: "), self.err
        assert lines[-1].endswith("."), self.err
        return lines[-1].removeprefix("Error: ")

    @property
    def hint(self):
        """The option or command that the sentence means, in the last line of stderr."""
        last = self.err.splitlines()[-1]
        assert last.startswith(HINT), self.err
        return last.removeprefix(HINT)


def run_here(*arguments):
    """Run a command in this process, where torch is loaded already; what is not a clean exit comes out as it is."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            app([str(argument) for argument in arguments], prog_name="dualssl")
        except SystemExit as end:
            status = end.code or 0
    return Outcome(status, out.getvalue(), err.getvalue())


def run_apart(*arguments, cwd=None):
    """Run a command as a person does, in a process of its own."""
    command = [str(Path(sys.executable).with_name("dualssl")), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=cwd, env=environment)
    return Outcome(result.returncode, result.stdout, result.stderr)


def tiny_image(number, shape=SHAPE):
    """A bright ball with a brighter half, in noise: (int16 image, label map with values 1 and 2)."""
    random = np.random.default_rng(number)
    k, j, i = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    centre = np.array(shape) / 2 + random.uniform(-1, 1, 3)
    ball = (k - centre[0]) ** 2 + (j - centre[1]) ** 2 + (i - centre[2]) ** 2 < 49
    label = ball.astype(np.uint8) + (ball & (i > centre[2]))
    return (label * 60 + random.normal(0, 8, shape)).astype(np.int16), label.astype(np.uint8)


@pytest.fixture(scope="session")
def dualssl():
    return run_here


@pytest.fixture(scope="session")
def dualssl_process():
    return run_apart


@pytest.fixture(scope="session")
def grid():
    return GRID


@pytest.fixture(scope="session")
def image():
    """A volume that no dataset holds, with contrast."""
    return Volume(tiny_image(99)[0], GRID)


@pytest.fixture(scope="session")
def intact_dataset(write_dataset, tmp_path_factory):
    """Six labelled cases and their lists; only for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("data") / "Balls"
    cases = {}
    for number, name in enumerate(CASES):
        array, label = tiny_image(number)
        cases[name] = ([Volume(array, GRID)], Volume(label, GRID))
    write_dataset(folder, cases, ("left half", "right half"), "Balls")
    lists = {"labelled.txt": CASES[:2], "unlabelled.txt": CASES[2:4], "validation.txt": CASES[4:]}
    for name, cases in lists.items():
        (folder / name).write_text("".join(f"{case}\n" for case in cases))
    return folder


@pytest.fixture
def own_dataset(intact_dataset, tmp_path):
    """A copy to harm."""
    return Path(shutil.copytree(intact_dataset, tmp_path / "own dataset"))


def training_arguments(dataset, run, preset="strong", labelled=None):
    return (
        *("train", dataset, "--labelled", labelled or dataset / "labelled.txt"),
        *("--preset", preset, "--output", run, *TINY),
    )


@pytest.fixture(scope="session")
def training():
    """Arguments of a tiny training run."""
    return training_arguments


@pytest.fixture(scope="session")
def trained_run(intact_dataset, tmp_path_factory):
    """The folder of a finished run of preset `strong` with all three lists, started through the command line."""
    run = tmp_path_factory.mktemp("runs") / "RUN"
    lists = ("--unlabelled", intact_dataset / "unlabelled.txt", "--validation", intact_dataset / "validation.txt")
    outcome = run_here(*training_arguments(intact_dataset, run), *lists)
    assert outcome.status == 0, outcome.err
    return run


@pytest.fixture(scope="session")
def model(trained_run):
    return trained_run / "model"


@pytest.fixture
def own_model(model, tmp_path):
    """A copy to harm."""
    return Path(shutil.copytree(model, tmp_path / "own model"))


@pytest.fixture
def registry(model, tmp_path):
    """A registry that holds the model."""
    folder = tmp_path / "registry of é"
    outcome = run_here("models", "add", folder, model, "--create")
    assert outcome.status == 0, outcome.err
    return folder
