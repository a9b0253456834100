"""A dataset of noisy spheres, small enough to train on within a test, and runs on it."""

import pytest
import torch
from lightning_fabric import Fabric

from dualssl.data.batches import Batch
from dualssl.dataset import read_dataset
from dualssl.model.manifest import NetworkSpec
from dualssl.networks.pair import DualNetwork
from dualssl.presets import preset_named
from dualssl.training.fingerprint import take_fingerprint
from dualssl.training.run import TrainingRun
from dualssl.training.trainer import Trainer

PATCH = (16, 16, 32)
NAMES = tuple(f"sphere_{number}" for number in range(5))


@pytest.fixture(scope="session")
def spheres_folder(write_spheres, tmp_path_factory):
    """Written once: only for tests that leave it as it is."""
    return write_spheres(tmp_path_factory.mktemp("spheres"), NAMES).folder


@pytest.fixture(scope="session")
def spheres(spheres_folder):
    return read_dataset(spheres_folder)


@pytest.fixture
def own_spheres(write_spheres, tmp_path):
    """A copy for tests that harm it."""
    return write_spheres(tmp_path / "own spheres", NAMES)


@pytest.fixture(scope="session")
def settings_of(training_config):
    """The settings of a tiny run; names of settings change them."""

    def make(preset="supervised", labelled=NAMES[:2], unlabelled=NAMES[2:4], **changes):
        return training_config(labelled, unlabelled, preset=preset, **changes)

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
