"""Which model the generated sample case is segmented with."""

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer", reason="there is no slicer-core for this system")
pytest.importorskip("trame_slicer", reason="the web front end is not installed")

from dualssl_web.sample import model_for_sample
from DualSSLSegmentationLib.enginePath import shippedModels
from DualSSLSegmentationLib.jobs.modelCatalogue import ModelCatalogue


def model(folder, *structures):
    return SimpleNamespace(folder=Path(folder), structures=structures)


OF_PATIENTS = model("left-atrium", "left atrium")
OF_PHANTOMS = model(shippedModels() / "phantom", "chamber", "wall")
BETTER = model("registry/better", "chamber", "wall")


@pytest.mark.parametrize(
    ("choices", "default", "expected"),
    [
        ((OF_PATIENTS, OF_PHANTOMS), OF_PATIENTS, OF_PHANTOMS),
        ((BETTER, OF_PATIENTS, OF_PHANTOMS), BETTER, BETTER),
        ((OF_PATIENTS,), OF_PATIENTS, OF_PATIENTS),
        ((), None, None),
    ],
    ids=["the one that ships for it", "the one in use that does it", "the one that there is", "none"],
)
def test_the_sample_is_segmented_by_a_model_that_knows_its_structures(choices, default, expected):
    assert model_for_sample(choices, default) is expected


def test_what_ships_holds_a_model_for_the_sample_and_the_left_atrium_is_the_default(tmp_path):
    catalogue = ModelCatalogue(shippedModels(), tmp_path / "registry")
    assert catalogue.default().structures == ("left atrium",)
    assert model_for_sample(catalogue.choices(), catalogue.default()).structures == ("chamber", "wall")
