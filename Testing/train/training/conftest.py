"""A dataset of noisy spheres, small enough to train on within a test, and runs on it."""

import json

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from dualssl.data.batches import Batch
from dualssl.dataset import read_dataset
from dualssl.geometry import Geometry
from dualssl.model.manifest import NetworkSpec
from dualssl.networks.pair import DualNetwork
from dualssl.presets import preset_named
from dualssl.training.config import TrainingConfig
from dualssl.training.fingerprint import take_fingerprint
from dualssl.training.run import TrainingRun
from dualssl.training.trainer import Trainer
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume

PATCH = (16, 16, 32)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """A trajectory depends on the number of threads, here and in the processes that tests start."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def sphere_case(number, shape=(18, 20, 32)):
    """A bright sphere somewhere near the middle of noise: (image, label map)."""
    random = np.random.default_rng(number)
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    centre = np.array(shape) / 2 + random.uniform(-2, 2, 3)
    label = np.linalg.norm(indices - centre, axis=-1) < random.uniform(5, 7)
    return label * 100.0 + random.normal(0, 10, shape), label


def write_spheres(folder, cases=5):
    for subfolder in ("images", "labels"):
        (folder / subfolder).mkdir()
    for number in range(cases):
        image, label = sphere_case(number)
        grid = Geometry(image.shape)
        write_volume(Volume(image.astype(np.int16), grid), folder / "images" / f"sphere_{number}.nrrd")
        write_volume(Volume(label.astype(np.uint8), grid), folder / "labels" / f"sphere_{number}.nrrd")
    description = {"name": "Spheres", "labels": {"left atrium": 1}, "channel_names": {"0": "MRI"}, "file_ending": ".nrrd"}
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


@pytest.fixture(scope="session")
def spheres_folder(tmp_path_factory):
    """Written once: only for tests that leave it as it is."""
    return write_spheres(tmp_path_factory.mktemp("spheres"))


@pytest.fixture(scope="session")
def spheres(spheres_folder):
    return read_dataset(spheres_folder)


@pytest.fixture
def own_spheres(tmp_path):
    """A copy for tests that harm it."""
    folder = tmp_path / "own spheres"
    folder.mkdir()
    return read_dataset(write_spheres(folder))


@pytest.fixture(scope="session")
def settings_of():
    """The settings of a tiny run; names of settings change them."""

    def make(preset="supervised", **changes):
        settings = {
            "labelled": ("sphere_0", "sphere_1"),
            "unlabelled": ("sphere_2", "sphere_3"),
            "validation": (),
            "preset": preset,
            "without": (),
            "weights": (),
            "iterations": 3,
            "spacing": (1.0, 1.0, 1.0),
            "patch": PATCH,
            "batch": 4,
            "width": 2,
            "seed": 1,
            "validate_every": 0,
            "name": "spheres",
        }
        return TrainingConfig(**{**settings, **changes})

    return make


@pytest.fixture
def run_of(spheres, settings_of, tmp_path):
    """A run in `tmp_path / "run"` on the CPU."""

    def make(preset="supervised", dataset=None, folder=tmp_path / "run", on_progress=None, checkpoint_seconds=60.0, **changes):
        data = dataset or spheres
        config = settings_of(preset, **changes)
        fingerprint = take_fingerprint(data, config.labelled)
        return TrainingRun(data, fingerprint, config, folder, "cpu", on_progress, checkpoint_seconds)

    return make


@pytest.fixture
def trainer_of():
    """A trainer of tiny networks in float32; give a preset or its name."""

    def make(preset="supervised", iterations=10, seed=1, width=2, **options):
        recipe = preset_named(preset) if isinstance(preset, str) else preset
        torch.manual_seed(seed)
        networks = DualNetwork(NetworkSpec(width=width, norm=recipe.norm))
        fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
        return Trainer(fabric, networks, recipe, iterations, seed, **options)

    return make


@pytest.fixture
def batch_of():
    """A batch of noise, half of it labelled, another one for each number."""

    def make(number, labelled=2, unlabelled=2):
        generator = torch.Generator().manual_seed(number)
        images = torch.rand(labelled + unlabelled, 1, *PATCH, generator=generator)
        labels = (torch.rand(labelled, *PATCH, generator=generator) < 0.3).long()
        return Batch(images[:labelled], labels, images[labelled:] if unlabelled else images.new_zeros(0))

    return make
