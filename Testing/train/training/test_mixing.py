"""Mixed images: every voxel comes from the right patch, with the right target, truth and weight."""

import pytest
import torch

from dualssl.presets.base import CopyPaste
from dualssl.terms.base import IGNORE
from dualssl.training.mixing import copy_pasted, cuboid, pasted_among_labelled, stacked

SHAPE = (6, 8, 10)
L1, L2, U1, U2 = 1.0, 2.0, 3.0, 4.0


def patches(*values):
    """Patches of one intensity each, so that a voxel tells where it is from."""
    return torch.stack([torch.full((1, *SHAPE), value) for value in values])


def labels(*values):
    return torch.stack([torch.full(SHAPE, value) for value in values])


@pytest.fixture
def mask():
    inside = torch.zeros(SHAPE, dtype=torch.bool)
    inside[1:4, 2:6, 3:9] = True
    return inside


def where(mask, inside, outside):
    return torch.where(mask, torch.tensor(inside), torch.tensor(outside))


def test_stacked_streams_know_the_labels_of_the_first_only():
    images = stacked(patches(L1, L2), labels(0, 1), patches(U1, U2))
    assert images.images[:, 0, 0, 0, 0].tolist() == [L1, L2, U1, U2]
    assert images.target[:, 0, 0, 0].tolist() == [0, 1, IGNORE, IGNORE]
    assert images.truth[:, 0, 0, 0].tolist() == [True, True, False, False]
    assert images.weight is None


def test_labelled_patches_alone_are_all_truth():
    images = stacked(patches(L1), labels(1), torch.zeros(0))
    assert len(images.images) == 1
    assert bool(images.truth.all())


def test_copy_paste_exchanges_the_cuboid_both_ways(mask):
    mixed = copy_pasted(patches(L1, L2), labels(5, 6), patches(U1, U2), labels(7, 8), mask, CopyPaste(pseudo_weight=0.25))
    assert mixed.images.shape == (4, 1, *SHAPE)
    for n, (inside, outside) in enumerate([(U1, L1), (U2, L2), (L1, U1), (L2, U2)]):
        assert torch.equal(mixed.images[n, 0], where(mask, inside, outside))
    for n, (inside, outside) in enumerate([(7, 5), (8, 6), (5, 7), (6, 8)]):
        assert torch.equal(mixed.target[n], where(mask, inside, outside))
    for n, (inside, outside) in enumerate([(False, True), (False, True), (True, False), (True, False)]):
        assert torch.equal(mixed.truth[n], where(mask, inside, outside))
    assert torch.equal(mixed.weight, torch.where(mixed.truth, 1.0, 0.25))


def test_pretraining_mixes_each_labelled_patch_with_the_next_and_all_is_truth(mask):
    mixed = pasted_among_labelled(patches(L1, L2), labels(5, 6), mask)
    for n, (inside, outside) in enumerate([(L2, L1), (L1, L2)]):
        assert torch.equal(mixed.images[n, 0], where(mask, inside, outside))
    for n, (inside, outside) in enumerate([(6, 5), (5, 6)]):
        assert torch.equal(mixed.target[n], where(mask, inside, outside))
    assert bool(mixed.truth.all())


@pytest.mark.parametrize("seed", range(5))
def test_a_cuboid_has_the_share_of_each_side_that_was_asked(seed):
    inside = cuboid((12, 18, 30), 2 / 3, torch.Generator().manual_seed(seed))
    sides = [len(axis.unique()) for axis in inside.nonzero(as_tuple=True)]
    assert sides == [8, 12, 20]
    assert int(inside.sum()) == 8 * 12 * 20


def test_cuboids_lie_anywhere_and_follow_from_the_generator():
    def corner(seed):
        return tuple(cuboid((12, 18, 30), 2 / 3, torch.Generator().manual_seed(seed)).nonzero()[0].tolist())

    corners = {corner(seed) for seed in range(200)}
    assert [{c[axis] for c in corners} for axis in range(3)] == [set(range(5)), set(range(7)), set(range(11))]
    assert corner(3) == corner(3)


@pytest.mark.parametrize("side", [0.0, 1.0])
def test_a_cuboid_is_never_empty_nor_larger_than_the_patch(side):
    assert int(cuboid((4, 4, 4), side, torch.Generator())[...].sum()) == (1 if side == 0 else 64)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_parts_keep_the_mixture_of_both_streams(count):
    images = stacked(patches(*[L1] * 6), labels(*[1] * 6), patches(*[U1] * 6))
    parts = images.chunks(count)
    assert len(parts) == count
    for part in parts:
        assert (part.images[:, 0, 0, 0, 0] == L1).sum() == (part.images[:, 0, 0, 0, 0] == U1).sum() == 6 // count
        assert torch.equal(part.truth, part.target != IGNORE)


def test_every_image_is_in_one_part_with_all_that_belongs_to_it(mask):
    numbers = torch.arange(4, dtype=torch.float32)
    mixed = copy_pasted(
        patches(*numbers.tolist()), labels(0, 1, 2, 3), patches(*(numbers + 4).tolist()), labels(4, 5, 6, 7), mask, CopyPaste()
    )
    parts = mixed.chunks(2)
    for part in parts:
        assert torch.equal(part.images[:, 0].long(), part.target)
        assert torch.equal(part.weight == 1.0, part.truth)
    found = sorted(float(part.images[n, 0, 0, 0, 0]) for part in parts for n in range(len(part.images)))
    assert found == list(range(8))


def test_there_are_never_more_parts_than_images():
    assert len(stacked(patches(L1, L2), labels(1, 1), torch.zeros(0)).chunks(8)) == 2


def test_weights_of_labels_are_stacked_beside_those_of_pseudo_labels():
    images = stacked(patches(L1), labels(1), patches(U1), labels(0), torch.full((1, *SHAPE), 4.0))
    assert images.weight[:, 0, 0, 0].tolist() == [4.0, 0.5]


def test_the_weight_of_a_label_travels_with_it_both_ways(mask):
    weight = torch.full((1, *SHAPE), 4.0)
    mixed = copy_pasted(patches(L1), labels(5), patches(U1), labels(7), mask, CopyPaste(pseudo_weight=0.25), weight)
    assert torch.equal(mixed.weight[0], where(mask, 0.25, 4.0))
    assert torch.equal(mixed.weight[1], where(mask, 4.0, 0.25))


def test_the_weight_of_a_label_travels_with_it_among_labelled_patches(mask):
    weight = torch.stack([torch.full(SHAPE, 1.0), torch.full(SHAPE, 4.0)])
    mixed = pasted_among_labelled(patches(L1, L2), labels(5, 6), mask, weight)
    assert torch.equal(mixed.weight[0], where(mask, 4.0, 1.0))
    assert torch.equal(mixed.weight[1], where(mask, 1.0, 4.0))
