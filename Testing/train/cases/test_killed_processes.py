"""A process that is killed at any point costs at most the write it was at."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dualssl.cases import CaseLibrary, CaseState
from dualssl.cases.check import check_library

ROUNDS = 20

# Says each write once it is done, as a server would answer its client.
WORKER = """
import sys
from pathlib import Path
import numpy as np
from dualssl.cases import CaseLibrary, CaseState, PredictionFiles
from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume

grid = Geometry((8, 12, 12))
start = int(sys.argv[2])

def voxels(seed, high, dtype):
    return Volume(np.random.default_rng(seed).integers(0, high, grid.shape).astype(dtype), grid)

def say(*words):
    print(*words, flush=True)

with CaseLibrary.open(Path(sys.argv[1])) as library:
    say("ready")
    for seed in range(start, start + 10_000):
        name = f"case_{seed}"
        library.add_case(name, [voxels(seed, 900, np.int16)])
        say("case", name, seed)
        prediction = PredictionFiles(voxels(seed + 1, 3, np.uint8), model_id="m", scores={"entropy": 0.5})
        library.add_prediction(name, prediction)
        say("prediction", name, seed + 1)
        version = library.save_correction(name, voxels(seed + 2, 3, np.uint8), reviewer="Ada")
        say("labels", name, seed + 2, version.number)
        version = library.save_correction("shared", voxels(seed + 3, 3, np.uint8), reviewer="Bo")
        say("labels", "shared", seed + 3, version.number)
        library.set_state(name, CaseState.excluded)
        say("excluded", name)
        if seed % 2:
            library.remove_case(name)
            say("removed", name)
"""
SHAPE = (8, 12, 12)


def voxels(seed, high):
    return np.random.default_rng(int(seed)).integers(0, high, SHAPE)


def run_and_kill(folder, start, lines, seconds):
    """The whole lines that a process said before it was killed: some seconds after it said so many."""
    command = [sys.executable, "-c", WORKER, str(folder), str(start)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    said = ""
    try:
        assert worker.stdout.readline() == "ready\n"
        said = "".join(worker.stdout.readline() for _ in range(lines))
        time.sleep(seconds)
    finally:
        worker.kill()
        said += worker.stdout.read()
        worker.wait()
        worker.stdout.close()
    assert worker.returncode == -signal.SIGKILL
    return [line.split() for line in said.split("\n")[:-1]]


def check_promises(library, said):
    """Everything that was acknowledged is there, and has the voxels it was given."""
    removed = {words[1] for words in said if words[0] == "removed"}
    states = {case.name: case.state for case in library.cases()}
    # A removal that was not acknowledged may have happened or not, or be half done: then a repair ends it.
    doubtful = said[-1][1] if said and said[-1][0] == "excluded" else None
    half_done = doubtful in states and not (library.folder / "cases" / doubtful).exists()
    if half_done:
        assert list((library.folder / "trash").glob(f"*/{doubtful}/image_0000.nrrd"))
    for kind, name, *rest in said:
        if half_done and name == doubtful:
            continue
        if name in removed or (name == doubtful and name not in states):
            assert name not in states
        elif kind == "case":
            np.testing.assert_array_equal(library.read_images(name)[0].array, voxels(rest[0], 900))
        elif kind == "prediction":
            np.testing.assert_array_equal(library.read_prediction(name, 1).labels.array, voxels(rest[0], 3))
        elif kind == "labels":
            np.testing.assert_array_equal(library.read_labels(name, int(rest[1])).array, voxels(rest[0], 3))
        elif kind == "excluded":
            assert states[name] is CaseState.excluded


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_library_survives_being_killed_at_any_moment(library):
    from dualssl.geometry import Geometry
    from dualssl.volumes.volume import Volume

    grid = Geometry(SHAPE)
    library.add_case("shared", [Volume(voxels(0, 900).astype(np.int16), grid)])
    library.close()
    moments = random.Random(20260131)
    before, acknowledged, harmless = [], 0, 0
    for number in range(ROUNDS):
        said = run_and_kill(library.folder, 1000 * (number + 1), moments.randint(0, 6), moments.uniform(0.0, 0.05))
        acknowledged += len(said)
        with CaseLibrary.open(library.folder) as opened:
            check_promises(opened, said)
        found = check_library(library.folder)
        assert {problem.kind.value for problem in found.problems} <= {"leftover", "orphan", "note", "missing"}
        harmless += len(found.problems)
        if number % 3 == 2:
            # In the other rounds the next process goes on without a repair.
            assert check_library(library.folder, repair=True).remaining == ()
            assert check_library(library.folder).problems == ()
        with CaseLibrary.open(library.folder) as opened:
            check_promises(opened, said)
        before += said
    assert check_library(library.folder, repair=True).remaining == ()
    assert check_library(library.folder).problems == ()
    with CaseLibrary.open(library.folder) as opened:
        for kind, name, *rest in before:
            if kind == "labels" and name == "shared":
                np.testing.assert_array_equal(opened.read_labels(name, int(rest[1])).array, voxels(rest[0], 3))
    # Else the moments were chosen badly and nothing was tried.
    assert acknowledged > ROUNDS
    assert harmless > 0
