"""Spheres with known labels, a model that was hardly trained on two of them, and loops of a few steps."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dualssl.dataset import read_dataset
from dualssl.finetune.plan import FineTuneSettings
from dualssl.geometry import Geometry
from dualssl.learning_loop.loop import LearningLoop
from dualssl.learning_loop.plan import LoopPlan
from dualssl.learning_loop.reader import ReaderSettings
from dualssl.learning_loop.records import Record
from dualssl.library_prediction import model_sha256
from dualssl.model.folder import read_manifest
from dualssl.training.config import TrainingConfig
from dualssl.training.fingerprint import take_fingerprint
from dualssl.training.run import TrainingRun
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

PATCH = (16, 16, 32)
OLD = ("old_0", "old_1")
POOL = ("pool_0", "pool_1", "pool_2", "pool_3")
VALIDATION = ("seen_0", "seen_1")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """A trajectory depends on the number of threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def sphere(number, shape=(18, 20, 32)):
    """A bright sphere in noise: image and label map on one grid."""
    random = np.random.default_rng(number)
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    centre = np.array(shape) / 2 + random.uniform(-2, 2, 3)
    label = np.linalg.norm(indices - centre, axis=-1) < random.uniform(5, 7)
    image = label * 100.0 + random.normal(0, 10, shape)
    grid = Geometry(shape, spacing=(2.0, 2.0, 2.0))
    return Volume(image.astype(np.int16), grid), Volume(label.astype(np.uint8), grid)


@pytest.fixture(scope="session")
def spheres(tmp_path_factory):
    """The dataset: all cases labelled."""
    folder = tmp_path_factory.mktemp("spheres")
    for subfolder in ("images", "labels"):
        (folder / subfolder).mkdir()
    for number, name in enumerate((*OLD, *POOL, *VALIDATION)):
        image, label = sphere(number)
        write_volume(image, folder / "images" / f"{name}.nrrd")
        write_volume(label, folder / "labels" / f"{name}.nrrd")
    description = {
        "name": "Spheres",
        "labels": {"background": 0, "left atrium": 1},
        "channel_names": {"0": "MRI"},
        "file_ending": ".nrrd",
    }
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return read_dataset(folder)


@pytest.fixture(scope="session")
def model(spheres, tmp_path_factory):
    """Knows a sphere when it sees one, but not well. Only for tests that leave it as it is."""
    config = TrainingConfig(
        labelled=OLD,
        unlabelled=POOL,
        validation=(),
        preset="strong",
        without=("copy_paste",),
        weights=(),
        iterations=12,
        spacing=(2.0, 2.0, 2.0),
        patch=PATCH,
        batch=4,
        width=2,
        seed=1,
        validate_every=0,
        name="spheres",
        dropout=0.0,
    )
    return TrainingRun(spheres, take_fingerprint(spheres, OLD), config, tmp_path_factory.mktemp("base run"), "cpu").execute()


@pytest.fixture(scope="session")
def plan(spheres, model):
    """Two rounds in two orders."""
    return LoopPlan(
        model=read_manifest(model).id,
        model_sha256=model_sha256(model),
        dataset=spheres.name,
        pool=POOL,
        validation=VALIDATION,
        old=OLD,
        rounds=(1, 2),
        orders=("ranked", "random"),
        reader=ReaderSettings(regions=3, course=6),
        settings=FineTuneSettings(iterations=2, patch=PATCH),
    )


@pytest.fixture
def loop_of(plan, spheres, model, tmp_path):
    """A loop in `tmp_path / "loop"`; names of the plan's fields change it."""

    def make(folder=tmp_path / "loop", on_progress=None, on_record=None, **changes):
        return LearningLoop(replace(plan, **changes), spheres, model, folder, "cpu", on_progress, on_record)

    return make


@pytest.fixture
def record():
    """Makes a record of a fine-tuning; names of its fields change it."""

    def make(order="ranked", cases=1, dice=0.8, voxels=1000, kind="finetune", **changes):
        made = Record(
            kind=kind,
            order=order,
            cases=cases,
            names=tuple(f"case_{n}" for n in range(cases)),
            voxels_corrected=voxels,
            errors_before=3 * voxels,
            errors_after=2 * voxels,
            dice=dice,
            hd95=5.0,
            dice_by_case={"seen_0": dice - 0.02, "seen_1": dice + 0.02},
            old_dice=0.9,
            old_dice_base=0.9,
            seconds_training=60.0,
            seconds_total=90.0,
            device="cpu, 1 threads",
        )
        return replace(made, **changes)

    return make


@pytest.fixture
def frozen(record):
    """The record of the first model."""
    return record(order=None, cases=0, voxels=0, kind="frozen", seconds_training=0.0, seconds_total=0.0, device="")
