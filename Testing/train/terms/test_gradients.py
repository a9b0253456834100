"""Whom a term teaches, and whom it must leave alone."""

from __future__ import annotations

import pytest
import torch

from dualssl.networks.pair import NetworkOutput
from dualssl.terms.base import IGNORE, known_terms

OWN = ["supervised", "pseudo", "disagreement", "cross_pseudo", "filtered", "dynamic", "entropy", "teacher_consistency"]
OWN += ["rcps_supervision", "distillation"]
FEATURE_TERMS = ["contrast", "rcps_contrast", "erda", "guided_contrast"]
ALL = [*OWN, *FEATURE_TERMS, "cosine", "discrepancy"]

pytestmark = pytest.mark.usefixtures("second_view_in_the_small_grid")


def prime(t, scene):
    """Prototypes and banks need a step before they have something to say."""
    t(scene.step)
    return t


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("network", ["a", "b"])
def test_the_loss_of_a_network_reaches_its_logits_alone(term, mixed_batch, name, network):
    term(name)(mixed_batch.step)[network].backward()
    g = mixed_batch.gradients()
    other = {"a": "b", "b": "a"}[network]
    assert g[f"logits_{network}"] > 0
    assert g[f"logits_{other}"] == g["features_a"] == g["features_b"] == 0


@pytest.mark.parametrize("part", ["correct", "doubt"])
def test_discrepancy_of_a_network_reaches_it_alone(term, mixed_batch, part):
    term("discrepancy")(mixed_batch.step)[f"{part}_b"].backward()
    g = mixed_batch.gradients()
    assert g["logits_b"] > 0
    assert g["logits_a"] == 0


def test_every_registered_term_is_tested_here(term):
    term("supervised")
    # Other tests register terms of their own.
    assert {name for name in known_terms() if not name.startswith("test_")} == set(ALL)


@pytest.mark.parametrize("name", ["contrast", "rcps_contrast", "guided_contrast"])
def test_contrast_of_a_network_reaches_its_features_alone(term, mixed_batch, name):
    prime(term(name), mixed_batch)(mixed_batch.step)["a"].backward()
    g = mixed_batch.gradients()
    assert g["features_a"] > 0
    assert g["features_b"] == g["logits_a"] == g["logits_b"] == 0


def test_erda_reaches_prediction_and_pseudo_label_of_its_network(term, mixed_batch):
    term("erda")(mixed_batch.step)["b"].backward()
    g = mixed_batch.gradients()
    assert g["features_b"] > 0
    assert g["logits_b"] > 0
    assert g["features_a"] == g["logits_a"] == 0


def test_cosine_reaches_both_networks(term, mixed_batch):
    term("cosine")(mixed_batch.step)["both"].backward()
    g = mixed_batch.gradients()
    assert g["logits_a"] > 0
    assert g["logits_b"] > 0


def test_a_to_b_teaches_b_only(term, mixed_batch):
    sum(term("dynamic", direction="a_to_b", detach_weight=False)(mixed_batch.step).values()).backward()
    g = mixed_batch.gradients()
    assert g["logits_b"] > 0
    assert g["logits_a"] == 0


def test_the_loser_alone_learns_at_each_voxel(term, mixed_batch):
    step = mixed_batch.step
    sum(term("dynamic", direction="loser_learns")(step).values()).backward()
    taught_a = mixed_batch.logits_a.grad.abs().sum(1) > 0
    taught_b = mixed_batch.logits_b.grad.abs().sum(1) > 0
    a_wins = step.a.confidence >= step.b.confidence
    assert torch.equal(taught_a, step.unlabelled & ~a_wins)
    assert torch.equal(taught_b, step.unlabelled & a_wins)


def test_the_weight_of_dynamic_is_detached(scene_from, term):
    """With exp(-D) in the graph the gradient at a voxel in deep conflict points away from the pseudo-label (fault 10)."""
    teacher, student = torch.zeros(1, 2, 1, 1, 1), torch.zeros(1, 2, 1, 1, 1)
    teacher[:, 1], student[:, 0] = 1.0, 6.0
    none = torch.full((1, 1, 1, 1), IGNORE)

    def pull(detach: bool) -> float:
        scene = scene_from(teacher, student, none, none >= 0)
        d = {"direction": "a_to_b", "detach_weight": detach}
        with_d = torch.autograd.grad(term("dynamic", classes=2, **d)(scene.step)["b"], scene.logits_b)[0]
        p, log_p = scene.step.a.probabilities.detach(), scene.step.a.log_probabilities.detach()
        kl = (p * (log_p - torch.log_softmax(scene.logits_b, 1))).sum()
        return float((with_d - torch.autograd.grad(kl, scene.logits_b)[0])[0, 1])

    assert pull(detach=True) < 0, "the pseudo-label's class is raised"
    assert pull(detach=False) > 0, "the released form lowers it"


@pytest.mark.parametrize("name", ["cross_pseudo", "filtered", "dynamic", "cosine", "entropy", "teacher_consistency"])
def test_unlabelled_terms_leave_labelled_voxels_alone(term, mixed_batch, name):
    sum(term(name)(mixed_batch.step).values()).backward()
    for leaf in (mixed_batch.logits_a, mixed_batch.logits_b):
        assert not leaf.grad.movedim(1, -1)[mixed_batch.step.truth].any()


@pytest.mark.parametrize("name", ["supervised", "disagreement", "pseudo", "discrepancy"])
def test_ignored_voxels_have_no_gradient(term, mixed_batch, name):
    sum(term(name)(mixed_batch.step).values()).backward()
    for leaf in (mixed_batch.logits_a, mixed_batch.logits_b):
        assert not leaf.grad.movedim(1, -1)[mixed_batch.step.target == IGNORE].any()


@pytest.mark.parametrize("truth", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_a_batch_without_any_target_is_safe(term, mixed_batch, name, truth):
    """All ignored, and either no labelled or no unlabelled voxel."""
    none = torch.full_like(mixed_batch.step.target, IGNORE)
    scene = mixed_batch.changed(target=none, truth=torch.full_like(mixed_batch.step.truth, truth))
    t = term(name)
    losses = prime(t, scene)(scene.step)
    sum(losses.values()).backward()
    speaks = not truth and name not in ("supervised", "pseudo", "disagreement", "discrepancy", "erda")
    speaks |= name == "rcps_contrast"  # contrasts all voxels
    for value in losses.values():
        assert torch.isfinite(value)
        assert value.requires_grad
        assert speaks or value == 0
    for leaf in (mixed_batch.logits_a, mixed_batch.logits_b, mixed_batch.features_a, mixed_batch.features_b):
        assert leaf.grad is None or torch.isfinite(leaf.grad).all()


@pytest.mark.parametrize("name", ALL)
def test_classes_that_do_not_occur_and_extreme_logits_are_safe(term, mixed_batch, name):
    """Only background is labelled and predicted, with logits that saturate float32."""
    far = torch.full_like(mixed_batch.logits_a, -1e4)
    far[:, 0] = 1e4
    scene = mixed_batch.changed(target=mixed_batch.step.target.clamp_max(0))
    a, b = far.clone().requires_grad_(), far.clone().requires_grad_()
    scene.step.a, scene.step.b = NetworkOutput(a, scene.features_a), NetworkOutput(b, scene.features_b)
    losses = prime(term(name), scene)(scene.step)
    sum(losses.values()).backward()
    assert all(torch.isfinite(v) for v in losses.values())
    for leaf in (a, b, scene.features_a, scene.features_b):
        assert leaf.grad is None or torch.isfinite(leaf.grad).all()


def test_opposite_saturated_networks_give_finite_losses(term, mixed_batch):
    a = torch.full_like(mixed_batch.logits_a, -1e4)
    b = a.clone()
    a[:, 0], b[:, 1] = 1e4, 1e4
    for name in ALL:
        leaves = [x.clone().requires_grad_() for x in (a, b)]
        scene = mixed_batch.changed()
        scene.step.a = NetworkOutput(leaves[0], scene.features_a)
        scene.step.b = NetworkOutput(leaves[1], scene.features_b)
        total = sum(prime(term(name), scene)(scene.step).values())
        total.backward()
        assert torch.isfinite(total), name
        assert all(x.grad is None or torch.isfinite(x.grad).all() for x in leaves), name


@pytest.mark.parametrize("name", ALL)
def test_a_term_leaves_the_shared_probabilities_with_their_graph(term, mixed_batch, name):
    """Outputs derive probabilities once and keep them: first used under no_grad, they would teach nobody afterwards."""
    fresh = mixed_batch.changed()
    prime(term(name), fresh)
    assert fresh.step.a.probabilities.requires_grad
    assert fresh.step.b.log_probabilities.requires_grad


@pytest.mark.parametrize("name", ALL)
def test_half_precision_features_and_logits_give_float32_losses(term, mixed_batch, name):
    s = mixed_batch.changed()
    s.step.a = NetworkOutput(s.logits_a.bfloat16(), s.features_a.bfloat16())
    s.step.b = NetworkOutput(s.logits_b.bfloat16(), s.features_b.bfloat16())
    for value in prime(term(name), s)(s.step).values():
        assert value.dtype == torch.float32
        assert torch.isfinite(value)
