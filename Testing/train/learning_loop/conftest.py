"""Spheres with known labels, a model that was hardly trained on two of them, and loops of a few steps."""

from dataclasses import replace

import pytest

from dualssl.finetune.plan import FineTuneSettings
from dualssl.learning_loop.loop import LearningLoop
from dualssl.learning_loop.plan import LoopPlan
from dualssl.learning_loop.reader import ReaderSettings
from dualssl.learning_loop.records import Record
from dualssl.model.folder import read_manifest
from dualssl.model.integrity import model_sha256
from dualssl.training.fingerprint import take_fingerprint
from dualssl.training.run import TrainingRun

PATCH = (16, 16, 32)
SPACING = (2.0, 2.0, 2.0)
OLD = ("old_0", "old_1")
POOL = ("pool_0", "pool_1", "pool_2", "pool_3")
VALIDATION = ("seen_0", "seen_1")


@pytest.fixture(scope="session")
def spheres(write_spheres, tmp_path_factory):
    """The dataset: all cases labelled."""
    return write_spheres(tmp_path_factory.mktemp("spheres"), (*OLD, *POOL, *VALIDATION), spacing=SPACING)


@pytest.fixture(scope="session")
def model(spheres, training_config, tmp_path_factory):
    """Knows a sphere when it sees one, but not well. Only for tests that leave it as it is."""
    config = training_config(OLD, POOL, without=("copy_paste",), iterations=12, spacing=SPACING, dropout=0.0)
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
