"""Connected uncertain regions."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from dualssl.geometry import Geometry
from dualssl.review import Region, RegionSettings, find_regions, region_label_map

SHAPE = (20, 30, 28)
ANY_SIZE = RegionSettings(min_volume_ml=0.0)


def quiet_maps(shape=SHAPE):
    """Entropy, KL and label map of a case in which nothing is uncertain."""
    return np.full(shape, 0.1, dtype=np.float32), np.full(shape, 0.01, dtype=np.float32), np.zeros(shape, np.uint8)


def oblique_left_handed(shape, spacing, angles):
    a, b, c = angles
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    direction = rx @ ry @ rz @ np.diag([1.0, 1.0, -1.0])
    return Geometry(shape, spacing, (-40.0, 25.0, 310.0), tuple(tuple(float(v) for v in row) for row in direction))


@pytest.fixture
def hesitation_and_quarrel():
    """An ambiguous blob of 4 x 5 x 6 voxels and, well apart, a smaller one over which the networks disagree."""
    entropy, kl, labels = quiet_maps()
    entropy[2:6, 3:8, 4:10] = 0.9
    entropy[12:15, 20:23, 18:21] = 0.6
    kl[12:15, 20:23, 18:21] = 2.0
    return entropy, kl, labels


def test_two_blobs_are_two_regions_of_the_right_kinds_the_larger_first(hesitation_and_quarrel):
    found = find_regions(*hesitation_and_quarrel, Geometry(SHAPE, (2.0, 1.0, 1.0)))
    ambiguous, conflict = found.regions
    assert (ambiguous.id, ambiguous.kind) == (1, "ambiguous")
    assert (conflict.id, conflict.kind) == (2, "conflict")
    assert (ambiguous.voxels, conflict.voxels) == (120, 27)
    assert ambiguous.volume_ml == pytest.approx(120 * 2.0 / 1000)
    assert ambiguous.score == pytest.approx(120 * 0.002 * 0.9)
    assert conflict.score == pytest.approx(27 * 0.002 * (1 - np.exp(-2.0)))
    assert (ambiguous.start_kji, ambiguous.stop_kji) == ((2, 3, 4), (6, 8, 10))
    assert (conflict.mean_entropy, conflict.peak_kl) == (pytest.approx(0.6), pytest.approx(2.0))
    assert conflict.centre_kji == (13, 21, 19)


def test_where_both_maps_are_high_the_larger_excess_in_units_of_its_threshold_decides():
    entropy, kl, labels = quiet_maps()
    entropy[2:6, 2:6, 2:6] = 0.8
    kl[2:6, 2:6, 2:6] = 0.7
    geometry = Geometry(SHAPE)
    assert find_regions(entropy, kl, labels, geometry).regions[0].kind == "ambiguous"
    lower_kl = RegionSettings(kl=0.2)
    assert find_regions(entropy, kl, labels, geometry, lower_kl).regions[0].kind == "conflict"


def test_the_label_map_holds_each_regions_voxels_under_its_id(hesitation_and_quarrel):
    entropy, kl, _ = hesitation_and_quarrel
    found = find_regions(*hesitation_and_quarrel, Geometry(SHAPE), ANY_SIZE)
    ids = region_label_map(found)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids > 0, (entropy >= 0.5) | (kl >= 0.5))
    for region in found:
        assert np.count_nonzero(ids == region.id) == region.voxels
        box = ndimage.find_objects((ids == region.id).astype(int))[0]
        assert tuple(s.start for s in box) == region.start_kji
        assert tuple(s.stop for s in box) == region.stop_kji


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    st.integers(0, 10_000),
    st.tuples(st.floats(0.5, 10.0), st.floats(0.4, 2.0), st.floats(0.4, 2.0)),
    st.tuples(*[st.floats(-3.0, 3.0)] * 3),
    st.floats(4.0, 40.0),
)
def test_on_any_grid_centres_lie_inside_and_regions_are_connected_and_of_bounded_extent(seed, spacing, angles, extent):
    shape = (9, 17, 13)
    rng = np.random.default_rng(seed)
    entropy = ndimage.gaussian_filter(rng.random(shape), 1.5)
    entropy = ((entropy - entropy.min()) / np.ptp(entropy)).astype(np.float32)
    kl = ndimage.gaussian_filter(rng.random(shape), 1.5).astype(np.float32)
    geometry = oblique_left_handed(shape, spacing, angles)
    assert np.linalg.det(geometry.ijk_to_ras[:3, :3]) < 0
    chosen = RegionSettings(kl=0.53, min_volume_ml=0.0, max_regions=10_000, max_extent_mm=extent)
    found = find_regions(entropy, kl, np.zeros(shape, np.uint8), geometry, chosen)
    ids = region_label_map(found)
    np.testing.assert_array_equal(ids > 0, (entropy >= 0.5) | (kl >= np.float32(0.53)))
    assert [r.id for r in found] == list(range(1, len(found) + 1))
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
    assert sum(r.volume_ml for r in found) == pytest.approx(np.count_nonzero(ids) * np.prod(spacing) / 1000)
    for region in found:
        index = np.rint(geometry.ras_to_kji(region.centre_ras)).astype(int)
        assert tuple(index) == region.centre_kji
        assert ids[tuple(index)] == region.id
        _, parts = ndimage.label(ids == region.id, structure=np.ones((3, 3, 3)))
        assert parts == 1
        corners = geometry.kji_to_ras(np.argwhere(ids == region.id))
        assert np.linalg.norm(corners[:, None] - corners[None], axis=-1).max() <= extent + 1e-3


def test_the_centre_of_a_ring_is_on_the_ring():
    entropy, kl, labels = quiet_maps()
    k, j, i = np.indices(SHAPE)
    radius = np.hypot(j - 15, i - 14)
    entropy[(k == 10) & (radius > 5) & (radius < 7.5)] = 0.8
    (ring,) = find_regions(entropy, kl, labels, Geometry(SHAPE), ANY_SIZE).regions
    assert entropy[ring.centre_kji] == pytest.approx(0.8)


def test_the_centre_follows_the_uncertainty():
    entropy, kl, labels = quiet_maps()
    entropy[5, 5, 2:21] = 0.5
    entropy[5, 5, 16:21] = 1.0
    (rod,) = find_regions(entropy, kl, labels, Geometry(SHAPE), ANY_SIZE).regions
    assert rod.centre_kji == (5, 5, round((0.5 * sum(range(2, 16)) + sum(range(16, 21))) / 12))


def test_a_shell_around_a_structure_is_split_into_pieces_that_cover_it():
    shape = (48, 64, 64)
    entropy, kl, labels = quiet_maps(shape)
    spacing = (2.0, 1.5, 1.5)
    k, j, i = np.indices(shape)
    radius = np.sqrt(((k - 24) * 2.0) ** 2 + ((j - 32) * 1.5) ** 2 + ((i - 32) * 1.5) ** 2)
    shell = np.abs(radius - 36) < 2.0
    labels[radius < 36] = 1
    entropy[shell] = 0.7
    chosen = RegionSettings(max_extent_mm=25.0, max_regions=1000, min_volume_ml=0.05)
    geometry = Geometry(shape, spacing)
    found = find_regions(entropy, kl, labels, geometry, chosen)
    ids = region_label_map(found)
    assert not np.any((ids > 0) & ~shell)
    assert np.count_nonzero(ids) > 0.97 * np.count_nonzero(shell)
    # A sphere of 36 mm radius has an area of 163 cm²; patches of 25 mm across cover at most 4.9 cm² each.
    assert 163 / 4.9 < len(found) < 163
    for region in found:
        points = np.argwhere(ids == region.id) * spacing
        assert np.linalg.norm(points[:, None] - points[None], axis=-1).max() <= 25.0 + 1e-3
        assert region.labels == (1,)
    again = find_regions(entropy, kl, labels, geometry, chosen)
    assert again.regions == found.regions


def test_pieces_form_around_the_peaks_of_uncertainty():
    entropy, kl, labels = quiet_maps((3, 3, 60))
    entropy[1, 1, 5:55] = 0.6
    entropy[1, 1, [18, 42]] = 1.0
    chosen = RegionSettings(min_volume_ml=0.0, max_extent_mm=48.0)
    found = find_regions(entropy, kl, labels, Geometry((3, 3, 60)), chosen)
    ids = region_label_map(found)[1, 1]
    assert len(found) == 2
    assert ids[18] != ids[42]
    # The border lies half-way between the peaks, at 30.
    assert set(ids[5:30]) == {ids[18]}
    assert set(ids[31:55]) == {ids[42]}


def test_a_mass_too_large_to_split_at_once_is_still_split_completely(monkeypatch):
    from dualssl.review import splitting

    monkeypatch.setattr(splitting, "_MOST_AT_ONCE", 500)
    entropy, kl, labels = quiet_maps()
    entropy[:, 2:, 3:] = np.random.default_rng(0).uniform(0.5, 1.0, entropy[:, 2:, 3:].shape)
    chosen = RegionSettings(min_volume_ml=0.0, max_regions=100_000, max_extent_mm=9.0)
    ids = region_label_map(find_regions(entropy, kl, labels, Geometry(SHAPE, (1.5, 1.0, 1.0)), chosen))
    np.testing.assert_array_equal(ids > 0, entropy >= 0.5)
    for box in ndimage.find_objects(ids):
        assert np.linalg.norm([(s.stop - s.start - 1) * mm for s, mm in zip(box, (1.5, 1.0, 1.0), strict=True)]) < 9 * 1.8


@pytest.mark.parametrize("mm", [1.0, 0.7, 0.6, 0.3, 1.1])
def test_small_regions_are_left_out_and_one_of_exactly_the_smallest_volume_stays(mm):
    entropy, kl, labels = quiet_maps()
    entropy[2:7, 2:7, 2:4] = 0.9
    entropy[12:17, 12:17, 12:14] = 0.9
    entropy[12, 12, 12] = 0.1
    smallest = RegionSettings(min_volume_ml=round(50 * mm**3 / 1000, 9))
    (kept,) = find_regions(entropy, kl, labels, Geometry(SHAPE, (mm, mm, mm)), smallest).regions
    assert kept.start_kji == (2, 2, 2)


def test_only_the_regions_of_highest_score_are_kept():
    entropy, kl, labels = quiet_maps()
    for n, value in enumerate((0.6, 0.9, 0.7, 0.8)):
        entropy[4 * n : 4 * n + 3, 5:8, 5:8] = value
    chosen = RegionSettings(min_volume_ml=0.0, max_regions=2)
    found = find_regions(entropy, kl, labels, Geometry(SHAPE), chosen)
    assert [r.start_kji[0] for r in found] == [4, 12]


def test_regions_that_touch_only_at_a_corner_are_one():
    entropy, kl, labels = quiet_maps()
    entropy[2:4, 2:4, 2:4] = entropy[4:6, 4:6, 4:6] = 0.9
    assert len(find_regions(entropy, kl, labels, Geometry(SHAPE), ANY_SIZE)) == 1


def test_labels_inside_and_next_to_a_region_are_named_and_others_are_not():
    entropy, kl, labels = quiet_maps()
    entropy[5:8, 5:8, 5:8] = 0.9
    labels[6, 6, 6] = 3
    labels[8, 8, 8] = 1
    labels[10:, 10:, 10:] = 2
    (region,) = find_regions(entropy, kl, labels, Geometry(SHAPE), ANY_SIZE).regions
    assert region.labels == (1, 3)


def test_a_certain_case_has_no_regions():
    found = find_regions(*quiet_maps(), Geometry(SHAPE))
    assert len(found) == 0
    assert not region_label_map(found).any()


def test_regions_survive_the_way_through_json(hesitation_and_quarrel):
    entropy, kl, labels = hesitation_and_quarrel
    labels[3:10] = 1
    for region in find_regions(entropy, kl, labels, Geometry(SHAPE, (2.5, 0.7, 0.7))):
        assert Region.from_json(json.loads(json.dumps(region.to_json(), allow_nan=False))) == region


@pytest.mark.parametrize("damage", [{"kind": "boring"}, {"centre_ras": [1.0, 2.0]}, {"voxels": None}, {"labels": 3}])
def test_garbled_json_is_refused(hesitation_and_quarrel, damage):
    region = find_regions(*hesitation_and_quarrel, Geometry(SHAPE)).regions[0]
    with pytest.raises(ValueError):
        Region.from_json({**region.to_json(), **damage})


def test_maps_of_another_shape_than_the_geometry_are_refused():
    entropy, kl, labels = quiet_maps()
    with pytest.raises(ValueError, match="KL"):
        find_regions(entropy, kl[1:], labels, Geometry(SHAPE))


@pytest.mark.parametrize("bad", [{"entropy": 0.0}, {"kl": -1.0}, {"max_extent_mm": 0.0}, {"max_regions": -1}])
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError):
        RegionSettings(**bad)
