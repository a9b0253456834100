"""kill -9 of the worker, or of the program that started it, at every stage: nobody is left, nothing is half there."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from dualssl.cases import CaseLibrary
from dualssl.cases.check import check_library
from dualssl.errors import LibraryError
from dualssl.locks import exclusive
from dualssl.worker.protocol import encode, request_message

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")

PATIENCE = 60.0
ARRAYS = {"label", "label_a", "label_b", "entropy", "kl", "region_map"}

# Holds the worker's stdin, as Slicer does; the worker's stdout is its own, which ends when nobody has it any more.
PARENT = """
import subprocess, sys, time
worker = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, bufsize=0)
worker.stdin.write(sys.argv[1].encode())
time.sleep(600)
"""


@pytest.fixture
def training(model, corrected_library, tmp_path):
    return {
        "model": str(model),
        "library": str(corrected_library),
        "output": str(tmp_path / "run"),
        "device": "cpu",
        "settings": {"iterations": 10_000, "patch": [16, 16, 32]},
        "registry": str(tmp_path / "registry"),
    }


def at(stage):
    """Whether progress is at a stage: at its name, or at the first figures of a training or of windows."""

    def reached(progress):
        if stage == "training":
            return progress.get("loss") is not None
        if stage == "predicting":
            return bool(progress.get("done"))
        return progress.get("stage") == stage

    return reached


def whole_or_nothing(output):
    """Whether a result is as it should be, if it is there at all; what lies beside it belongs to nobody's result."""
    folder = Path(output)
    if not folder.exists():
        return True
    return {path.stem for path in folder.iterdir()} == ARRAYS and all(
        np.load(path, allow_pickle=False).ndim == 3 for path in folder.iterdir()
    )


def until_gone(is_gone, pid):
    """A process lets go of its streams a moment before it has ended."""
    end = time.monotonic() + PATIENCE
    while not is_gone(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def check_that_nothing_is_harmed(library):
    # A write that was killed is taken in or cleared away; no file is damaged or missing.
    problems = check_library(library, repair=True)
    assert problems.remaining == ()
    assert {problem.kind.value for problem in problems.problems} <= {"leftover", "orphan", "note"}
    with CaseLibrary.open(library) as opened:
        assert len(opened.cases()) == 3
    with exclusive(library / "finetune.lock", LibraryError("nobody has freed the lock")):
        pass


def wait_for(engine, answer, stage):
    reached = at(stage)
    engine.loop.run_until(lambda: answer.over or any(reached(progress.to_json()) for progress in answer.progress))
    assert not answer.over, (answer.results, answer.errors)


@pytest.mark.parametrize("stage", ["Starting the engine", "predicting", "Handing over the result"])
def test_a_worker_killed_while_it_predicts_is_missed_and_replaced(
    start_engine, prediction, handed_over, a_large_image, is_gone, stage
):
    engine = start_engine()
    request = prediction(images=[handed_over(a_large_image)])
    at_work, waiting = engine.start("predict", **request), engine.start("predict", **prediction())
    pid = engine.pid()
    wait_for(engine, at_work, stage)
    os.kill(pid, signal.SIGKILL)
    for answer in (at_work, waiting):
        error = engine.wait(answer).error
        assert error.kind == "EngineStopped"
        assert "memory" in error.message
    until_gone(is_gone, pid)
    assert whole_or_nothing(request["output"])
    assert engine.ask("models", folders=[]).result == []
    assert engine.client.pid != pid


def test_a_worker_killed_while_it_trains_leaves_library_and_registry_sound(
    start_engine, training, corrected_library, model, tmp_path
):
    engine = start_engine()
    answer = engine.start("finetune", **training)
    wait_for(engine, answer, "training")
    os.kill(engine.pid(), signal.SIGKILL)
    assert engine.wait(answer).error.kind == "EngineStopped"
    check_that_nothing_is_harmed(corrected_library)
    versions = engine.ask("registry", folder=str(tmp_path / "registry")).result
    assert versions["active"] == "spheres-1"
    assert engine.ask("models", folders=[str(model)]).result[0]["error"] is None


def start_with_parent(command, *requests):
    lines = b"".join(encode(request_message(number, *request)) for number, request in enumerate(requests, start=1))
    return subprocess.Popen([sys.executable, "-c", PARENT, lines.decode(), *command], stdout=subprocess.PIPE)


def read_until(stream, stage):
    """Read what a worker says until it is at a stage; returns its process id."""
    reached, pid = at(stage), None
    for line in stream:
        message = json.loads(line)
        assert "error" not in message, message
        pid = (message.get("result") or {}).get("pid", pid)
        if message.get("method") == "progress" and reached(message["params"]):
            return pid
    raise AssertionError(f"the worker ended before {stage}")


@pytest.mark.parametrize("stage", ["Starting the engine", "predicting", "Handing over the result"])
def test_a_worker_whose_parent_is_killed_while_it_predicts_is_gone(
    worker_command, prediction, handed_over, a_large_image, is_gone, stage
):
    request = prediction(images=[handed_over(a_large_image)])
    parent = start_with_parent(worker_command, ("hello", {}), ("predict", request), ("predict", prediction()))
    try:
        pid = read_until(parent.stdout, stage)
        assert psutil.Process(pid).ppid() == parent.pid
        parent.kill()
        # Ends when the last process that could write to it has ended.
        parent.stdout.read()
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    until_gone(is_gone, pid)
    assert whole_or_nothing(request["output"])


def test_a_worker_whose_parent_is_killed_while_it_trains_is_gone_and_leaves_a_sound_library(
    worker_command, training, corrected_library, is_gone
):
    parent = start_with_parent(worker_command, ("hello", {}), ("finetune", training | {"prove": False}))
    try:
        pid = read_until(parent.stdout, "training")
        parent.kill()
        parent.stdout.read()
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    until_gone(is_gone, pid)
    check_that_nothing_is_harmed(corrected_library)


def test_a_worker_whose_parent_is_killed_while_a_correction_is_saved_leaves_a_sound_library(
    worker_command, corrected_library, handed_over, sphere, is_gone
):
    image, label = sphere(2)
    with CaseLibrary.open(corrected_library) as library:
        table = library.labels.to_json()
    correction = {
        "library": str(corrected_library),
        "case": "case_2",
        "images": [handed_over(image)],
        "labels_table": table,
        "labels": handed_over(label),
        "reviewer": "B. Reader",
    }
    parent = start_with_parent(worker_command, ("hello", {}), ("save_case", correction), ("save_case", correction))
    try:
        pid = read_until(parent.stdout, "Starting the engine")
        parent.kill()
        parent.stdout.read()
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    until_gone(is_gone, pid)
    check_that_nothing_is_harmed(corrected_library)
