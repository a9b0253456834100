"""Every preset builds, trains one step, and can be taken apart; a new method is one file."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
import torch

import dualssl.presets
from dualssl.errors import TrainingError
from dualssl.model.manifest import NetworkSpec
from dualssl.networks.pair import DualNetwork, NetworkOutput
from dualssl.presets import all_presets, preset_named
from dualssl.presets.base import Augmentation, Preset
from dualssl.presets.guided_contrast import random_crop
from dualssl.terms.base import IGNORE, Step, TermSpec, build_term, ramp_value

NAMES = ["erda", "guided_contrast", "paper", "paper_code", "rcps", "ssl_contrastive", "strong", "supervised"]
CLASSES = 3


@pytest.fixture(scope="module")
def tiny_pair():
    torch.manual_seed(0)
    return DualNetwork(NetworkSpec(in_channels=1, classes=CLASSES, width=2))


@pytest.fixture
def tiny_step(tiny_pair):
    g = torch.Generator().manual_seed(1)
    images = torch.randn((2, 1, 16, 16, 16), generator=g)

    def forward(x):
        (za, fa), (zb, fb) = tiny_pair(x)
        return NetworkOutput(za, fa), NetworkOutput(zb, fb)

    target = torch.randint(0, CLASSES, (2, 16, 16, 16), generator=g)
    target[1, 8:] = IGNORE
    truth = torch.zeros_like(target, dtype=torch.bool)
    truth[0] = True
    a, b = forward(images)
    teacher = torch.softmax(torch.randn((2, CLASSES, 16, 16, 16), generator=g), 1)
    return Step(images, a, b, target, truth, teacher=teacher, progress=0.5, forward=forward)


def test_all_presets_are_there():
    assert sorted(all_presets()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_trains_both_networks_one_step(tiny_pair, tiny_step, name):
    preset = preset_named(name)
    total = torch.zeros(())
    for spec in preset.terms:
        term = build_term(spec, CLASSES, 2)
        assert not term.needs_teacher or preset.ema_decay is not None
        for _ in range(2):  # prototypes and banks have something to say from the second step on
            losses = term(tiny_step)
        assert all(v.ndim == 0 for v in losses.values())
        total = total + spec.weight * ramp_value(spec.ramp, 0.5) * sum(losses.values())
    tiny_pair.zero_grad()
    total.backward()
    assert torch.isfinite(total)
    for net in (tiny_pair.a, tiny_pair.b):
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        assert all(torch.isfinite(g).all() for g in gradients)
        assert any(g.abs().max() > 0 for g in gradients)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_what_it_is_and_names_no_term_twice(name):
    preset = preset_named(name)
    terms = [t.name for t in preset.terms]
    assert preset.description.endswith(".")
    assert len(terms) == len(set(terms))
    assert "supervised" in terms
    assert preset.export == "student" or preset.ema_decay is not None


def test_paper_has_every_corrected_term_with_its_weight_and_ramp():
    terms = {t.name: (t.weight, t.ramp) for t in preset_named("paper").terms}
    assert terms == {
        "supervised": (2.0, "constant"),
        "disagreement": (0.5, "constant"),
        "filtered": (1.0, "sigmoid"),
        "dynamic": (1.0, "sigmoid"),
        "cosine": (1.0, "sigmoid"),
        "contrast": (0.1, "sigmoid"),
    }


def test_paper_code_keeps_the_released_settings_and_faults():
    p = preset_named("paper_code")
    o, s = p.optimiser, p.schedule
    assert (o.kind, o.learning_rate, o.momentum, o.weight_decay) == ("sgd", 0.01, 0.9, 1e-4)
    assert (s.kind, s.every, s.gamma, p.iterations, p.batch) == ("step", 2500, 0.1, 6000, 4)
    assert p.augmentation == Augmentation()
    options = {t.name: dict(t.options) for t in p.terms}
    assert options["dynamic"] == {"direction": "a_to_b", "detach_weight": False, "on_labelled": True}
    assert options["cosine"] == {"on_labelled": True}
    assert all(t.ramp == "constant" for t in p.terms)


def test_guided_contrast_teaches_the_less_confident_view_only(tiny_step):
    """The gradient of its loss reaches features of patch or sub-crop, never logits."""
    term = build_term(TermSpec("guided_contrast", options={"confidence": 0.0}), CLASSES, 2)
    seen = []
    run = tiny_step.forward

    def forward(x):
        a, b = run(x)
        for o in (a, b):
            o.features.retain_grad()
            o.logits.retain_grad()
        seen.extend((a, b))
        return a, b

    tiny_step.a.features.retain_grad()
    tiny_step.b.features.retain_grad()
    losses = term(replace(tiny_step, forward=forward))
    losses["a"].backward()
    first = tiny_step.a.features.grad.abs().sum(1) > 0
    second = seen[0].features.grad.abs().sum(1) > 0
    assert first.any()
    assert second.any()
    assert not (first & second).any(), "of a pair one view learns, the other teaches"
    assert not first[0].any(), "labelled voxels take no part"
    assert tiny_step.b.features.grad is None
    assert seen[0].logits.grad is None


def test_guided_contrast_needs_a_second_view(tiny_step):
    term = build_term(TermSpec("guided_contrast"), CLASSES, 2)
    with pytest.raises(TrainingError, match="second view"):
        term(replace(tiny_step, forward=None))


def test_the_second_view_is_a_box_the_networks_accept():
    for _ in range(20):
        crop = random_crop((112, 96, 16))
        assert torch.zeros(112, 96, 16)[crop].shape == (64, 64, 16)


def test_terms_can_be_left_out_by_name():
    reduced = preset_named("paper").without(("contrast", "cosine"))
    assert [t.name for t in reduced.terms] == ["supervised", "disagreement", "filtered", "dynamic"]
    assert len(preset_named("paper").terms) == 6


@pytest.mark.parametrize("parts", permutations(("copy_paste", "ema", "augmentation", "pseudo")))
def test_parts_that_are_no_terms_can_be_left_out_in_any_order(parts):
    reduced = preset_named("strong").without(parts)
    assert reduced.copy_paste is None
    assert reduced.ema_decay is None
    assert reduced.export == "student"
    assert reduced.augmentation == Augmentation()


def test_the_unlabelled_stream_goes_with_the_last_that_learns_from_it():
    strong = preset_named("strong")
    assert strong.without(("copy_paste",)).uses_unlabelled
    assert strong.without(("copy_paste", "pseudo")).uses_unlabelled
    assert not strong.without(("copy_paste", "pseudo", "discrepancy")).uses_unlabelled
    assert not strong.without(("copy_paste", "pseudo", "ema")).uses_unlabelled
    assert not preset_named("paper").without(("filtered", "dynamic", "cosine", "contrast")).uses_unlabelled


def test_without_unlabelled_is_the_same_recipe_among_labelled_cases():
    alone = preset_named("strong").without(("unlabelled",))
    assert not alone.uses_unlabelled
    assert alone.copy_paste.pretrain == 1.0
    assert alone.terms == preset_named("strong").terms
    assert alone.export == "teacher"


def test_weights_can_be_set_and_terms_switched_on():
    terms = {t.name: t for t in preset_named("paper").weighing(("cosine=0.25", "entropy=2")).terms}
    assert terms["cosine"].weight == 0.25
    assert terms["cosine"].ramp == "sigmoid"
    assert terms["entropy"].weight == 2.0


@pytest.mark.parametrize("setting", ["cosine", "cosine=much", "cosin=1", "cosine=-1", "cosine=nan", "cosine=inf"])
def test_a_weight_that_makes_no_sense_is_refused(setting):
    with pytest.raises(TrainingError, match="weight"):
        preset_named("paper").weighing((setting,))


@pytest.mark.parametrize(
    ("name", "without", "message"),
    [
        ("paper", ("pseudo",), "There is no part .*contrast"),
        ("paper", ("ema",), "There is no part"),
        ("strong", ("ema",), "EMA teacher cannot be left out alone"),
        ("strong", ("copy_paste", "ema"), "EMA teacher cannot be left out alone"),
        ("supervised", ("unlabelled",), "There is no part"),
        ("supervised", ("supervised",), "nothing to learn from"),
        ("paper", ("cosine", "cosine"), "There is no part"),
    ],
)
def test_leaving_out_what_is_not_there_is_refused(name, without, message):
    with pytest.raises(TrainingError, match=message):
        preset_named(name).without(without)


def test_an_unknown_preset_is_refused_with_what_there_is():
    with pytest.raises(TrainingError, match="paper_code"):
        preset_named("papers")


ONE_FILE = '''
"""A method nobody has published."""
from dualssl.presets.base import Preset
from dualssl.terms.base import Term, TermSpec, masked_mean, register


@register
class Loudness(Term):
    name = "one_file_loudness"

    def forward(self, step):
        return {"a": masked_mean(step.a.logits.square().sum(1), step.unlabelled)}


PRESET = Preset("one_file", "A method in one file.", (TermSpec("one_file_loudness"),))
'''


def test_a_method_is_added_by_one_file(tmp_path: Path, monkeypatch, tiny_step):
    (tmp_path / "one_file.py").write_text(ONE_FILE)
    monkeypatch.setattr(dualssl.presets, "__path__", [*dualssl.presets.__path__, str(tmp_path)])
    all_presets.cache_clear()
    try:
        preset = preset_named("one_file")
        assert isinstance(preset, Preset)
        assert float(build_term(preset.terms[0], CLASSES, 2)(tiny_step)["a"].detach()) > 0
    finally:
        all_presets.cache_clear()


def test_each_related_method_is_one_file_with_its_own_preset():
    for module in pkgutil.iter_modules(dualssl.presets.__path__):
        if module.name != "base":
            preset = importlib.import_module(f"dualssl.presets.{module.name}").PRESET
            assert preset.name == module.name
