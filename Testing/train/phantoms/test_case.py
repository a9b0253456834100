"""What one phantom case promises: repeatable, complete, and an anatomy that knows nothing of grids and scanners."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from dualssl.errors import DatasetError
from dualssl.phantoms.case import PhantomCase, generate_case
from dualssl.phantoms.settings import PhantomSettings

SMALL = PhantomSettings(shape=(30, 34, 32), spacing=(2.9, 2.6, 2.8), structures=3, seed=5)
PLAIN_GRID = replace(SMALL, oblique_degrees=0.0, flipped_share=0.0, left_handed_share=0.0)


def share_of(case: PhantomCase, value: int) -> float:
    return float((case.label_map.array == value).mean())


def handedness(case: PhantomCase) -> float:
    return float(np.linalg.det(np.asarray(case.image.geometry.direction)))


def labels_at_the_voxels_of(case: PhantomCase, other: PhantomCase) -> np.ndarray:
    """Labels of `other` at the world points of `case`'s voxels, 255 where `other`'s grid does not reach."""
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in case.image.geometry.shape], indexing="ij"), axis=-1)
    world = case.image.geometry.kji_to_ras(indices)
    there = np.moveaxis(other.label_map.geometry.ras_to_kji(world), -1, 0)
    return ndimage.map_coordinates(other.label_map.array, there, order=0, cval=255)


def interior(labels: np.ndarray) -> np.ndarray:
    """Voxels whose neighbours all have their own label."""
    cube = np.ones((3, 3, 3))
    return ndimage.minimum_filter(labels, footprint=cube) == ndimage.maximum_filter(labels, footprint=cube)


@pytest.fixture(scope="module")
def a_case() -> PhantomCase:
    return generate_case(SMALL, 3)


def test_a_case_is_the_same_every_time_and_however_many_there_are(a_case):
    again = generate_case(replace(SMALL, cases=SMALL.cases + 70), 3)
    np.testing.assert_array_equal(a_case.image.array, again.image.array)
    np.testing.assert_array_equal(a_case.label_map.array, again.label_map.array)
    assert a_case.image.geometry == again.image.geometry


@pytest.mark.parametrize("other", [(SMALL, 4), (replace(SMALL, seed=6), 3)], ids=["another index", "another seed"])
def test_another_index_or_seed_is_another_case(a_case, other):
    assert (generate_case(*other).label_map.array != a_case.label_map.array).mean() > 0.01


def test_a_negative_index_is_refused():
    with pytest.raises(ValueError, match="counted from 0"):
        generate_case(SMALL, -1)


def test_files_hold_small_whole_numbers_on_one_grid(a_case):
    assert a_case.image.array.dtype == np.uint16
    assert a_case.label_map.array.dtype == np.uint8
    assert a_case.image.geometry == a_case.label_map.geometry
    assert a_case.image.geometry.shape == SMALL.shape
    assert a_case.image.geometry.spacing == pytest.approx(SMALL.spacing)


@pytest.mark.parametrize("structures", [1, 2, 3])
def test_label_values_run_from_background_to_the_last_structure(structures):
    case = generate_case(replace(SMALL, structures=structures), 3)
    assert np.unique(case.label_map.array).tolist() == list(range(structures + 1))
    assert list(replace(SMALL, structures=structures).labels.names) == ["chamber", "wall", "vessel"][:structures]


@pytest.mark.parametrize("variation", [0.0, 0.65, 1.0])
def test_every_structure_is_there_in_a_plausible_amount(variation):
    for index in range(6):
        case = generate_case(replace(SMALL, variation=variation), index)
        assert 0.005 < share_of(case, 1) < 0.15
        assert 0.005 < share_of(case, 2) < 0.20
        assert 0.0004 < share_of(case, 3) < 0.05


def test_the_chamber_is_one_piece_inside_its_wall_which_only_vessels_pierce():
    for index in range(4):
        labels = generate_case(SMALL, index).label_map.array
        assert ndimage.label(labels == 1)[1] == 1
        around = ndimage.binary_dilation(labels == 1) & (labels != 1)
        assert (labels[around] > 0).mean() > 0.99


def test_without_variation_all_cases_have_one_size_and_with_it_they_differ():
    def spread(variation: float) -> float:
        chosen = replace(PLAIN_GRID, variation=variation)
        amounts = [share_of(generate_case(chosen, index), 1) for index in range(6)]
        return float(np.std(amounts) / np.mean(amounts))

    assert spread(0.0) < 0.1 < 0.3 < spread(1.0)


@given(
    index=st.integers(0, 20),
    degrees=st.floats(0.0, 180.0),
    flipped=st.sampled_from([0.0, 1.0]),
    left_handed=st.sampled_from([0.0, 1.0]),
)
@settings(deadline=None, max_examples=12, derandomize=True)
def test_the_anatomy_does_not_depend_on_the_grid(index, degrees, flipped, left_handed):
    plain = generate_case(PLAIN_GRID, index)
    chosen = replace(
        PLAIN_GRID,
        oblique_degrees=degrees,
        flipped_share=flipped,
        left_handed_share=left_handed,
        shape=(26, 40, 36),
        spacing=(3.3, 2.2, 2.5),
    )
    turned = generate_case(chosen, index)
    seen = labels_at_the_voxels_of(turned, plain)
    common = (seen != 255) & interior(turned.label_map.array)
    assert common.mean() > 0.3
    assert set(np.unique(turned.label_map.array[common])) >= {0, 1}
    # The nearest voxel of the other grid lies up to half a voxel's diagonal away: a few thin parts may still differ.
    assert (seen[common] != turned.label_map.array[common]).mean() < 0.01


@pytest.mark.parametrize(("share", "sign"), [(0.0, 1.0), (1.0, -1.0)])
@pytest.mark.parametrize("flipped", [0.0, 1.0])
def test_grids_are_left_handed_only_where_asked(share, sign, flipped):
    for index in range(4):
        case = generate_case(replace(SMALL, left_handed_share=share, flipped_share=flipped), index)
        assert handedness(case) == pytest.approx(sign)


def test_a_share_of_the_grids_is_flipped():
    half = replace(SMALL, flipped_share=0.5, oblique_degrees=0.0, left_handed_share=0.0, shape=(8, 8, 8))
    turned = [np.trace(np.asarray(generate_case(half, index).image.geometry.direction)) < 2 for index in range(40)]
    assert 8 < sum(turned) < 32


def test_grids_are_oblique_up_to_the_angle_asked():
    asked = replace(PLAIN_GRID, oblique_degrees=20.0, shape=(8, 8, 8))
    angles = []
    for index in range(20):
        direction = np.asarray(generate_case(asked, index).image.geometry.direction)
        angles.append(np.degrees(np.arccos(np.clip((np.trace(direction) - 1) / 2, -1, 1))))
    assert max(angles) <= 20.0 + 1e-6
    assert max(angles) > 12.0
    np.testing.assert_allclose(generate_case(PLAIN_GRID, 0).image.geometry.direction, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    "change",
    [{"noise": 0.2}, {"bias_field": 0.4}, {"partial_volume_mm": 4.0}, {"contrast_variation": 0.0}],
    ids=lambda change: next(iter(change)),
)
def test_the_scanner_changes_the_image_and_never_the_truth(a_case, change):
    other = generate_case(replace(SMALL, **change), 3)
    np.testing.assert_array_equal(other.label_map.array, a_case.label_map.array)
    assert np.abs(other.image.array.astype(float) - a_case.image.array).mean() > 1


def test_noise_has_the_level_asked():
    quiet, noisy = (
        generate_case(replace(SMALL, noise=noise, variation=0.0), 2).image.array.astype(float) for noise in (0.0, 0.1)
    )
    blood = generate_case(SMALL, 2).label_map.array == 1
    gain = 600.0  # of the mean case, whose blood has 0.75
    assert np.std((noisy - quiet)[blood]) == pytest.approx(0.1 * 0.75 * gain, rel=0.15)


def test_intensity_alone_does_not_tell_blood_from_look_alikes():
    clean = replace(SMALL, noise=0.0, bias_field=0.0, variation=0.5)
    for index in range(4):
        case = generate_case(clean, index)
        labels = case.label_map.array
        low, high = np.percentile(case.image.array[labels == 1], [2, 98])
        alike = (case.image.array >= low) & (case.image.array <= high) & ~ndimage.binary_dilation(labels > 0)
        assert alike.sum() > 0.05 * (labels == 1).sum()


def test_distractors_change_nothing_of_the_structures_and_keep_a_septum_from_them():
    none, three = (generate_case(replace(PLAIN_GRID, distractors=n, noise=0.0), 1) for n in (0, 3))
    np.testing.assert_array_equal(none.label_map.array, three.label_map.array)
    inside = interior(three.label_map.array) & (three.label_map.array > 0)
    np.testing.assert_array_equal(none.image.array[inside], three.image.array[inside])
    assert (none.image.array != three.image.array).mean() > 0.01


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cases", 0),
        ("shape", (4, 40, 40)),
        ("spacing", (1.0, 0.0, 1.0)),
        ("structures", 4),
        ("variation", 1.5),
        ("noise", -0.1),
        ("partial_volume_mm", 0.0),
        ("left_handed_share", float("nan")),
        ("seed", -1),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(DatasetError, match=f"'{name}'"):
        replace(SMALL, **{name: value})
