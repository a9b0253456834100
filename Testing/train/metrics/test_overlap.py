"""Dice and Jaccard."""

import numpy as np
import pytest

from dualssl.metrics import dice, jaccard


def mask(*true_voxels):
    m = np.zeros((3, 4, 5), dtype=bool)
    for voxel in true_voxels:
        m[voxel] = True
    return m


def test_dice_and_jaccard_of_two_of_three_shared_voxels():
    a = mask((0, 0, 0), (0, 0, 1), (1, 1, 1))
    b = mask((0, 0, 0), (0, 0, 1))
    assert dice(a, b) == pytest.approx(4 / 5)
    assert jaccard(a, b) == pytest.approx(2 / 3)


def test_both_empty_is_agreement_and_one_empty_is_the_worst_value():
    assert dice(mask(), mask()) == jaccard(mask(), mask()) == 1.0
    for pair in ((mask((0, 0, 0)), mask()), (mask(), mask((0, 0, 0)))):
        assert dice(*pair) == jaccard(*pair) == 0.0


def test_masks_of_different_shape_are_refused_even_where_they_broadcast():
    with pytest.raises(ValueError, match="shape"):
        dice(np.ones((2, 2, 2)), np.ones((1, 2, 2)))
