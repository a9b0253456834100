"""The simulated reader: mends what the list points to, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import TrainingError
from dualssl.geometry import Geometry
from dualssl.learning_loop.reader import CaseLabels, ReaderSettings, RegionRepair, read_regions
from dualssl.metrics.band import foreground_band
from dualssl.metrics.overlap import dice
from dualssl.review import RegionSettings, find_regions, region_label_map

STRUCTURES = 2


def regions_of(entropy, label):
    """Every uncertain component, however small."""
    grid = Geometry(label.shape, spacing=(5.0, 5.0, 5.0))
    return find_regions(entropy, np.zeros_like(entropy), label, grid, RegionSettings(min_volume_ml=0.0, max_extent_mm=20.0))


@st.composite
def cases(draw):
    """Label maps at random and a random review list."""
    shape = tuple(draw(st.integers(1, 7)) for _ in range(3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth, predicted, a, b = random.integers(0, STRUCTURES + 1, (4, *shape)).astype(np.uint8)
    share = draw(st.sampled_from((0.05, 0.2, 0.6)))
    entropy = np.where(random.random(shape) < share, random.uniform(0.5, 1.0, shape), 0.1).astype(np.float32)
    return CaseLabels(predicted, a, b, truth), regions_of(entropy, predicted)


readers = st.builds(ReaderSettings, st.integers(0, 5), st.integers(0, 2), st.integers(0, 8))


@settings(max_examples=150, deadline=None)
@given(cases(), readers)
def test_inside_the_brush_all_is_right_and_outside_nothing_changes(drawn, reader):
    case, found = drawn
    reading = read_regions(case, found, STRUCTURES, reader)
    ids = region_label_map(found)
    brush = foreground_band((ids > 0) & (ids <= reader.regions), reader.margin)
    assert np.array_equal(reading.labels[brush], case.truth[brush])
    assert np.array_equal(reading.labels[~brush], case.predicted[~brush])
    assert np.array_equal(reading.edits, reading.labels != case.predicted)


@settings(max_examples=150, deadline=None)
@given(cases(), readers)
def test_no_voxel_becomes_wrong_and_the_counts_are_those_of_the_label_map(drawn, reader):
    case, found = drawn
    reading = read_regions(case, found, STRUCTURES, reader)
    wrong_before, wrong_after = case.predicted != case.truth, reading.labels != case.truth
    assert not (wrong_after & ~wrong_before).any()
    assert (reading.errors_before, reading.errors_after) == (wrong_before.sum(), wrong_after.sum())
    repaired = [repair.repaired for repair in reading.repairs]
    assert sum(repaired[: reading.mended]) == reading.edits.sum()
    assert all(repair.repaired <= repair.errors <= repair.brushed for repair in reading.repairs)
    share = reading.edits.sum() / wrong_before.sum() if wrong_before.any() else 1.0
    assert reading.errors_found[reading.mended] == pytest.approx(share)


@settings(max_examples=100, deadline=None)
@given(cases(), readers)
def test_the_course_is_the_dice_of_readers_who_stop_earlier(drawn, reader):
    case, found = drawn
    reading = read_regions(case, found, STRUCTURES, reader)
    assert len(reading.dice) == len(reading.errors_found) == len(reading.repairs) + 1
    assert len(reading.repairs) == min(reader.followed, len(found))
    for count, value in enumerate(reading.dice):
        labels = read_regions(case, found, STRUCTURES, ReaderSettings(count, reader.margin, 0)).labels
        assert value == pytest.approx(np.mean([dice(labels == v, case.truth == v) for v in (1, 2)]))
    assert all(a <= b for a, b in zip(reading.errors_found, reading.errors_found[1:], strict=False))


@settings(max_examples=50, deadline=None)
@given(cases())
def test_a_reader_of_no_region_changes_nothing(drawn):
    case, found = drawn
    before = case.predicted.copy()
    reading = read_regions(case, found, STRUCTURES, ReaderSettings(regions=0))
    assert np.array_equal(reading.labels, before)
    assert not reading.edits.any()
    assert reading.mended == 0


@settings(max_examples=50, deadline=None)
@given(cases(), readers)
def test_the_given_label_maps_stay_as_they_are(drawn, reader):
    case, found = drawn
    before = [array.copy() for array in (case.predicted, case.network_a, case.network_b, case.truth)]
    read_regions(case, found, STRUCTURES, reader).labels[:] = 0
    after = (case.predicted, case.network_a, case.network_b, case.truth)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def row_case(truth, predicted, a, b, uncertain):
    """A case of one row of voxels, with runs of uncertain ones as its regions."""

    def line(text):
        return np.array([[[int(c) for c in text]]], dtype=np.uint8)

    entropy = np.array([[[float(c) / 10 for c in uncertain]]], dtype=np.float32)
    return CaseLabels(line(predicted), line(a), line(b), line(truth)), regions_of(entropy, line(predicted))


def test_errors_and_clicks_of_each_region_are_counted():
    case, found = row_case(
        truth="0111100011",
        predicted="0011000000",
        a="0111000000",
        b="0010000011",
        uncertain="0990000099",
    )
    reading = read_regions(case, found, 1, ReaderSettings(regions=1, margin=1))
    assert [region.id for region in found] == [1, 2]
    assert reading.repairs == (
        RegionRepair(id=1, voxels=2, brushed=4, errors=1, repaired=1, wrong_mean=1, wrong_a=0, wrong_b=1),
        RegionRepair(id=2, voxels=2, brushed=3, errors=2, repaired=2, wrong_mean=2, wrong_a=2, wrong_b=0),
    )
    assert [repair.one_click for repair in reading.repairs] == [1, 2]
    assert reading.labels.tolist() == [[[0, 1, 1, 1, 0, 0, 0, 0, 0, 0]]]
    assert reading.errors_found == (0.0, 1 / 4, 3 / 4)


def test_an_error_under_two_brushes_is_repaired_once():
    case, found = row_case(truth="11111", predicted="11011", a="11111", b="11111", uncertain="99099")
    first, second = read_regions(case, found, 1, ReaderSettings(regions=2, margin=1)).repairs
    assert (first.errors, first.repaired) == (1, 1)
    assert (second.errors, second.repaired) == (1, 0)


def test_a_click_that_makes_it_worse_is_not_taken():
    case, found = row_case(truth="0110", predicted="0110", a="1001", b="0000", uncertain="9999")
    (repair,) = read_regions(case, found, 1).repairs
    assert (repair.wrong_mean, repair.wrong_a, repair.wrong_b, repair.one_click) == (0, 4, 2, 0)


def test_a_case_without_errors_has_all_of_them_found():
    case, found = row_case(truth="0110", predicted="0110", a="0110", b="0110", uncertain="0990")
    reading = read_regions(case, found, 1)
    assert set(reading.errors_found) == {1.0}
    assert set(reading.dice) == {1.0}


def test_label_maps_and_regions_must_be_of_one_case():
    case, found = row_case(truth="01", predicted="00", a="00", b="00", uncertain="99")
    with pytest.raises(ValueError, match="not of one case"):
        CaseLabels(case.predicted, case.network_a, case.network_b, np.zeros((1, 1, 3), np.uint8))
    other, _ = row_case(truth="011", predicted="000", a="000", b="000", uncertain="999")
    with pytest.raises(ValueError, match="regions of shape"):
        read_regions(other, found, 1)


@pytest.mark.parametrize(("changed", "named"), [({"regions": -1}, "--regions"), ({"margin": -1}, "--margin")])
def test_a_reader_cannot_do_less_than_nothing(changed, named):
    with pytest.raises(TrainingError, match=named):
        ReaderSettings(**changed)
