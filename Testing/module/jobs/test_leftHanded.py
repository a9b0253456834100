"""A left-handed volume: Slicer reverses an axis when it loads one, and the case is still the same case."""

import json

import numpy as np
import pytest
import slicer

from dualssl.cases import CaseLibrary
from dualssl.review import Region
from dualssl.volumes.orient import on_grid
from dualssl.volumes.read import read_volume as readFile
from dualssl.volumes.volume import Volume
from dualssl.volumes.write import write_volume
from dualssl.worker.arrays import read_volume
from dualssl.worker.jobs.save_case import save_case
from dualssl.worker.requests import Params
from dualssl.worker.task import Task
from DualSSLSegmentationLib.jobs.handover import Handover, collectSteps
from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import geometryOf, volumeOf
from sampleCases import LABELS, obliqueGeometry, runSteps, segmentedCase


@pytest.fixture
def a_left_handed_case(scene):
    """A case on a left-handed grid, as it is before its scene was ever saved; two regions are decided."""
    case = segmentedCase(scene)
    assert np.linalg.det(geometryOf(case.image).ijk_to_ras[:3, :3]) < 0
    labels = labelMapOf(case, LABELS, case.image).array
    labels[2:5, 3:9, 4:12] = 2
    writeLabels(case.node, Volume(labels, obliqueGeometry()), LABELS, None, None)
    entries = case.regionEntries
    entries[0] |= {"state": "accepted"}
    entries[1] |= {"answer": "a"}
    case.setJson("regions", entries)
    return case


@pytest.fixture
def reloaded(application, tmp_path):
    """Saves the scene, loads it again, and gives the case in it."""

    def again():
        files = application.app.coreIOManager()
        assert files.saveNodes("SceneFile", {"fileName": str(tmp_path / "scene.mrb")})
        assert files.loadNodes("SceneFile", {"fileName": str(tmp_path / "scene.mrb"), "clear": True})
        case = SegmentedCase(application.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"))
        assert not geometryOf(case.image).matches(obliqueGeometry())  # or there is nothing to test
        return case

    return again


@pytest.fixture
def handed_over(tmp_path):
    """Hands a case over, into a folder of its own; returns the parameters for the worker."""
    folders = (tmp_path / f"exchange {number}" for number in range(9))

    def collected(case):
        handover = Handover(tmp_path / "library", "case", "Dr. M")
        return runSteps(collectSteps(case, handover, None, next(folders)))

    return collected


@pytest.fixture
def saved(handed_over):
    """Hands a case over to the worker's own `save_case`; returns its answer."""

    def saving(case):
        params = json.loads(json.dumps(handed_over(case), allow_nan=False))
        return save_case(Task(1, "save_case", params, None, lambda progress: None), Params(params))

    return saving


def test_what_the_scene_stores_of_a_region_does_not_depend_on_the_order_of_voxels(a_left_handed_case, reloaded):
    before = a_left_handed_case.regionEntries
    after = reloaded().regionEntries
    assert after == before
    assert not [name for entry in after for name in entry["region"] if name.endswith("_kji")]


def test_indices_that_a_scene_of_an_early_version_holds_are_not_handed_over(a_left_handed_case, reloaded, handed_over):
    stale = {"centre_kji": [0, 0, 0], "start_kji": [0, 0, 0], "stop_kji": [1, 1, 1]}
    entries = a_left_handed_case.regionEntries
    a_left_handed_case.setJson("regions", [{**entry, "region": {**entry["region"], **stale}} for entry in entries])
    case = reloaded()
    assert all(region["stop_kji"] != [1, 1, 1] for region in handed_over(case)["regions_reviewed"])
    case.scene.RemoveNode(case.regionMap)
    assert all("stop_kji" not in region for region in handed_over(case)["regions_reviewed"])


def test_after_loading_indices_are_those_of_the_new_grid(a_left_handed_case, reloaded, handed_over):
    case = reloaded()
    params = handed_over(case)
    ids, image = volumeOf(case.regionMap).array, read_volume(params["images"][0], "x")
    assert len(params["regions_reviewed"]) == 2
    for region in params["regions_reviewed"]:
        assert ids[tuple(region["centre_kji"])] == region["id"]
        np.testing.assert_allclose(image.geometry.kji_to_ras(region["centre_kji"]), region["centre_ras"], atol=1e-6)
        inside = np.argwhere(ids == region["id"])
        assert region["start_kji"] == inside.min(axis=0).tolist()
        assert region["stop_kji"] == (inside.max(axis=0) + 1).tolist()


def test_a_case_is_saved_again_on_the_grid_of_the_library_after_its_scene_was_loaded(
    a_left_handed_case, reloaded, saved, tmp_path
):
    expected = labelMapOf(a_left_handed_case, LABELS, a_left_handed_case.image).array
    first, second = saved(a_left_handed_case), saved(reloaded())
    assert (first["version"], second["version"]) == (1, 2)
    assert second["voxels_changed"] == first["voxels_changed"]
    with CaseLibrary.open(tmp_path / "library") as library:
        for version in library.label_versions("case"):
            assert library.read_labels("case", version.number).geometry.matches(obliqueGeometry())
            np.testing.assert_array_equal(library.read_labels("case", version.number).array, expected)
        masks = [library.read_edit_mask("case", number).array for number in (1, 2)]
        np.testing.assert_array_equal(*masks)
        assert masks[0].any()
        assert len(library.predictions("case")) == 1
        places = [[Region.from_json(dict(r)) for r in v.regions_reviewed] for v in library.label_versions("case")]
        assert [(r.centre_kji, r.start_kji, r.stop_kji) for r in places[0]] == [
            (r.centre_kji, r.start_kji, r.stop_kji) for r in places[1]
        ]


def test_a_volume_that_slicer_loaded_is_the_image_that_the_library_read_from_the_same_file(scene, tmp_path):
    grid = obliqueGeometry()
    image = Volume(np.arange(np.prod(grid.shape), dtype=np.float32).reshape(grid.shape), grid)
    write_volume(image, tmp_path / "image.nrrd")
    loaded = volumeOf(slicer.util.loadVolume(str(tmp_path / "image.nrrd")))
    stored = readFile(tmp_path / "image.nrrd")
    assert not loaded.geometry.matches(stored.geometry)
    np.testing.assert_array_equal(on_grid(loaded, stored.geometry).array, stored.array)
