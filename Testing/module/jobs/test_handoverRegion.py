"""A case segmented in a region on its way to the library: training sees the region, and all of a person's work."""

import json

import numpy as np
import pytest

from dualssl.case_files import EDITED, LEFT, OUTSIDE, read_case
from dualssl.cases import CaseLibrary
from dualssl.prediction.roi import RegionOfInterest
from dualssl.volumes.volume import Volume
from dualssl.worker.arrays import read_volume
from dualssl.worker.jobs.save_case import save_case
from dualssl.worker.requests import Params
from dualssl.worker.task import Task
from DualSSLSegmentationLib.jobs.handover import collect, findingsOf
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import fillImage, geometryOf
from sampleCases import LABELS, SHAPE, segmentedCase


def boundsAround(grid, centre, half):
    place = grid.kji_to_ras(centre)
    return [float(v) for c in place for v in (c - half, c + half)]


@pytest.fixture
def a_case(scene):
    """Segmented in a region around the middle, which holds all of its labels; `case.box` is the region in voxels."""
    case = segmentedCase(scene)
    grid = geometryOf(case.image)
    centre = [(n - 1) / 2 for n in SHAPE]
    bounds = boundsAround(grid, centre, 12.0)
    case.box = RegionOfInterest.from_ras_bounds(grid, tuple(bounds))
    labels = np.zeros(SHAPE, np.uint8)
    labels[tuple(slice(int(c) - 2, int(c) + 3) for c in centre)] = 1
    fillImage(case.prediction.GetImageData(), labels)
    writeLabels(case.node, Volume(labels, grid), LABELS)
    case.setJson("provenance", {**case.provenance, "roi": bounds, "normalised_over": "roi"})
    return case


def params(case, tmp_path):
    return collect(case, "Ada", "case", tmp_path / "library", None, "", tmp_path / "exchange")


def marksOf(case, tmp_path):
    return read_volume(params(case, tmp_path)["edit_mask"], "edit mask").array


def paint(case, where):
    array = labelMapOf(case, LABELS, case.image).array.copy()
    array[where] = 2
    writeLabels(case.node, Volume(array, geometryOf(case.image)), LABELS)


def boxOf(marks):
    return [(int(n.min()), int(n.max()) + 1) for n in np.nonzero(marks != OUTSIDE)]


def test_what_lies_outside_of_the_region_is_marked(a_case, tmp_path):
    marks = marksOf(a_case, tmp_path)
    ends = [(max(s, 0), min(s + n, size)) for s, n, size in zip(a_case.box.start, a_case.box.shape, SHAPE, strict=True)]
    assert boxOf(marks) == ends
    assert (marks == OUTSIDE).any()


def test_what_a_person_painted_beyond_the_region_widens_it(a_case, tmp_path):
    paint(a_case, np.s_[0, 0, 0])
    marks = marksOf(a_case, tmp_path)
    assert marks[0, 0, 0] == EDITED
    assert all(first == 0 for first, _ in boxOf(marks))


@pytest.mark.parametrize("change", [{"normalised_over": "image"}, {"roi": None}, {"normalised_over": None}, {"roi": [1, 2]}])
def test_a_case_whose_intensities_are_those_of_the_whole_image_stays_whole(a_case, tmp_path, change):
    a_case.setJson("provenance", {**a_case.provenance, **change})
    assert set(np.unique(marksOf(a_case, tmp_path))) <= {LEFT, EDITED}
    assert not any("region that was segmented" in text for text in findingsOf(a_case).remarks)


def test_it_is_said_before_it_is_saved(a_case):
    assert any("fine-tuning sees the region that was segmented" in text for text in findingsOf(a_case).remarks)


def test_the_library_hands_training_the_region_alone(a_case, tmp_path):
    given = json.loads(json.dumps(params(a_case, tmp_path), allow_nan=False))
    save_case(Task(1, "save_case", given, None, lambda progress: None), Params(given))
    with CaseLibrary.open(tmp_path / "library") as library:
        assert library.read_labels("case").geometry.shape == SHAPE
        dataset = library.as_dataset()
        images, labels = read_case(dataset, "case", labelled=True)
        assert not dataset.partly_seen(["case"])
    start, stop = zip(*boxOf(marksOf(a_case, tmp_path / "again")), strict=True)
    assert labels.geometry.shape == tuple(b - a for a, b in zip(start, stop, strict=True))
    assert labels.geometry.matches(images[0].geometry)
    assert labels.array.any()
