"""Boxes around the values of a label map."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from DualSSLSegmentationLib.scene.labelBoxes import boxesOf

LABEL_MAPS = hnp.arrays(
    st.sampled_from([np.uint8, np.int16, np.int32]),
    hnp.array_shapes(min_dims=3, max_dims=3, max_side=6),
    elements=st.integers(0, 4),
)


@given(LABEL_MAPS)
def test_they_are_those_of_scipy(label_map):
    expected = {n: box for n, box in enumerate(ndimage.find_objects(label_map.astype(np.int32)), start=1) if box is not None}
    assert boxesOf(label_map) == expected


def test_voxels_that_lie_otherwise_in_memory_have_the_same_boxes():
    label_map = np.zeros((4, 5, 6), np.uint8)
    label_map[1, 2:4, 3] = 7
    assert boxesOf(label_map[::-1]) == {7: (slice(2, 3), slice(2, 4), slice(3, 4))}


def test_values_below_zero_have_none():
    assert boxesOf(np.full((2, 2, 2), -1, np.int16)) == {}
