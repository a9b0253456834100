"""Kill a run without warning and resume it: it ends where it would have ended."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

ITERATIONS = 6
KILL_AFTER = 3
PRESETS = ["strong", "paper"]
PATIENCE_SECONDS = 120

# The command line itself, but with a checkpoint after every step. One process may do several runs. A run that is to be
# killed waits before its end, lest it be over when the kill comes.
COMMAND_LINE = """
import functools, json, sys, time
from dualssl.training import run, trainer
run.TrainingRun = functools.partial(run.TrainingRun, checkpoint_seconds=0.0)
step, waits_at = trainer.Trainer.step, int(sys.argv[2])
def step_or_wait(self, batch):
    if self.state.iteration == waits_at:
        time.sleep(600)
    return step(self, batch)
trainer.Trainer.step = step_or_wait
from dualssl.cli.app import main
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
"""


def start(*command_lines, waits_at=-1):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND_LINE, json.dumps(command_lines), str(waits_at)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def iteration_of(checkpoint):
    try:
        with safe_open(checkpoint, framework="pt") as file:
            return int(file.metadata()["iteration"])
    except (FileNotFoundError, SafetensorError):
        return 0


def kill_in_the_middle(process, checkpoint):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while iteration_of(checkpoint) < KILL_AFTER:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "no checkpoint appeared"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def runs(spheres_folder, tmp_path_factory):
    """Folder with, for each preset, PRESET-killed (and resumed) and PRESET-straight."""
    folder = tmp_path_factory.mktemp("runs")

    def train(preset, output, *more):
        cases = ["--labelled", "sphere_0,sphere_1", "--unlabelled", "sphere_2,sphere_3", "--validation", "sphere_4"]
        size = ["--patch", "16,16,32", "--width", "2", "--iterations", str(ITERATIONS), "--validate-every", "3"]
        where = ["--device", "cpu", "--output", str(folder / f"{preset}-{output}")]
        return ["train", str(spheres_folder), *cases, "--preset", preset, *size, *where, *more]

    processes = {preset: start(train(preset, "killed"), waits_at=ITERATIONS - 1) for preset in PRESETS}
    try:
        for preset, process in processes.items():
            checkpoint = folder / f"{preset}-killed" / "checkpoint.safetensors"
            kill_in_the_middle(process, checkpoint)
            assert KILL_AFTER <= iteration_of(checkpoint) < ITERATIONS
            assert not (folder / f"{preset}-killed" / "model").exists()
    finally:
        for process in processes.values():
            process.kill()
    resumed = [train(preset, "killed", "--resume") for preset in PRESETS]
    process = start(*resumed, *(train(preset, "straight") for preset in PRESETS))
    output, _ = process.communicate(timeout=2 * PATIENCE_SECONDS)
    assert process.returncode == 0, output
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
class TestARunKilledInTheMiddle:
    @pytest.fixture
    def folders(self, runs, preset):
        return runs / f"{preset}-killed", runs / f"{preset}-straight"

    def test_its_weights_momenta_teacher_and_terms_are_those_of_the_uninterrupted_run(self, folders):
        one, other = (load_file(folder / "checkpoint.safetensors") for folder in folders)
        assert one.keys() == other.keys()
        assert all(torch.equal(value, other[name]) for name, value in one.items())

    def test_its_model_has_the_same_weights(self, folders):
        one, other = (
            {path.relative_to(folder): path.read_bytes() for path in (folder / "model").rglob("*.safetensors")}
            for folder in folders
        )
        assert len(one) == 2
        assert one == other

    def test_its_record_is_the_same_without_repetition(self, folders):
        one, other = (
            [
                {key: value for key, value in json.loads(line).items() if key != "seconds"}
                for line in (folder / "metrics.jsonl").read_text().splitlines()
            ]
            for folder in folders
        )
        assert one == other
        assert [record["iteration"] for record in one if record["kind"] == "train"] == list(range(1, ITERATIONS + 1))
