"""Small models to save and spoil."""

import copy
import shutil

import pytest
import torch

from dualssl.labels import Label, LabelTable
from dualssl.model.folder import save_model
from dualssl.model.manifest import Manifest, NetworkSpec, Normalisation, Postprocessing, Preprocessing
from dualssl.networks.pair import DualNetwork

PROVENANCE = {
    "dataset": "Ärzte's atria",
    "labelled": ["a", "b"],
    "unlabelled": 72,
    "validation": ["c"],
    "preset": "strong",
    "iterations": 6000,
    "validation_curve": [{"iteration": 100, "dice": 0.5}, {"iteration": 6000, "dice": 0.9124}],
    "licence": "CC-BY-4.0",
}


@pytest.fixture(scope="session")
def atrium_manifest():
    return Manifest(
        id="left-atrium-20260131-4f2a91c0",
        name="Left atrium",
        labels=LabelTable((Label.named("left atrium", 1),)),
        channel_names=("MRI",),
        networks=NetworkSpec(in_channels=1, classes=2, width=2),
        preprocessing=Preprocessing(spacing=(1.25, 0.625, 0.625)),
        postprocessing=Postprocessing((1,)),
        patch=(32, 16, 16),
        temperature=1.5,
        provenance=PROVENANCE,
        parent="left-atrium-20251231-00000000",
    )


@pytest.fixture
def two_channel_ct_manifest():
    return Manifest(
        id="two",
        name="Two | channels",
        labels=LabelTable(tuple(Label.named(name, n) for n, name in enumerate(("liver", "spleen", "something"), start=1))),
        channel_names=("CT", "PET"),
        networks=NetworkSpec(in_channels=2, classes=4, width=1, norm="instance"),
        preprocessing=Preprocessing(normalisation=(Normalisation("window", -160, 240), Normalisation("percentile", 1, 99))),
        postprocessing=Postprocessing(),
        patch=(20, 32, 32),
    )


def trained(spec, seed):
    """Networks in training mode whose batch statistics have moved, as after training."""
    torch.manual_seed(seed)
    networks = DualNetwork(spec)
    with torch.no_grad():
        for _ in range(3):
            networks(torch.randn(2, spec.in_channels, 32, 16, 16))
    return networks


@pytest.fixture(scope="session")
def saved_once(atrium_manifest, tmp_path_factory):
    """The atrium's networks and their model folder, to copy from."""
    networks = trained(atrium_manifest.networks, 1)
    folder = tmp_path_factory.mktemp("original") / "model"
    save_model(folder, atrium_manifest, networks)
    return networks, folder


@pytest.fixture
def atrium_networks(saved_once):
    return copy.deepcopy(saved_once[0])


@pytest.fixture
def atrium_model(tmp_path, saved_once):
    """A model folder in a folder of its own, to spoil."""
    folder = tmp_path / "runs" / "Vorhof links é модель"
    shutil.copytree(saved_once[1], folder)
    return folder


@pytest.fixture
def image():
    return torch.randn(1, 1, 32, 32, 16, generator=torch.Generator().manual_seed(7))
