"""Surface distances: against brute force, against MONAI, and in the cases where others give NaN."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.metrics import VOXELS, assd, hd95, surface_dice, surface_distances

ANISOTROPIC = (10.0, 1.5, 1.0)


def brute_surface(mask):
    padded = np.pad(mask, 1)
    voxels = []
    for k, j, i in np.argwhere(mask):
        sides = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))
        if not all(padded[k + 1 + a, j + 1 + b, i + 1 + c] for a, b, c in sides):
            voxels.append((k, j, i))
    return np.array(voxels, dtype=float)


def brute_directed(a, b, spacing):
    x, y = brute_surface(a) * spacing, brute_surface(b) * spacing
    return np.sort(np.linalg.norm(x[:, None] - y[None], axis=-1).min(axis=1))


def random_blobs(seed, shape=(6, 9, 8)):
    rng = np.random.default_rng(seed)
    return rng.random(shape) < rng.uniform(0.05, 0.9)


def monai_input(mask):
    import torch

    return torch.from_numpy(mask)[None, None].float()


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.integers(0, 10_000), st.tuples(*[st.floats(0.2, 12.0)] * 3))
def test_distances_are_those_of_brute_force_for_any_masks_and_spacing(seed, spacing):
    a, b = random_blobs(seed), random_blobs(seed + 1)
    found = surface_distances(a, b, spacing)
    there, back = brute_directed(a, b, spacing), brute_directed(b, a, spacing)
    np.testing.assert_allclose(np.sort(found.prediction_to_truth), there, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.sort(found.truth_to_prediction), back, rtol=1e-12, atol=1e-12)
    assert found.hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    assert found.assd == pytest.approx(np.concatenate([there, back]).mean())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spacing", [VOXELS, ANISOTROPIC])
def test_figures_are_monais_where_both_masks_have_a_surface(seed, spacing):
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    rng = np.random.default_rng(seed)
    grid = np.indices((8, 24, 20))

    def ball():
        c = rng.uniform((2, 8, 8), (5, 15, 12))
        return np.sqrt((((grid - c[:, None, None, None]) / np.array([0.4, 1, 1])[:, None, None, None]) ** 2).sum(0)) < 6

    a, b = ball(), ball()
    ta, tb = monai_input(a), monai_input(b)
    found = surface_distances(a, b, spacing)
    kw = {"include_background": True, "spacing": spacing}
    assert found.hd95 == pytest.approx(float(compute_hausdorff_distance(ta, tb, percentile=95, **kw)), rel=1e-5)
    assert found.assd == pytest.approx(float(compute_average_surface_distance(ta, tb, symmetric=True, **kw)), rel=1e-5)
    for tolerance in (0.0, 1.6, 3.1):
        expected = float(compute_surface_dice(ta, tb, class_thresholds=[tolerance], **kw))
        assert found.surface_dice(tolerance) == pytest.approx(expected, rel=1e-5)


def test_a_shift_by_one_thick_slice_is_ten_millimetres_and_one_voxel():
    a = np.zeros((6, 8, 8), dtype=bool)
    b = a.copy()
    a[2, 3, 3] = b[3, 3, 3] = True
    assert hd95(a, b, ANISOTROPIC) == assd(a, b, ANISOTROPIC) == pytest.approx(10.0)
    assert hd95(a, b, VOXELS) == pytest.approx(1.0)
    assert surface_dice(a, b, ANISOTROPIC, 9.9) == 0.0
    assert surface_dice(a, b, ANISOTROPIC, 10.0) == 1.0


def test_voxels_at_the_images_border_are_surface():
    full = np.ones((5, 5, 5), dtype=bool)
    centre = np.zeros((5, 5, 5), dtype=bool)
    centre[2, 2, 2] = True
    found = surface_distances(full, centre, VOXELS)
    assert found.prediction_to_truth.size == 5**3 - 3**3
    assert found.truth_to_prediction.tolist() == [2.0]


def test_hd95_and_assd_do_not_depend_on_which_mask_comes_first():
    a, b = random_blobs(3), random_blobs(8)
    b[:, :4] = False
    assert hd95(a, b, ANISOTROPIC) == pytest.approx(hd95(b, a, ANISOTROPIC))
    assert assd(a, b, ANISOTROPIC) == pytest.approx(assd(b, a, ANISOTROPIC))


def test_a_stray_voxel_far_away_is_seen():
    a = np.zeros((4, 30, 30), dtype=bool)
    a[1:3, 2:5, 2:5] = True
    b = a.copy()
    b[2, 28, 2] = True
    assert surface_distances(b, a, VOXELS).prediction_to_truth.max() == pytest.approx(24.0)


@pytest.mark.parametrize("prediction_is_empty", [True, False])
def test_one_empty_mask_alone_is_the_worst_value(prediction_is_empty):
    empty, other = np.zeros((3, 4, 5), dtype=bool), np.zeros((3, 4, 5), dtype=bool)
    other[1, 1, 1] = True
    pair = (empty, other) if prediction_is_empty else (other, empty)
    diagonal = float(np.linalg.norm([30.0, 6.0, 5.0]))
    found = surface_distances(*pair, ANISOTROPIC)
    assert found.hd95 == found.assd == pytest.approx(diagonal)
    assert found.surface_dice(1e9) == 0.0
    json.dumps([found.hd95, found.assd, found.surface_dice(1.0)], allow_nan=False)


def test_no_distance_between_masks_that_are_not_empty_exceeds_that_of_an_empty_one():
    corners = np.zeros((2, 3, 4, 5), dtype=bool)
    corners[0, 0, 0, 0] = corners[1, 2, 3, 4] = True
    assert hd95(corners[0], corners[1], ANISOTROPIC) < hd95(corners[0], np.zeros((3, 4, 5)), ANISOTROPIC)


def test_two_empty_masks_agree():
    empty = np.zeros((3, 4, 5), dtype=bool)
    found = surface_distances(empty, empty, ANISOTROPIC)
    assert (found.hd95, found.assd, found.surface_dice(0.0)) == (0.0, 0.0, 1.0)
