from __future__ import annotations

import numpy as np

from dualssl.prediction.components import keep_largest_components


def test_the_largest_piece_stays_and_other_labels_are_not_touched():
    labels = np.zeros((6, 8, 10), np.uint8)
    labels[0:2, 0:2, 0:3] = 1
    labels[4, 4, 0:2] = 1
    labels[5, 7, 9] = 2
    labels[0, 7, 0] = 2
    expected = labels.copy()
    expected[4, 4, 0:2] = 0
    keep_largest_components(labels, (1,))
    np.testing.assert_array_equal(labels, expected)


def test_pieces_that_share_a_corner_are_one():
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = labels[2, 2, 2] = 1
    keep_largest_components(labels, (1,))
    assert labels.sum() == 3


def test_another_label_inside_the_box_does_not_count():
    labels = np.full((5, 5, 5), 2, np.uint8)
    labels[0, 0, 0] = 1
    labels[4, 3:5, 4] = 1
    keep_largest_components(labels, (1, 3))
    assert labels[0, 0, 0] == 0
    assert (labels == 1).sum() == 2
    assert (labels == 2).sum() == 122


def test_nothing_to_do_is_no_error():
    labels = np.zeros((3, 3, 3), np.uint8)
    keep_largest_components(labels, ())
    keep_largest_components(labels, (1, 2))
    assert not labels.any()
