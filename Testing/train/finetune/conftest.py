"""A library of spheres, some of them corrected, and a model that was trained on others."""

from dataclasses import replace

import numpy as np
import pytest

from dualssl.cases.library import CaseLibrary
from dualssl.finetune.job import FineTuneJob, JobOptions
from dualssl.finetune.plan import FineTuneSettings
from dualssl.finetune.request import FineTuneRequest
from dualssl.finetune.run import FineTuneRun, Parent
from dualssl.labels import LabelTable
from dualssl.model.folder import load_model
from dualssl.training.fingerprint import take_fingerprint
from dualssl.training.run import TrainingRun

PATCH = (16, 16, 32)
OLD = tuple(f"old_{number}" for number in range(4))


@pytest.fixture(scope="session")
def old_spheres(write_spheres, tmp_path_factory):
    """The dataset that the model was trained on: two labelled cases and two without labels."""
    return write_spheres(tmp_path_factory.mktemp("old spheres"), OLD, "Old spheres")


@pytest.fixture(scope="session")
def model(old_spheres, training_config, tmp_path_factory):
    """Hardly trained, so that fine-tuning has something to do. Only for tests that leave it as it is."""
    config = training_config(OLD[:2], OLD[2:], iterations=6, dropout=0.0)
    fingerprint = take_fingerprint(old_spheres, config.labelled)
    return TrainingRun(old_spheres, fingerprint, config, tmp_path_factory.mktemp("parent run"), "cpu").execute()


@pytest.fixture
def library(tmp_path):
    """An empty library for spheres."""
    table = LabelTable.from_dataset_json({"background": 0, "left atrium": 1})
    with CaseLibrary.create(tmp_path / "library", table, ("MRI",)) as opened:
        yield opened


@pytest.fixture
def add_case(library, sphere):
    """Adds a sphere: waiting, or corrected by a person who changed a part of the true sphere."""

    def add(name, number, corrected=True, group=None, spacing=(1.0, 1.0, 1.0)):
        image, label = sphere(number, spacing)
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
