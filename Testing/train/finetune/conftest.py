"""A library of spheres, some of them corrected, and a model that was trained on others."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dualssl.cases.library import CaseLibrary
from dualssl.dataset import read_dataset
from dualssl.finetune.job import FineTuneJob, JobOptions
from dualssl.finetune.plan import FineTuneSettings
from dualssl.finetune.request import FineTuneRequest
from dualssl.finetune.run import FineTuneRun, Parent
from dualssl.geometry import Geometry
from dualssl.labels import LabelTable
from dualssl.model.folder import load_model
from dualssl.training.config import TrainingConfig
from dualssl.training.fingerprint import take_fingerprint
from dualssl.training.run import TrainingRun
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

PATCH = (16, 16, 32)
LABELS = {"left atrium": 1}


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
    grid = Geometry(shape)
    return Volume(image.astype(np.int16), grid), Volume(label.astype(np.uint8), grid)


@pytest.fixture(scope="session")
def old_spheres(tmp_path_factory):
    """The dataset that the model was trained on: two labelled cases and two without labels."""
    folder = tmp_path_factory.mktemp("old spheres")
    for subfolder in ("images", "labels"):
        (folder / subfolder).mkdir()
    for number in range(4):
        image, label = sphere(number)
        write_volume(image, folder / "images" / f"old_{number}.nrrd")
        write_volume(label, folder / "labels" / f"old_{number}.nrrd")
    description = {"name": "Old spheres", "labels": LABELS, "channel_names": {"0": "MRI"}, "file_ending": ".nrrd"}
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return read_dataset(folder)


@pytest.fixture(scope="session")
def model(old_spheres, tmp_path_factory):
    """Hardly trained, so that fine-tuning has something to do. Only for tests that leave it as it is."""
    config = TrainingConfig(
        labelled=("old_0", "old_1"),
        unlabelled=("old_2", "old_3"),
        validation=(),
        preset="strong",
        without=(),
        weights=(),
        iterations=6,
        spacing=(1.0, 1.0, 1.0),
        patch=PATCH,
        batch=4,
        width=2,
        seed=1,
        validate_every=0,
        name="spheres",
        dropout=0.0,
    )
    fingerprint = take_fingerprint(old_spheres, config.labelled)
    return TrainingRun(old_spheres, fingerprint, config, tmp_path_factory.mktemp("parent run"), "cpu").execute()


@pytest.fixture
def library(tmp_path):
    """An empty library for spheres."""
    table = LabelTable.from_dataset_json({"background": 0, **LABELS})
    with CaseLibrary.create(tmp_path / "library", table, ("MRI",)) as opened:
        yield opened


@pytest.fixture
def add_case(library):
    """Adds a sphere: waiting, or corrected by a person who changed a part of the true sphere."""

    def add(name, number, corrected=True, group=None):
        image, label = sphere(number)
        library.add_case(name, [image], group=group)
        if corrected:
            edits = np.zeros(label.array.shape, np.uint8)
            edits[:9] = label.array[:9]
            library.save_correction(name, label, reviewer="A. Reader", edit_mask=replace(label, array=edits))

    return add


@pytest.fixture
def corrected_library(library, add_case):
    """Four corrected cases of four patients, and two that wait."""
    for n in range(4):
        add_case(f"corrected_{n}", 10 + n)
    for n in range(2):
        add_case(f"waiting_{n}", 20 + n, corrected=False)
    return library


@pytest.fixture
def settings():
    """A fine-tuning of a few steps."""
    return FineTuneSettings(iterations=3, patch=PATCH, validate_every=1)


@pytest.fixture
def run_of(corrected_library, model, settings, tmp_path):
    """A single fine-tuning in `tmp_path / "run"`; names of the request's or settings' fields change them."""

    def make(folder=tmp_path / "run", on_progress=None, cancelled=None, checkpoint_seconds=60.0, request=None, **changes):
        networks, manifest = load_model(model)
        asked = FineTuneRequest(model, corrected_library.as_dataset(), settings=replace(settings, **changes), **(request or {}))
        plan = asked.resolve(manifest)
        cases = asked.files(plan, manifest)
        return FineTuneRun(Parent(networks, manifest), plan, cases, folder, "cpu", on_progress, cancelled, checkpoint_seconds)

    return make


@pytest.fixture
def job_of(corrected_library, model, settings, tmp_path):
    """A whole job in `tmp_path / "job"`."""

    def make(request=None, on_stage=None, cancelled=None, parent=model, changes=None, **options):
        asked = FineTuneRequest(
            parent, corrected_library.as_dataset(), settings=replace(settings, **(changes or {})), **(request or {})
        )
        place = JobOptions(**{"output": tmp_path / "job", "device": "cpu", **options})
        return FineTuneJob(corrected_library, asked, place, on_stage, cancelled)

    return make
