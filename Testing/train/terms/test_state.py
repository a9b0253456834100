"""Prototypes, banks and samples: what they hold, how they move, and that checkpoints carry them on."""

from __future__ import annotations

import pytest
import torch

from dualssl.errors import TrainingError
from dualssl.terms.base import TermSpec, build_term, known_terms
from dualssl.terms.prototypes import Prototypes
from dualssl.terms.sampling import class_mean, features_at, sample_per_class


@pytest.fixture
def two_classes_apart():
    """Features along x for class 0, along y for class 1; class 2 does not occur."""
    label = torch.tensor([0, 1]).repeat(4).reshape(1, 2, 2, 2)
    features = torch.zeros(1, 3, 2, 2, 2)
    features[:, 0], features[:, 1] = 2.0 * (label == 0), 5.0 * (label == 1)
    return features, label


def test_prototypes_start_as_the_unit_mean_of_their_class(two_classes_apart):
    p = Prototypes(3, 3, decay=0.9)
    p.update(1, *two_classes_apart, torch.ones(1, 2, 2, 2, dtype=torch.bool))
    assert torch.allclose(p.vectors[1, :2], torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]))
    assert p.seen.tolist() == [[False, False, False], [True, True, False]]


def test_prototypes_move_by_exponential_average_and_stay_unit(two_classes_apart):
    features, label = two_classes_apart
    everywhere = torch.ones_like(label, dtype=torch.bool)
    p = Prototypes(3, 3, decay=0.9)
    p.update(0, features, label, everywhere)
    p.update(0, features, 1 - label, everywhere)
    expected = torch.tensor([0.9, 0.1, 0.0]) / torch.tensor([0.9, 0.1, 0.0]).norm()
    assert torch.allclose(p.vectors[0, 0], expected)


def test_a_class_that_does_not_occur_keeps_its_prototype(two_classes_apart):
    features, label = two_classes_apart
    p = Prototypes(3, 3, decay=0.9)
    p.update(0, features, label, torch.ones_like(label, dtype=torch.bool))
    before = p.vectors.clone()
    p.update(0, features + 1.0, label, label == 1)
    assert torch.equal(p.vectors[0, 0], before[0, 0])
    assert not torch.equal(p.vectors[0, 1], before[0, 1])


def test_processes_that_train_together_pool_their_sums(two_classes_apart, monkeypatch):
    """The other process has seen class 2 once, at -z, and classes 0 and 1 not at all."""
    features, label = two_classes_apart
    others = [torch.tensor([[0.0] * 3, [0.0] * 3, [0.0, 0.0, -4.0]]), torch.tensor([0.0, 0.0, 1.0])]
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda x: x.add_(others.pop(0)))
    p = Prototypes(3, 3, decay=0.9)
    p.update(0, features, label, torch.ones_like(label, dtype=torch.bool))
    assert torch.allclose(p.vectors[0], torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, -1.0]]))
    assert p.seen[0].all()


def test_classes_without_prototype_are_skipped(term, mixed_batch):
    scene = mixed_batch.changed(truth=torch.zeros_like(mixed_batch.step.truth))
    t = term("contrast").eval()
    t.prototypes.vectors[:, 0, 0] = 1.0
    t.prototypes.seen[:, 0] = True
    losses = t(scene.step)
    assert float(losses["a"].detach()) == pytest.approx(0.0), "one prototype alone has nothing to be told from"


def test_prototypes_rest_outside_training(term, mixed_batch):
    t = term("contrast").eval()
    t(mixed_batch.step)
    assert not t.prototypes.seen.any()


@pytest.mark.parametrize("name", ["contrast", "erda", "rcps_contrast"])
def test_state_survives_a_checkpoint(term, mixed_batch, name):
    trained, fresh = term(name), term(name)
    trained(mixed_batch.step)
    fresh.load_state_dict(trained.state_dict())
    results = []
    for t in (trained, fresh):
        torch.manual_seed(5)
        results.append({k: float(v.detach()) for k, v in t(mixed_batch.changed().step).items()})
    assert results[0] == results[1]
    assert any(v > 0 for v in results[0].values())


def test_the_bank_is_a_ring_of_confident_voxels(term, mixed_batch):
    t = term("rcps_contrast", bank=8, deposits=3, confidence=2.0)
    none_known = mixed_batch.changed(truth=torch.zeros_like(mixed_batch.step.truth))
    t(none_known.step)
    assert not t.filled.any(), "nothing is that confident and nothing is labelled"
    for _ in range(3):
        t(mixed_batch.changed().step)
    assert t.filled.all()
    assert torch.allclose(t.bank.norm(dim=-1), torch.ones(2, 3, 8))


def test_bank_entries_of_the_querys_own_class_are_no_negatives(term, mixed_batch):
    t = term("rcps_contrast").eval()
    t.bank[:, 1] = torch.nn.functional.normalize(torch.randn(2, 256, 4), dim=-1)
    t.filled[1] = True
    only_one = mixed_batch.changed(
        truth=torch.ones_like(mixed_batch.step.truth), target=torch.ones_like(mixed_batch.step.target)
    )
    assert float(t(only_one.step)["a"].detach()) == 0.0


def test_samples_are_of_their_class_distinct_and_within_the_mask():
    g = torch.Generator().manual_seed(0)
    label = torch.randint(0, 3, (2, 6, 6, 6), generator=g)
    mask = torch.rand(label.shape, generator=g) < 0.5
    index, valid = sample_per_class(label, mask, 4, 20)
    assert index.shape == (4, 20)
    assert valid[:3].all()
    assert not valid[3].any(), "class 3 does not occur"
    for c in range(3):
        assert (label.flatten()[index[c]] == c).all()
        assert mask.flatten()[index[c]].all()
        assert len(set(index[c].tolist())) == 20


def test_samples_follow_the_seed():
    label = torch.zeros(1, 8, 8, 8, dtype=torch.long)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(sample_per_class(label, label == 0, 1, 10)[0].sort().values.tolist())
    assert draws[0] == draws[1] != draws[2]


def test_features_are_read_at_the_right_voxel_in_any_memory_layout():
    features = torch.randn(2, 5, 3, 4, 6)
    index = torch.tensor([[0, 71], [72, 100]])
    expected = features.movedim(1, -1).reshape(-1, 5)[index]
    assert torch.equal(features_at(features, index), expected)
    assert torch.equal(features_at(features.contiguous(memory_format=torch.channels_last_3d), index), expected)


def test_an_unknown_term_and_an_unknown_choice_are_refused_with_what_there_is():
    with pytest.raises(TrainingError, match="cross_pseudo"):
        build_term(TermSpec("cross_psuedo"), 2, 4)
    with pytest.raises(TrainingError, match="loser_learns"):
        build_term(TermSpec("dynamic", options={"direction": "b_to_a"}), 2, 4)
    with pytest.raises(TrainingError, match="labels_differ"):
        build_term(TermSpec("disagreement", options={"rule": "none"}), 2, 4)
    assert {"supervised", "contrast"} <= set(known_terms())


def test_classes_have_the_same_say_and_empty_ones_none():
    values = torch.tensor([[1.0, 3.0], [10.0, 99.0], [7.0, 7.0]])
    weight = torch.tensor([[1.0, 3.0], [2.0, 0.0], [0.0, 0.0]])
    assert float(class_mean(values, weight)) == pytest.approx((2.5 + 10.0) / 2)
    assert float(class_mean(values, 0 * weight)) == 0.0
