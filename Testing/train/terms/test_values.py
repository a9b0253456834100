"""Every term equals a plain NumPy reference on a small batch of three classes, with ignored voxels and weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dualssl.networks.pair import NetworkOutput


def values(term, scene):
    return {k: float(v.detach()) for k, v in term(scene.step).items()}


def weighted_mean(v, mask, w=None):
    w = np.ones_like(v) if w is None else w
    return (v * w)[mask].sum() / w[mask].sum()


def ce(p, label):
    return -np.log(p[np.arange(len(p)), np.maximum(label, 0)])


def brier(p, label):
    onehot = np.eye(p.shape[1])[np.maximum(label, 0)]
    return ((p - onehot) ** 2).mean(axis=1)


def kl(p, q):
    return (p * (np.log(p) - np.log(q))).sum(axis=1)


def dice(p, label, mask, w):
    result = []
    for c in range(1, p.shape[1]):
        y = ((label == c) & mask) * w
        if y.sum() == 0:
            continue
        result.append(1 - (2 * (p[:, c] * y).sum() + 1e-5) / ((p[:, c] ** 2 * w * mask).sum() + y.sum() + 1e-5))
    return np.mean(result)


def entropy(p):
    return -(p * np.log(p)).sum(axis=1) / np.log(p.shape[1])


def surest(flat, keep):
    """Per class, the agreed voxels up to the quantile `keep` of uncertainty, and those within its 1.0 % resolution."""
    uncertainty = np.maximum(entropy(flat["a"]), entropy(flat["b"]))
    bins = np.floor((np.log10(uncertainty) / 9 + 1) * 2048)
    kept = np.zeros_like(flat["truth"])
    for c in range(3):
        mine = flat["unlabelled"] & ~flat["differ"] & (flat["label_a"] == c)
        edge = np.sort(bins[mine])[int(np.ceil(keep * mine.sum())) - 1]
        kept |= mine & (bins <= edge)
    return kept


@pytest.fixture
def flat(mixed_batch):
    s = mixed_batch
    names = ("target", "truth", "weight")
    d = {n: s.flat(n) for n in names} | {"a": s.p("a"), "b": s.p("b"), "teacher": s.flat("teacher")}
    d["label_a"], d["label_b"] = d["a"].argmax(1), d["b"].argmax(1)
    d["person"] = d["truth"] & (d["target"] >= 0)
    d["pseudo"] = ~d["truth"] & (d["target"] >= 0)
    d["unlabelled"] = ~d["truth"]
    d["differ"] = d["label_a"] != d["label_b"]
    assert d["person"].any()
    assert d["pseudo"].any()
    assert d["differ"].any()
    return d


def test_supervised_is_the_mean_of_cross_entropy_and_foreground_dice_on_peoples_labels(term, mixed_batch, flat):
    got = values(term("supervised"), mixed_batch)
    for k in "ab":
        w, m = flat["weight"], flat["person"]
        expected = 0.5 * (weighted_mean(ce(flat[k], flat["target"]), m, w) + dice(flat[k], flat["target"], m, w))
        assert got[k] == pytest.approx(expected, rel=2e-5)


def test_pseudo_is_the_same_on_pseudo_labels_and_scaled_by_their_mean_weight(term, mixed_batch, flat):
    got = values(term("pseudo"), mixed_batch)
    for k in "ab":
        w, m = flat["weight"], flat["pseudo"]
        mean = 0.5 * (weighted_mean(ce(flat[k], flat["target"]), m, w) + dice(flat[k], flat["target"], m, w))
        assert got[k] == pytest.approx(mean * w[m].mean(), rel=2e-5)


def test_halving_all_weights_halves_pseudo_but_not_supervised(term, mixed_batch):
    half = mixed_batch.changed(weight=0.5 * mixed_batch.step.weight)
    assert values(term("pseudo"), half)["a"] == pytest.approx(0.5 * values(term("pseudo"), mixed_batch)["a"], rel=1e-5)
    assert values(term("supervised"), half)["a"] == pytest.approx(values(term("supervised"), mixed_batch)["a"], rel=1e-5)


def test_disagreement_is_squared_error_where_labels_differ_and_one_network_is_confident(term, mixed_batch, flat):
    sure = np.maximum(flat["a"].max(1), flat["b"].max(1)) >= 0.6
    mask = flat["person"] & flat["differ"] & sure
    assert 0 < mask.sum() < (flat["person"] & flat["differ"]).sum()
    got = values(term("disagreement"), mixed_batch)
    for k in "ab":
        assert got[k] == pytest.approx(weighted_mean(brier(flat[k], flat["target"]), mask, flat["weight"]), rel=2e-5)


def test_disagreement_can_use_the_mask_of_the_released_code(term, mixed_batch, flat):
    claims = [(flat[f"label_{k}"] > 0) & (flat[k].max(1) >= 0.6) for k in "ab"]
    mask = flat["person"] & (claims[0] ^ claims[1])
    got = values(term("disagreement", rule="confident_foreground_differs"), mixed_batch)
    assert got["b"] == pytest.approx(weighted_mean(brier(flat["b"], flat["target"]), mask, flat["weight"]), rel=2e-5)


def test_squared_error_of_two_classes_is_that_of_the_foreground_probability(scene_from, term):

    z = torch.randn(1, 2, 2, 2, 2)
    target = torch.ones(1, 2, 2, 2, dtype=torch.long)
    scene = scene_from(z, -z, target, torch.ones_like(target, dtype=torch.bool))
    got = values(term("disagreement", classes=2, threshold=0.0), scene)
    assert got["a"] == pytest.approx(((1 - scene.p("a")[:, 1]) ** 2).mean(), rel=1e-5)


def test_cross_pseudo_is_cross_entropy_to_the_other_networks_label(term, mixed_batch, flat):
    got = values(term("cross_pseudo"), mixed_batch)
    assert got["a"] == pytest.approx(weighted_mean(ce(flat["a"], flat["label_b"]), flat["unlabelled"]), rel=2e-5)
    assert got["b"] == pytest.approx(weighted_mean(ce(flat["b"], flat["label_a"]), flat["unlabelled"]), rel=2e-5)


@pytest.mark.parametrize("on_labelled", [False, True])
def test_cosine_is_one_minus_the_cosine_of_the_probabilities(term, mixed_batch, flat, on_labelled):
    a, b = flat["a"], flat["b"]
    distance = 1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    mask = np.ones_like(flat["truth"]) if on_labelled else flat["unlabelled"]
    got = values(term("cosine", on_labelled=on_labelled), mixed_batch)
    assert got["both"] == pytest.approx(distance[mask].mean(), rel=2e-5)


def lesson(teacher, student):
    d = kl(teacher, student)
    return np.exp(-d) * ce(student, teacher.argmax(1)) + d


def test_dynamic_weighs_the_others_label_by_exp_minus_kl_and_adds_kl(term, mixed_batch, flat):
    got = values(term("dynamic"), mixed_batch)
    assert got["a"] == pytest.approx(lesson(flat["b"], flat["a"])[flat["unlabelled"]].mean(), rel=2e-5)
    assert got["b"] == pytest.approx(lesson(flat["a"], flat["b"])[flat["unlabelled"]].mean(), rel=2e-5)


def test_dynamic_a_to_b_on_all_voxels_is_the_released_form(term, mixed_batch, flat):
    got = values(term("dynamic", direction="a_to_b", detach_weight=False, on_labelled=True), mixed_batch)
    assert got == {"b": pytest.approx(lesson(flat["a"], flat["b"]).mean(), rel=2e-5)}


def test_the_loser_learns_where_the_other_is_more_confident(term, mixed_batch, flat):
    a_wins = flat["a"].max(1) >= flat["b"].max(1)
    got = values(term("dynamic", direction="loser_learns"), mixed_batch)
    assert got["a"] == pytest.approx(lesson(flat["b"], flat["a"])[flat["unlabelled"] & ~a_wins].mean(), rel=2e-5)
    assert got["b"] == pytest.approx(lesson(flat["a"], flat["b"])[flat["unlabelled"] & a_wins].mean(), rel=2e-5)


def test_a_perfect_voxel_costs_0_313_when_softmax_is_taken_twice(scene_from, term):

    z = torch.zeros(1, 2, 2, 2, 2)
    z[:, 1] = 50.0
    none = torch.full((1, 2, 2, 2), -1)
    scene = scene_from(z, z, none, torch.zeros_like(none, dtype=torch.bool))
    assert values(term("dynamic", classes=2, on_probabilities=True), scene)["a"] == pytest.approx(0.3133, abs=1e-4)
    assert values(term("filtered", classes=2, on_probabilities=True), scene)["a"] == pytest.approx(0.3133, abs=1e-4)
    assert values(term("dynamic", classes=2), scene)["a"] == pytest.approx(0.0, abs=1e-6)


def test_discrepancy_corrects_both_and_makes_the_wrong_one_doubt(term, mixed_batch, flat):
    got = values(term("discrepancy"), mixed_batch)
    differ = flat["differ"] & (flat["target"] >= 0)
    for k in "ab":
        wrong = differ & (flat[f"label_{k}"] != flat["target"])
        square = (brier(flat[k], flat["target"]) * flat["weight"])[differ].mean()
        uniform = ((-np.log(flat[k]).mean(axis=1) - np.log(3)) * flat["weight"])[wrong].mean()
        assert got[f"correct_{k}"] == pytest.approx(0.5 * square, rel=2e-5)
        assert got[f"doubt_{k}"] == pytest.approx(0.05 * uniform, rel=2e-5)


def test_entropy_is_the_mean_normalised_entropy_once_it_may_start(term, mixed_batch, flat):
    expected = entropy(flat["a"])[flat["unlabelled"]].mean()
    assert values(term("entropy"), mixed_batch)["a"] == pytest.approx(expected, rel=2e-5)
    assert values(term("entropy", start=0.6), mixed_batch)["a"] == 0.0


def test_teacher_consistency_is_the_mean_squared_distance_to_the_teacher(term, mixed_batch, flat):
    expected = ((flat["b"] - flat["teacher"]) ** 2).mean(axis=1)[flat["unlabelled"]].mean()
    assert values(term("teacher_consistency"), mixed_batch)["b"] == pytest.approx(expected, rel=2e-5)


def test_filtered_learns_the_agreed_label_on_the_surest_share_of_each_class(term, mixed_batch, flat):
    kept = surest(flat, keep=0.5)  # 0.2 + 0.6 * progress 0.5
    got = values(term("filtered"), mixed_batch)
    for k in "ab":
        assert got[k] == pytest.approx(ce(flat[k], flat["label_a"])[kept].mean(), rel=2e-5)


def test_rcps_learns_the_others_sharpened_probabilities(term, mixed_batch, flat):
    sharp = flat["b"] ** 2 / (flat["b"] ** 2).sum(axis=1, keepdims=True)
    d = kl(flat["b"], flat["a"])
    expected = (np.exp(-d) * -(sharp * np.log(flat["a"])).sum(1) + d)[flat["unlabelled"]].mean()
    assert values(term("rcps_supervision"), mixed_batch)["a"] == pytest.approx(expected, rel=2e-5)


def test_erda_is_soft_cross_entropy_to_prototype_pseudo_labels(term, mixed_batch, flat):
    features = mixed_batch.flat("features_a")
    prototypes = []
    for c in range(3):
        mean = features[flat["person"] & (flat["target"] == c)].mean(axis=0)
        prototypes.append(mean / np.linalg.norm(mean))
    cosine = features / np.linalg.norm(features, axis=1, keepdims=True) @ np.array(prototypes).T
    p = np.exp(cosine / 0.1) / np.exp(cosine / 0.1).sum(axis=1, keepdims=True)
    expected = -(p * np.log(flat["a"])).sum(axis=1)[flat["unlabelled"]].mean()
    assert values(term("erda"), mixed_batch)["a"] == pytest.approx(expected, rel=1e-4)


def test_contrast_is_info_nce_of_the_uncertain_voxels_over_the_prototypes(term, mixed_batch, flat):
    reliable = surest(flat, keep=0.5)
    features = mixed_batch.flat("features_b")
    source = np.where(flat["person"], flat["target"], flat["label_a"])
    prototypes = []
    for c in range(3):
        mean = features[(flat["person"] | reliable) & (source == c)].mean(axis=0)
        prototypes.append(mean / np.linalg.norm(mean))
    logits = features / np.linalg.norm(features, axis=1, keepdims=True) @ np.array(prototypes).T / 0.1
    mean_p = 0.5 * (flat["a"] + flat["b"])
    label, weight = mean_p.argmax(1), mean_p.max(1)
    loss = -(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[np.arange(len(label)), label]
    uncertain = flat["unlabelled"] & ~reliable
    expected = np.mean([weighted_mean(loss, uncertain & (label == c), weight) for c in range(3)])
    assert values(term("contrast"), mixed_batch)["b"] == pytest.approx(expected, rel=1e-4)


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def test_rcps_contrast_is_info_nce_against_the_other_networks_bank(term, mixed_batch, flat):

    t = term("rcps_contrast", bank=6).eval()
    t.bank.copy_(torch.nn.functional.normalize(torch.randn(2, 3, 6, 4), dim=-1))
    t.filled[:, :5] = True
    bank = t.bank[1].double().numpy()[:, :5]
    query, key = unit(mixed_batch.flat("features_a")), unit(mixed_batch.flat("features_b"))
    label = np.where(flat["person"], flat["target"], (flat["a"] + flat["b"]).argmax(1))
    losses = [[], [], []]
    for q, k, c in zip(query, key, label, strict=True):
        negatives = np.concatenate([bank[d] for d in range(3) if d != c]) @ q
        scores = np.exp(np.concatenate([[q @ k], negatives]) / 0.1)
        losses[c].append(-np.log(scores[0] / scores.sum()))
    assert values(t, mixed_batch)["a"] == pytest.approx(np.mean([np.mean(x) for x in losses]), rel=1e-4)


def test_guided_contrast_is_info_nce_of_the_less_confident_view_with_negatives_of_other_classes(scene_from, term):

    g = torch.Generator().manual_seed(4)
    shape = (1, 3, 16, 16, 16)  # the smallest patch: its sub-crop is all of it
    none = torch.full((1, 16, 16, 16), -1)
    truth = torch.ones_like(none, dtype=torch.bool)
    truth[0, 3, 4, :10] = False
    scene = scene_from(torch.randn(shape, generator=g), torch.randn(shape, generator=g), none, truth)
    second = scene_from(2 * torch.randn(shape, generator=g), torch.randn(shape, generator=g), none, truth, seed=9)
    outputs = [NetworkOutput(z, f) for z, f in ((second.logits_a, second.features_a), (second.logits_b, second.features_b))]
    scene = scene.changed(forward=lambda _: tuple(outputs))
    here = ~scene.flat("truth")
    f = [unit(s.flat("features_a")[here]) for s in (scene, second)]
    p = [s.p("a")[here] for s in (scene, second)]
    label, sure = [x.argmax(1) for x in p], [x.max(1) for x in p]
    expected = 0.0
    for student, teacher in ((0, 1), (1, 0)):
        losses = {}
        for i in np.flatnonzero((sure[teacher] > sure[student]) & (sure[teacher] >= 0.5)):
            use = (label[teacher] != label[student][i]) | (np.arange(10) == i)
            scores = np.exp(f[teacher] @ f[student][i] / 0.1)
            losses.setdefault(label[student][i], []).append(-np.log(scores[i] / scores[use].sum()))
        assert losses
        expected += np.mean([np.mean(x) for x in losses.values()])
    assert values(term("guided_contrast", confidence=0.5), scene)["a"] == pytest.approx(expected, rel=1e-4)


def test_distillation_is_the_divergence_from_the_own_counterpart_where_the_parent_is_sure(term, mixed_batch):
    unlabelled = ~mixed_batch.flat("truth")
    parent = [np.moveaxis(p.double().numpy(), 1, -1).reshape(-1, 3) for p in mixed_batch.step.parent]
    certainty = 1 - entropy((parent[0] + parent[1]) / 2)
    expected = {name: weighted_mean(kl(parent[n], mixed_batch.p(name)), unlabelled, certainty) for n, name in enumerate("ab")}
    assert values(term("distillation"), mixed_batch) == pytest.approx(expected, rel=1e-4)
