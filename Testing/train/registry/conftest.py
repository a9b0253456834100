"""Small models in a line of descent, registries that hold them, and scores made by hand."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dualssl.labels import Label, LabelTable
from dualssl.model.folder import save_model
from dualssl.model.manifest import Manifest, NetworkSpec, Postprocessing, Preprocessing
from dualssl.networks.pair import DualNetwork
from dualssl.registry import ModelRegistry
from dualssl.registry.gate import judge
from dualssl.registry.scores import Calibration, ScoredCase, ScoredSet, ScoredStructure

STRUCTURES = ("chamber", "wall")


@pytest.fixture(scope="session")
def networks():
    return DualNetwork(NetworkSpec(in_channels=1, classes=3, width=1))


@pytest.fixture(scope="session")
def save_model_as(networks):
    """Saves a model folder with a given id."""

    def save(folder, model_id, parent=None, name="Heart", provenance=None):
        manifest = Manifest(
            id=model_id,
            name=name,
            labels=LabelTable(tuple(Label.named(structure, n) for n, structure in enumerate(STRUCTURES, start=1))),
            channel_names=("MRI",),
            networks=networks.spec,
            preprocessing=Preprocessing(),
            postprocessing=Postprocessing(),
            patch=(16, 16, 16),
            provenance=provenance or {"dataset": "Hearts", "labelled": ["a", "b"]},
            parent=parent,
        )
        save_model(folder, manifest, networks)
        return folder

    return save


@pytest.fixture(scope="session")
def saved_line(save_model_as, tmp_path_factory):
    """Model folders `first`, its child `second` and its grandchild `third`; only to be read."""
    folder = tmp_path_factory.mktemp("line")
    for model_id, parent in (("first", None), ("second", "first"), ("third", "second")):
        save_model_as(folder / model_id, model_id, parent)
    return folder


@pytest.fixture
def models(saved_line, tmp_path):
    """A copy of the line to harm."""
    return Path(shutil.copytree(saved_line, tmp_path / "models of é"))


@pytest.fixture
def registry(tmp_path):
    return ModelRegistry.create(tmp_path / "registry", patience=10.0)


def scored(dices, hd95=5.0, ece=0.05, model="", dataset="Hearts", names=None):
    """A model whose structures have the same Dice in a case; `dices` may hold a pair for both structures."""
    pairs = [dice if isinstance(dice, tuple) else (dice, dice) for dice in dices]
    names = names or [f"case_{n}" for n in range(len(pairs))]
    cases = [
        ScoredCase(name, tuple(ScoredStructure(s, d, hd95) for s, d in zip(STRUCTURES, pair, strict=True)))
        for name, pair in zip(names, pairs, strict=True)
    ]
    calibration = None if ece is None else Calibration((100,), (0.5,), (0.5 + ece,))
    return ScoredSet(tuple(cases), calibration, model, dataset)


@pytest.fixture(scope="session")
def scores():
    return scored


@pytest.fixture(scope="session")
def verdict_of():
    """A verdict about two models: `better`, `not proved` or `worse`."""

    def make(decision, parent="first", child="second"):
        gain = {"better": 0.02, "not proved": 0.0, "worse": -0.05}[decision]
        before = [0.8, 0.82, 0.84, 0.86, 0.88, 0.9]
        verdict = judge(scored(before, model=parent), scored([dice + gain for dice in before], model=child))
        assert verdict.decision == decision
        return verdict

    return make


@pytest.fixture
def full_registry(registry, models, verdict_of):
    """`first` is active, `second` proposed, `third` marked as worse."""
    registry.register(models / "first")
    registry.register(models / "second", verdict_of("better"))
    registry.register(models / "third", verdict_of("worse", "second", "third"))
    registry.activate("first")
    return registry


@pytest.fixture
def files_of():
    """Every file under a folder with its content."""

    def read(folder):
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    return read


@pytest.fixture
def start_python():
    """Starts scripts in processes of their own; none outlives the test."""
    started = []

    def start(script, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
