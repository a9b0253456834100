"""Two processes train one model: equal weights, different patches, one set of results."""

import json
import os
import subprocess
import sys

import pytest

from dualssl.model.integrity import verify_model

# What each process of `torchrun` runs. It notes what it drew and where its weights ended.
SCRIPT = """
import hashlib, json, os, sys
from pathlib import Path
from dualssl.dataset import read_dataset
from dualssl.training.config import TrainingConfig
from dualssl.training.fingerprint import take_fingerprint
from dualssl.training.run import TrainingRun
from dualssl.training.trainer import Trainer

def digest(tensors):
    return hashlib.sha256(b"".join(t.detach().contiguous().numpy().tobytes() for t in tensors)).hexdigest()

drawn, trainers, told, step = [], [], [], Trainer.step

def noted(self, batch):
    drawn.append([digest([patch]) for patch in (*batch.labelled, *batch.unlabelled)])
    trainers.append(self)
    return step(self, batch)

Trainer.step = noted
dataset, settings, output = read_dataset(Path(sys.argv[1])), json.loads(sys.argv[2]), Path(sys.argv[3])
for preset in ("paper", "strong"):
    config = TrainingConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()} | {"preset": preset})
    run = TrainingRun(dataset, take_fingerprint(dataset, config.labelled), config, output / preset, "cpu", told.append)
    run.execute()
    state = trainers[-1].state
    (output / f"{preset}-{os.environ['RANK']}.json").write_text(json.dumps({
        "drawn": drawn,
        "told": len(told),
        "world": int(os.environ["WORLD_SIZE"]),
        "student": digest(trainers[-1].networks.parameters()),
        "terms": digest(state.terms.state_dict().values()),
        "teacher": digest(state.teacher.networks.parameters()) if state.teacher else None,
    }))
    drawn, told[:] = [], []
"""


@pytest.fixture(scope="module")
def two_processes(spheres_folder, settings_of, tmp_path_factory):
    """What was left by runs of two processes on one machine; {preset: [rank 0, rank 1]}."""
    folder = tmp_path_factory.mktemp("distributed")
    script = folder / "both.py"
    script.write_text(SCRIPT)
    settings = json.dumps(settings_of(validation=("sphere_4",)).to_json())
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [*launcher, str(script), str(spheres_folder), settings, str(folder)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stderr[-4000:]
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["paper", "strong"])
class TestTwoProcesses:
    @pytest.fixture
    def ranks(self, two_processes, preset):
        return [json.loads((two_processes / f"{preset}-{rank}.json").read_text()) for rank in (0, 1)]

    def test_both_end_with_equal_weights(self, ranks):
        one, other = ranks
        assert one["world"] == other["world"] == 2
        assert one["student"] == other["student"]
        assert one["teacher"] == other["teacher"]

    def test_both_end_with_equal_state_of_the_terms(self, ranks):
        assert ranks[0]["terms"] == ranks[1]["terms"]

    def test_they_draw_different_patches(self, ranks):
        one, other = (rank["drawn"] for rank in ranks)
        assert len(one) == len(other) == 3
        assert all(mine != theirs for mine, theirs in zip(one, other, strict=True))

    def test_one_of_them_tells_of_progress(self, ranks):
        assert ranks[0]["told"] > 0
        assert ranks[1]["told"] == 0

    def test_one_model_and_one_record_are_left(self, two_processes, preset):
        verify_model(two_processes / preset / "model")
        lines = (two_processes / preset / "metrics.jsonl").read_text().splitlines()
        assert [(r["iteration"], r["kind"]) for r in map(json.loads, lines)] == [
            (1, "train"),
            (2, "train"),
            (3, "train"),
            (3, "validation"),
        ]
