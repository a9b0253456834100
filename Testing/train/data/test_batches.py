"""Batches: a pure function of the iteration, from the right cases and places."""

import numpy as np
import pytest
import torch

from dualssl.case_files import EDITED, LEFT, UNSEEN
from dualssl.data.batches import BatchSource, Stream
from dualssl.data.store import CaseStore
from dualssl.model.manifest import Normalisation, Preprocessing
from dualssl.presets.base import Augmentation
from dualssl.terms.base import IGNORE

EVERYTHING = Augmentation(flip=True, rotate=True, intensity=True, foreground_share=0.5)


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("labelled", "labels", "unlabelled"))


def test_a_batch_holds_half_labelled_and_half_unlabelled_patches(images_that_equal_their_labels, batches_of):
    batch = batches_of(images_that_equal_their_labels, count=3).batch(0)
    assert batch.labelled.shape == batch.unlabelled.shape == (3, 1, 8, 8, 8)
    assert batch.labels.shape == (3, 8, 8, 8)
    assert (batch.labelled.dtype, batch.labels.dtype, batch.unlabelled.dtype) == (torch.float32, torch.int64, torch.float32)


def test_without_unlabelled_cases_that_half_is_not_formed(images_that_equal_their_labels, batches_of):
    batch = batches_of(images_that_equal_their_labels, unlabelled=()).batch(0)
    assert len(batch.labelled) == 2
    assert len(batch.unlabelled) == 0


def test_a_batch_follows_from_the_iteration_alone(images_that_equal_their_labels, batches_of):
    asked_in_order = batches_of(images_that_equal_their_labels, augmentation=EVERYTHING)
    in_order = [asked_in_order.batch(n) for n in range(4)]
    asked_anew = batches_of(images_that_equal_their_labels, augmentation=EVERYTHING)
    assert same(asked_anew.batch(3), in_order[3])
    assert same(asked_anew.batch(1), in_order[1])


@pytest.mark.parametrize("other", [{"seed": 2}, {"rank": 1, "world": 2}])
def test_other_seeds_and_processes_draw_other_patches(images_that_equal_their_labels, batches_of, other):
    own = {"world": other.get("world", 1)}
    one = batches_of(images_that_equal_their_labels, **own).batch(5)
    assert not same(one, batches_of(images_that_equal_their_labels, **other).batch(5))


def test_iterations_draw_other_patches(images_that_equal_their_labels, batches_of):
    source = batches_of(images_that_equal_their_labels)
    seen = [source.batch(n).labelled for n in range(6)]
    assert not any(torch.equal(one, other) for n, one in enumerate(seen) for other in seen[:n])


def test_each_case_is_drawn_once_a_round_and_rounds_are_shuffled():
    stream = Stream(tuple("abcde"), 2, "labelled")
    drawn = [stream.draw(1, position) for position in range(50)]
    rounds = [tuple(drawn[n : n + 5]) for n in range(0, 50, 5)]
    assert all(sorted(one) == list("abcde") for one in rounds)
    assert len(set(rounds)) > 5


@pytest.fixture
def cases_of_levels(dataset_of):
    """Cases by name whose voxels all have one intensity, but for one voxel of 1; everything is labelled."""

    def make(levels):
        images = {name: np.full((8, 8, 8), level) for name, level in levels.items()}
        for voxels in images.values():
            voxels[0, 0, 0] = 1.0
        return dataset_of({name: (voxels, np.ones((8, 8, 8))) for name, voxels in images.items()})

    return make


def test_processes_share_the_cases_of_a_round(cases_of_levels, batches_of):
    levels = {f"case_{n}": n / 8 for n in range(4)}
    dataset = cases_of_levels(levels)
    sources = [batches_of(dataset, labelled=dataset.cases(), unlabelled=(), rank=r, world=2, count=1) for r in (0, 1)]
    drawn = [float(source.batch(n).labelled[0, 0, 4, 4, 4]) for n in range(2) for source in sources]
    assert sorted(drawn) == sorted(levels.values())


def test_the_two_streams_are_drawn_apart():
    cases = tuple("abcdefgh")
    one, other = Stream(cases, 2, "labelled"), Stream(cases, 2, "unlabelled")
    assert [one.draw(1, n) for n in range(8)] != [other.draw(1, n) for n in range(8)]


@pytest.mark.parametrize("patch", [(8, 8, 8), (4, 8, 6)])
def test_flips_and_turns_reach_image_and_label_alike(images_that_equal_their_labels, batches_of, patch):
    source = batches_of(images_that_equal_their_labels, patch, Augmentation(flip=True, rotate=True, foreground_share=0.5))
    for iteration in range(12):
        batch = source.batch(iteration)
        assert torch.equal(batch.labelled[:, 0], batch.labels.float())


def test_flips_and_turns_do_happen(images_that_equal_their_labels, batches_of):
    plain = batches_of(images_that_equal_their_labels)
    turned = batches_of(images_that_equal_their_labels, augmentation=Augmentation(flip=True, rotate=True))
    changed = [not torch.equal(plain.batch(n).labelled, turned.batch(n).labelled) for n in range(5)]
    assert all(changed)
    # The same voxels in another order, for the place of a patch does not depend on what is done to it.
    assert all(plain.batch(n).labelled.sum() == turned.batch(n).labelled.sum() for n in range(5))


def test_intensity_changes_leave_labels_alone(images_that_equal_their_labels, batches_of):
    plain = batches_of(images_that_equal_their_labels)
    changed = batches_of(images_that_equal_their_labels, augmentation=Augmentation(intensity=True))
    for n in range(5):
        assert torch.equal(plain.batch(n).labels, changed.batch(n).labels)
        assert set(changed.batch(n).labels.unique().tolist()) <= {0, 1}
    assert any(not torch.equal(plain.batch(n).labelled, changed.batch(n).labelled) for n in range(5))
    assert all(bool(torch.isfinite(changed.batch(n).labelled).all()) for n in range(5))


def test_augmentation_leaves_the_stored_case_as_it_is(images_that_equal_their_labels, batches_of):
    source = batches_of(images_that_equal_their_labels, augmentation=EVERYTHING)
    first = source.batch(0)
    for n in range(1, 10):
        source.batch(n)
    assert same(source.batch(0), first)


def test_around_a_small_volume_image_and_labels_go_on_alike_evenly_on_both_ends(images_that_equal_their_labels, batches_of):
    batch = batches_of(images_that_equal_their_labels, patch=(16, 16, 20)).batch(0)
    assert torch.equal(batch.labelled[:, 0], batch.labels.float())
    for outside, border in ((slice(0, 2), slice(2, 3)), (slice(14, 16), slice(13, 14))):
        assert torch.equal(batch.labels[:, outside], batch.labels[:, border].expand(-1, 2, -1, -1))


def test_patches_reach_every_part_of_a_volume(dataset_of, batches_of):
    number_of_voxel = np.arange(12**3).reshape(12, 12, 12)
    dataset = dataset_of({"a": (number_of_voxel / 12**3, np.ones((12, 12, 12)))})
    source = batches_of(dataset, patch=(4, 4, 4), labelled=("a",), unlabelled=())
    corners = np.concatenate([source.batch(n).labelled[:, 0, 0, 0, 0] for n in range(60)])
    starts = np.unravel_index(np.rint(corners * 12**3).astype(int), (12, 12, 12))
    assert [sorted(set(along_axis.tolist())) for along_axis in starts] == [list(range(9))] * 3


@pytest.fixture
def one_labelled_voxel(dataset_of):
    label = np.zeros((24, 24, 24))
    label[17, 5, 20] = 1
    return dataset_of({"a": (label, label), "b": (label, label)})


def test_patches_centred_on_structures_hold_them(one_labelled_voxel, batches_of):
    source = batches_of(one_labelled_voxel, augmentation=Augmentation(foreground_share=1.0), labelled=("a",), unlabelled=())
    assert all(bool((source.batch(n).labels.sum((1, 2, 3)) == 1).all()) for n in range(10))


def test_the_share_of_centred_patches_is_what_was_asked(one_labelled_voxel, batches_of):
    def share_with_structure(share):
        source = batches_of(
            one_labelled_voxel, (8, 8, 8), Augmentation(foreground_share=share), labelled=("a",), unlabelled=(), count=4
        )
        return np.mean([(source.batch(n).labels.sum((1, 2, 3)) == 1).float().mean() for n in range(50)])

    assert share_with_structure(0.0) < 0.2
    assert 0.4 < share_with_structure(0.5) < 0.75


def test_unlabelled_patches_are_never_centred_on_structures(one_labelled_voxel, batches_of):
    source = batches_of(one_labelled_voxel, augmentation=Augmentation(foreground_share=1.0))
    shares = [(source.batch(n).unlabelled.sum((1, 2, 3, 4)) > 0).float().mean() for n in range(40)]
    assert np.mean(shares) < 0.3


@pytest.fixture
def edited_cases(dataset_of):
    """Three cases whose label map is their image; a person changed exactly the labelled voxels of the first."""
    voxels = {f"case_{n}": np.random.default_rng(n).random((12, 14, 14)) < 0.4 for n in range(3)}
    return dataset_of({name: (v, v) for name, v in voxels.items()}, edits={"case_0": voxels["case_0"]})


def test_voxels_that_a_person_changed_weigh_more_wherever_augmentation_moves_them(edited_cases, batches_of):
    source = batches_of(edited_cases, augmentation=EVERYTHING, labelled=("case_0",), edit_weight=3.0)
    for n in range(6):
        batch = source.batch(n)
        assert torch.equal(batch.label_weight, 1.0 + 2.0 * batch.labels)


def test_without_an_edit_mask_all_voxels_weigh_the_same(edited_cases, batches_of):
    batch = batches_of(edited_cases, labelled=("case_1",), edit_weight=3.0).batch(0)
    assert batch.label_weight.unique().tolist() == [1.0]


def test_without_an_edit_weight_there_are_no_weights(edited_cases, batches_of):
    assert batches_of(edited_cases, labelled=("case_0",)).batch(0).label_weight is None


@pytest.fixture
def a_case_seen_in_one_corner(dataset_of):
    """Two cases of label 1; of the first, a person looked at a corner of 3 x 3 x 3 voxels only and changed one of them."""
    image = np.random.default_rng(1).random((16, 20, 20))
    marks = np.full(image.shape, UNSEEN)
    marks[:3, :3, :3] = LEFT
    marks[1, 1, 1] = EDITED
    return dataset_of(dict.fromkeys(("case_0", "case_1"), (image, np.ones(image.shape))), edits={"case_0": marks})


def test_labels_that_nobody_looked_at_are_left_out(a_case_seen_in_one_corner, batches_of):
    source = batches_of(a_case_seen_in_one_corner, augmentation=EVERYTHING, labelled=("case_0",), edit_weight=3.0)
    for n in range(6):
        batch = source.batch(n)
        assert set(batch.labels.unique().tolist()) <= {1, IGNORE}
        assert 1 <= (batch.labels[0] != IGNORE).sum() <= 27


def test_labels_that_nobody_looked_at_are_left_out_whatever_edits_weigh(a_case_seen_in_one_corner, batches_of):
    batch = batches_of(a_case_seen_in_one_corner, labelled=("case_0",)).batch(0)
    assert (batch.labels == IGNORE).any()
    assert batch.label_weight is None


def test_of_a_case_seen_in_part_every_patch_holds_what_was_seen(a_case_seen_in_one_corner, batches_of):
    source = batches_of(a_case_seen_in_one_corner, augmentation=Augmentation(foreground_share=0.0), labelled=("case_0",))
    for n in range(20):
        assert (source.batch(n).labels != IGNORE).flatten(1).any(1).all()


def test_a_case_without_marks_beside_one_seen_in_part_keeps_all_its_labels(a_case_seen_in_one_corner, batches_of):
    source = batches_of(a_case_seen_in_one_corner, labelled=("case_0", "case_1"), count=2, unlabelled=())
    full = [(labels != IGNORE).all().item() for n in range(4) for labels in source.batch(n).labels]
    assert sum(full) == 4


def test_labelled_streams_keep_their_share_of_every_batch(cases_of_levels):
    dataset = cases_of_levels({f"case_{n}": n / 4 for n in range(4)})
    store = CaseStore(dataset, Preprocessing(normalisation=(Normalisation("window", 0.0, 1.0),)), dataset.cases())
    streams = Stream(("case_3",), 1, "corrected"), Stream(("case_0", "case_1", "case_2"), 1, "replay")
    source = BatchSource(store, streams, Stream((), 0, "unlabelled"), (8, 8, 8), Augmentation(), seed=1)
    drawn = [source.batch(n).labelled[:, 0, 4, 4, 4].tolist() for n in range(6)]
    assert {first for first, _ in drawn} == {0.75}
    assert {second for _, second in drawn} == {0.0, 0.25, 0.5}
