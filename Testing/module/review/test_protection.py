"""A person's voxels survive a new prediction, exactly as far as the person asked for it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from DualSSLSegmentationLib.review.protection import NEIGHBOURHOOD, MergeChoice, around, merged

KEEPING = [MergeChoice.keepMine, MergeChoice.onlyUntouched]
ALL = list(MergeChoice)

shapes = hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7)


@st.composite
def situations(draw):
    """A label map that a person has worked on, the mask of their edits, a new prediction, and regions decided on."""
    shape = draw(shapes)
    labels = hnp.arrays(np.uint8, shape, elements=st.integers(0, 3))
    masks = hnp.arrays(bool, shape)
    return draw(labels), draw(masks), draw(labels), draw(masks)


@given(situations(), st.sampled_from(KEEPING))
def test_an_edited_voxel_never_changes(situation, choice):
    current, edits, new, decided = situation
    labels, _ = merged(current, edits, new, decided, choice)
    np.testing.assert_array_equal(labels[edits], current[edits])


@given(situations(), st.sampled_from(KEEPING))
def test_an_edited_voxel_stays_protected(situation, choice):
    current, edits, new, decided = situation
    _, protected = merged(current, edits, new, decided, choice)
    assert protected[edits].all()


@given(situations())
def test_keeping_mine_takes_every_other_voxel_from_the_model(situation):
    current, edits, new, decided = situation
    labels, protected = merged(current, edits, new, decided, MergeChoice.keepMine)
    np.testing.assert_array_equal(labels[~edits], new[~edits])
    np.testing.assert_array_equal(protected != 0, edits)


@given(situations())
def test_taking_the_model_keeps_nothing(situation):
    current, edits, new, decided = situation
    labels, protected = merged(current, edits, new, decided, MergeChoice.takeModel)
    np.testing.assert_array_equal(labels, new)
    assert not protected.any()


@given(situations())
def test_only_untouched_keeps_and_protects_what_a_person_decided(situation):
    current, edits, new, decided = situation
    labels, protected = merged(current, edits, new, decided, MergeChoice.onlyUntouched)
    np.testing.assert_array_equal(labels[decided], current[decided])
    np.testing.assert_array_equal(protected != 0, edits | decided)


@given(situations())
def test_only_untouched_takes_from_the_model_what_lies_away_from_the_person(situation):
    current, edits, new, decided = situation
    labels, _ = merged(current, edits, new, decided, MergeChoice.onlyUntouched)
    away = ~decided & ~around(edits)
    np.testing.assert_array_equal(labels[away], new[away])


@given(situations())
def test_only_untouched_keeps_at_least_what_keeping_mine_keeps(situation):
    current, edits, new, decided = situation
    mine, _ = merged(current, edits, new, decided, MergeChoice.keepMine)
    untouched, _ = merged(current, edits, new, decided, MergeChoice.onlyUntouched)
    assert not np.any((mine == current) & (untouched != current))


@given(situations(), st.sampled_from(ALL))
def test_merging_the_same_prediction_again_changes_nothing(situation, choice):
    current, edits, new, decided = situation
    once, protected = merged(current, edits, new, decided, choice)
    # What the tracker says after the merge: protected voxels, and those that are not the prediction's.
    edits_now = (protected != 0) | (once != new)
    again, _ = merged(once, edits_now, new, decided, choice)
    np.testing.assert_array_equal(again, once)


@given(situations(), situations(), st.sampled_from(KEEPING), st.sampled_from(KEEPING))
def test_an_edit_outlives_two_merges_in_a_row(first, second, choice, other):
    current, edits, new, decided = first
    newer = np.resize(second[2], current.shape)
    labels, protected = merged(current, edits, new, decided, choice)
    labels, protected = merged(labels, (protected != 0) | (labels != new), newer, None, other)
    np.testing.assert_array_equal(labels[edits], current[edits])
    assert protected[edits].all()


@given(situations(), st.sampled_from(ALL))
def test_every_voxel_is_either_mine_or_the_models(situation, choice):
    current, edits, new, decided = situation
    labels, _ = merged(current, edits, new, decided, choice)
    assert np.all((labels == current) | (labels == new))


@given(situations(), st.sampled_from(ALL))
def test_what_is_given_is_not_changed(situation, choice):
    copies = tuple(array.copy() for array in situation)
    labels, protected = merged(*situation, choice)
    labels[...] = 9
    protected[...] = 9
    for array, copy in zip(situation, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@given(hnp.arrays(bool, shapes), st.integers(0, 3))
@settings(max_examples=50)
def test_around_a_mask_is_everything_within_reach(mask, voxels):
    places = np.argwhere(np.ones(mask.shape, bool))
    inside = np.argwhere(mask)
    expected = [bool(inside.size) and bool((np.abs(inside - place).max(axis=1) <= voxels).any()) for place in places]
    np.testing.assert_array_equal(around(mask, voxels).ravel(), expected)


def test_the_neighbourhood_of_an_edit_stays_but_is_nobodys():
    current, new = np.zeros((1, 1, 9), np.uint8), np.ones((1, 1, 9), np.uint8)
    edits = np.zeros((1, 1, 9), bool)
    edits[0, 0, 4] = True
    labels, protected = merged(current, edits, new, None, MergeChoice.onlyUntouched)
    assert NEIGHBOURHOOD == 2
    assert labels[0, 0].tolist() == [1, 1, 0, 0, 0, 0, 0, 1, 1]
    assert protected[0, 0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]


def test_arrays_of_different_cases_are_refused():
    small, large = np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match="not of one case"):
        merged(small, small, large, None, MergeChoice.keepMine)


def test_masks_may_be_of_any_dtype():
    current, new = np.full((1, 1, 2), 2, np.uint8), np.ones((1, 1, 2), np.int16)
    labels, protected = merged(current, np.array([[[0, 7]]], np.int16), new, np.array([[[0.0, 0.0]]]), MergeChoice.keepMine)
    assert labels.dtype == np.uint8
    assert protected.dtype == np.uint8
    assert labels[0, 0].tolist() == [1, 2]
    assert protected[0, 0].tolist() == [0, 1]
