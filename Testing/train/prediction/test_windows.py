from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.prediction.windows import blending_weights, choose_window, plan_windows

shapes = st.tuples(*[st.integers(1, 90)] * 3)
windows = st.tuples(*[st.sampled_from([16, 32, 48])] * 3)
overlaps = st.sampled_from([0.0, 0.25, 0.5, 0.8])
quick = settings(deadline=None, max_examples=60, derandomize=True)


@quick
@given(shapes, windows, overlaps)
def test_windows_cover_every_voxel_and_the_last_one_ends_at_the_end(shape, window, overlap):
    plan = plan_windows(shape, window, overlap)
    for size, side, starts in zip(shape, plan.window, plan.starts, strict=True):
        if size <= side:
            (start,) = starts
            assert start <= 0
            assert start + side >= size
        else:
            assert starts[0] == 0
            assert starts[-1] + side == size
            gaps = np.diff(starts)
            assert gaps.max() <= side * (1 - overlap) + 1
            assert gaps.max() - gaps.min() <= 1


@quick
@given(shapes, windows, overlaps, st.sampled_from(["gaussian", "constant"]))
def test_blending_weights_sum_to_one_at_every_voxel(shape, window, overlap, blending):
    plan = plan_windows(shape, window, overlap)
    for size, starts, weights in zip(shape, plan.starts, blending_weights(plan, blending), strict=True):
        total = np.zeros(size)
        for start, weight in zip(starts, weights, strict=True):
            for n, w in enumerate(weight):
                if 0 <= start + n < size:
                    total[start + n] += w
        np.testing.assert_allclose(total, 1.0, atol=1e-6)


def test_gaussian_weights_favour_the_window_in_whose_middle_a_voxel_lies():
    (first, _), _, _ = blending_weights(plan_windows((24, 16, 16), (16, 16, 16), 0.5), "gaussian")
    assert np.all(np.diff(first[8:]) < 0)
    assert first[8] > 0.9
    assert first[15] < 0.1


def test_windows_come_sorted_by_slice():
    starts = list(plan_windows((50, 40, 30), (16, 16, 16), 0.25))
    assert [k for k, _, _ in starts] == sorted(k for k, _, _ in starts)
    assert len(set(starts)) == plan_windows((50, 40, 30), (16, 16, 16), 0.25).count


def test_a_small_volume_lies_in_the_middle_of_its_window():
    assert plan_windows((10, 16, 11), (16, 16, 16)).starts == ((-3,), (0,), (-3,))


def test_sides_are_rounded_up_to_multiples_of_16():
    assert plan_windows((64, 64, 64), (17, 16, 30)).window == (32, 16, 32)


@pytest.mark.parametrize("overlap", [-0.1, 1.0])
def test_an_impossible_overlap_is_refused(overlap):
    with pytest.raises(ValueError, match="overlap"):
        plan_windows((20, 20, 20), (16, 16, 16), overlap)


def test_one_window_takes_the_whole_volume_if_the_budget_allows():
    assert choose_window((88, 140, 180), (80, 112, 112), "batch", 2_800_000) == (96, 144, 192)


@quick
@given(st.tuples(*[st.integers(1, 300)] * 3), windows, st.integers(10_000, 4_000_000))
def test_a_chosen_window_costs_no_more_than_the_patch_and_keeps_the_budget(shape, patch, budget):
    window = choose_window(shape, patch, "batch", budget)
    assert all(w >= p and w % 16 == 0 for w, p in zip(window, patch, strict=True))
    assert all(w <= max(p, n + 15) for w, p, n in zip(window, patch, shape, strict=True))
    assert prod(window) <= max(budget, prod(patch))
    assert plan_windows(shape, window).voxels <= 1.05 * plan_windows(shape, patch).voxels


def test_instance_normalisation_keeps_the_training_patch():
    assert choose_window((88, 140, 180), (80, 112, 112), "instance", 10**9) == (80, 112, 112)


def test_among_windows_of_equal_cost_the_shallow_one_is_chosen():
    # Ten slices deep or forty: with no overlap asked for both compute each voxel once.
    assert choose_window((160, 32, 32), (16, 32, 32), "batch", 10**9, overlap=0.0)[0] == 16
