"""Pseudo-labels from the teacher's probabilities."""

import torch
import torch.nn.functional as F

from dualssl.training.pseudo_labels import pseudo_labels


def probabilities_of(labels, classes):
    return F.one_hot(labels, classes).movedim(-1, 1).float() * 0.8 + 0.1


def with_islands():
    labels = torch.zeros(2, 6, 6, 12, dtype=torch.int64)
    labels[0, 1:3, 1:3, 1:3] = 1
    labels[0, 5, 5, 5] = 1
    labels[0, 1:3, 1:3, 6:9] = 2
    labels[0, 5, 0, 11] = 2
    labels[1, 0, 0, 0] = 1
    return labels


def test_argmax_takes_the_most_probable_class():
    labels = with_islands()
    assert torch.equal(pseudo_labels(probabilities_of(labels, 3), "argmax", (1, 2)), labels)


def test_only_the_largest_piece_of_each_structure_is_kept_in_each_sample():
    labels = with_islands()
    expected = labels.clone()
    expected[0, 5, 5, 5] = 0
    expected[0, 5, 0, 11] = 0
    assert torch.equal(pseudo_labels(probabilities_of(labels, 3), "largest_component", (1, 2)), expected)


def test_a_sample_without_structures_stays_empty():
    labels = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    cleaned = pseudo_labels(probabilities_of(labels, 3), "largest_component", (1, 2))
    assert cleaned.dtype == torch.int64
    assert cleaned.sum() == 0


def test_one_structure_may_touch_another():
    labels = torch.zeros(1, 4, 4, 8, dtype=torch.int64)
    labels[..., :3], labels[..., 3:6] = 1, 2
    assert torch.equal(pseudo_labels(probabilities_of(labels, 3), "largest_component", (1, 2)), labels)


def test_a_structure_of_several_pieces_keeps_them_all():
    kidneys = torch.zeros(1, 4, 4, 8, dtype=torch.int64)
    kidneys[..., :2], kidneys[..., 6:] = 1, 1
    assert torch.equal(pseudo_labels(probabilities_of(kidneys, 2), "largest_component", ()), kidneys)
