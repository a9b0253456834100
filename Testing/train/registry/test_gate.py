"""The gate: only a proved gain without a broken guard is better; a broken guard or a proved loss is worse."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualssl.errors import RegistryError
from dualssl.registry.gate import GateRules, judge
from dualssl.registry.scores import Calibration, ScoredCase, ScoredSet, ScoredStructure
from dualssl.registry.verdict import Verdict, read_verdict

QUICK = GateRules(resamples=1000)
EIGHT = (0.80, 0.82, 0.84, 0.86, 0.88, 0.90, 0.91, 0.92)


def plus(dices, gain):
    return [dice + gain for dice in dices]


def outcomes(verdict):
    return {rule.name: rule.outcome for rule in verdict.rules}


@st.composite
def scored_sets(draw, fewest=1):
    """Two models on the same cases."""
    names = draw(st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=fewest, max_size=9, unique=True))
    dice, hd95 = st.floats(0, 1), st.floats(0, 100)

    def one():
        return ScoredSet(
            tuple(ScoredCase(n, tuple(ScoredStructure(s, draw(dice), draw(hd95)) for s in ("x", "y"))) for n in names),
            Calibration((10,), (0.5,), (draw(st.floats(0.5, 1)),)),
        )

    return one(), one()


@settings(deadline=None, max_examples=60)
@given(scored_sets())
def test_identical_scores_are_not_proved(pair):
    verdict = judge(pair[0], pair[0], rules=QUICK)
    assert verdict.decision == "not proved"
    for compared in (verdict.held_out.mean, *verdict.held_out.structures):
        for figure in (compared.dice, compared.hd95):
            assert figure.difference == 0
            assert figure.p == 1
            assert figure.low is None or figure.low <= 0 <= figure.high


@settings(deadline=None, max_examples=60)
@given(scored_sets(), st.floats(0.006, 0.05))
def test_a_child_that_is_better_everywhere_is_better(pair, gain):
    parent = ScoredSet(
        tuple(replace(c, structures=tuple(replace(s, dice=0.9 * s.dice) for s in c.structures)) for c in pair[0].cases)
    )
    child = ScoredSet(
        tuple(replace(c, structures=tuple(replace(s, dice=s.dice + gain) for s in c.structures)) for c in parent.cases)
    )
    assert judge(parent, child, rules=QUICK).decision == "better"


@settings(deadline=None, max_examples=60)
@given(scored_sets())
def test_swapping_the_models_negates_every_difference(pair):
    there, back = judge(*pair, rules=QUICK).held_out, judge(*reversed(pair), rules=QUICK).held_out
    for one, other in zip((there.mean, *there.structures), (back.mean, *back.structures), strict=True):
        for a, b in ((one.dice, other.dice), (one.hd95, other.hd95)):
            assert (b.parent, b.child, b.difference, b.p) == pytest.approx((a.child, a.parent, -a.difference, a.p))
            if a.low is not None:
                assert (b.low, b.high) == pytest.approx((-a.high, -a.low), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(scored_sets(), st.randoms(use_true_random=False))
def test_the_order_of_cases_and_structures_does_not_matter(pair, random):
    def shuffled(scored):
        cases = [replace(case, structures=case.structures[::-1]) for case in scored.cases]
        random.shuffle(cases)
        return replace(scored, cases=tuple(cases))

    straight, turned = judge(*pair, rules=QUICK), judge(pair[0], shuffled(pair[1]), rules=QUICK)
    assert turned == straight
    both = judge(shuffled(pair[0]), shuffled(pair[1]), rules=QUICK)
    assert both.decision == straight.decision
    assert both.held_out.mean == pytest_approx(straight.held_out.mean)


def pytest_approx(compared):
    """Sums in another order may differ in the last digits."""

    class Near:
        def __eq__(self, other):
            for a, b in ((compared.dice, other.dice), (compared.hd95, other.hd95)):
                assert (a.low is None) == (b.low is None)
                figures = [(v.parent, v.child, v.difference, v.low or 0.0, v.high or 0.0, v.p) for v in (a, b)]
                assert figures[1] == pytest.approx(figures[0], abs=1e-9)
            return True

    return Near()


def test_a_proved_gain_is_better_and_the_sentence_has_the_figures(scores):
    verdict = judge(scores(EIGHT, model="first"), scores(plus(EIGHT, 0.0125), model="second"))
    assert verdict.decision == "better"
    assert (verdict.parent, verdict.child) == ("first", "second")
    assert "+1.25 points on 8 held-out cases (95 % interval +1.25 to +1.25)" in verdict.reason
    assert outcomes(verdict) == {
        "gain": "held",
        "structures": "held",
        "HD95": "held",
        "calibration": "held",
        "reference": "not assessed",
    }


def test_a_gain_in_some_cases_and_a_loss_in_others_is_not_proved(scores):
    child = [dice + (0.02 if n % 2 else -0.015) for n, dice in enumerate(EIGHT)]
    verdict = judge(scores(EIGHT), scores(child))
    assert verdict.decision == "not proved"
    assert verdict.held_out.mean.dice.low < 0 < verdict.held_out.mean.dice.high


def test_a_small_but_proved_loss_is_worse_although_no_guard_is_broken(scores):
    verdict = judge(scores(EIGHT), scores(plus(EIGHT, -0.004)))
    assert verdict.decision == "worse"
    assert [name for name, outcome in outcomes(verdict).items() if outcome == "broken"] == ["gain"]
    assert verdict.reason.startswith("Worse in Dice (mean Dice changes by -0.40 points")


@pytest.mark.parametrize(("loss", "decision"), [(0.01, "better"), (0.0101, "worse")])
def test_no_structure_may_lose_more_than_a_point(scores, loss, decision):
    parent = scores(EIGHT)
    child = scores([(dice + 0.05, dice - loss) for dice in EIGHT])
    verdict = judge(parent, child)
    assert verdict.decision == decision
    assert verdict.held_out.mean.dice.low > 0
    assert ("'wall'" in verdict.reason) == (decision == "worse")


@pytest.mark.parametrize(
    ("before", "after", "decision"),
    [(2.0, 3.0, "better"), (2.0, 3.01, "worse"), (30.0, 33.0, "better"), (30.0, 33.01, "worse"), (30.0, 10.0, "better")],
)
def test_hd95_may_grow_by_a_tenth_or_a_millimetre(scores, before, after, decision):
    verdict = judge(scores(EIGHT, hd95=before), scores(plus(EIGHT, 0.02), hd95=after))
    assert verdict.decision == decision
    assert outcomes(verdict)["HD95"] == ("held" if decision == "better" else "broken")


@pytest.mark.parametrize(("after", "decision"), [(0.07, "better"), (0.0701, "worse"), (0.01, "better")])
def test_calibration_may_grow_a_little_worse(scores, after, decision):
    verdict = judge(scores(EIGHT, ece=0.05), scores(plus(EIGHT, 0.02), ece=after))
    assert verdict.decision == decision
    assert (verdict.held_out.ece_parent, verdict.held_out.ece_child) == pytest.approx((0.05, after))


def test_calibration_that_was_not_measured_is_not_assessed(scores):
    verdict = judge(scores(EIGHT, ece=None), scores(plus(EIGHT, 0.02), ece=None))
    assert (verdict.decision, outcomes(verdict)["calibration"]) == ("better", "not assessed")


def test_a_child_that_segments_nothing_breaks_the_guard_of_calibration(scores):
    nothing = replace(scores(EIGHT), calibration=Calibration((0,), (0.0,), (0.0,)))
    assert outcomes(judge(scores(EIGHT), nothing))["calibration"] == "broken"
    assert outcomes(judge(nothing, scores(EIGHT)))["calibration"] == "not assessed"


@pytest.mark.parametrize(("change", "decision"), [(0.01, "better"), (-0.003, "better"), (-0.0031, "worse")])
def test_forgetting_on_the_reference_set_is_worse(scores, change, decision):
    reference = scores(EIGHT[:3]), scores(plus(EIGHT[:3], change))
    verdict = judge(scores(EIGHT), scores(plus(EIGHT, 0.02)), reference)
    assert verdict.decision == decision
    assert verdict.reference.mean.dice.difference == pytest.approx(change)
    assert len(verdict.reference.cases) == 3


@pytest.mark.parametrize(
    ("gains", "decision"),
    [
        ((0.01, 0.01, 0.01), "better"),
        ((0.015, 0.0, 0.0), "better"),
        ((0.0149, 0.0, 0.0), "not proved"),
        ((0.05, 0.05, -0.001), "not proved"),
        ((-0.0001, -0.0001, -0.0001), "not proved"),
        ((-0.006, -0.005, -0.004), "worse"),
        ((0.005,), "better"),
    ],
)
def test_with_few_cases_none_may_be_worse_and_the_gain_must_matter(scores, gains, decision):
    parent = EIGHT[: len(gains)]
    verdict = judge(scores(parent), scores([dice + gain for dice, gain in zip(parent, gains, strict=True)]))
    assert verdict.decision == decision
    assert verdict.held_out.mean.dice.low is verdict.held_out.mean.dice.high is None
    assert "too few for an interval" in verdict.reason


def test_the_guards_hold_for_few_cases_too(scores):
    verdict = judge(scores(EIGHT[:2]), scores(plus(EIGHT[:2], 0.05), hd95=20.0))
    assert verdict.decision == "worse"
    assert verdict.reason.startswith("Worse in HD95")


def test_every_broken_guard_is_named(scores):
    verdict = judge(scores(EIGHT), scores(plus(EIGHT, 0.02), hd95=50.0, ece=0.2))
    assert "in HD95 (" in verdict.reason
    assert "in calibration (" in verdict.reason


def test_scores_that_cannot_be_compared_are_refused(scores):
    parent = scores(EIGHT)
    names = [f"case_{n}" for n in range(7)] + ["other"]
    structures = ScoredSet(tuple(ScoredCase(c.name, c.structures[:1]) for c in parent.cases), parent.calibration)
    for child, named in [
        (scores(EIGHT[:7]), "Case 'case_7' was scored for the parent but not for the child"),
        (scores(EIGHT, names=names), "Case 'case_7' was scored for the parent"),
        (scores([*EIGHT, 0.9]), "Case 'case_8' was scored for the child but not for the parent"),
        (structures, "chamber, wall, the child on chamber"),
        (scores(EIGHT, dataset="Livers"), "dataset 'Hearts', the child on 'Livers'"),
        (scores(EIGHT, ece=None), "The child's scores lack a calibration"),
    ]:
        with pytest.raises(RegistryError, match=named):
            judge(parent, child)
    with pytest.raises(RegistryError, match="Case 'case_7'"):
        judge(parent, parent, (parent, scores(EIGHT[:7])))


@pytest.mark.parametrize(
    "limits",
    [
        {"few_cases": 1},
        {"resamples": 10},
        {"confidence": 1.0},
        {"least_gain": 0.0},
        {"structure_loss": -0.01},
        {"hd95_growth": float("nan")},
        {"seed": -1},
    ],
)
def test_limits_out_of_range_are_refused(limits):
    with pytest.raises(RegistryError, match="gate"):
        GateRules(**limits)


def test_limits_are_used_and_recorded(scores):
    strict = GateRules(few_cases=20, least_gain=0.03)
    verdict = judge(scores(EIGHT), scores(plus(EIGHT, 0.02)), rules=strict)
    assert verdict.decision == "not proved"
    assert verdict.settings["few_cases"] == 20


def test_a_verdict_comes_back_from_its_file(scores, tmp_path):
    reference = scores(EIGHT[:2]), scores(EIGHT[:2])
    for verdict in (judge(scores(EIGHT), scores(EIGHT)), judge(scores(EIGHT), scores(plus(EIGHT, 0.02)), reference)):
        path = tmp_path / "verdict.json"
        path.write_text(json.dumps(verdict.to_json()), encoding="utf-8")
        assert read_verdict(path) == verdict


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "not readable as JSON"),
        ("[]", "no verdict"),
        ('{"cases": []}', "no verdict"),
        ('{"format_version": 2}', "update dualssl"),
        ('{"format_version": 1}', "'reference'"),
        (b"\xff\xfe", "not readable"),
    ],
)
def test_a_file_that_holds_no_verdict_is_refused(tmp_path, text, named):
    path = tmp_path / "verdict.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RegistryError, match=named) as caught:
        read_verdict(path)
    assert "verdict.json" in str(caught.value)
    with pytest.raises(RegistryError, match="nowhere"):
        read_verdict(tmp_path / "nowhere")


@pytest.mark.parametrize(("field", "value"), [("decision", "great"), ("reason", 3), ("rules", [{}]), ("held_out", None)])
def test_a_garbled_verdict_is_refused(scores, field, value):
    data = judge(scores(EIGHT), scores(EIGHT)).to_json()
    with pytest.raises(RegistryError, match="garbles"):
        Verdict.from_json({**data, field: value})
    with pytest.raises(RegistryError, match="garbles"):
        Verdict.from_json({**data, "settings": {"seed": 10**400}})
    with pytest.raises(RegistryError, match="finite"):
        Verdict.from_json({**data, "settings": {"seed": float("nan")}})


def test_the_registry_and_its_gate_need_neither_torch_nor_scipy():
    script = (
        "import sys, dualssl.registry, dualssl.registry.gate, dualssl.registry.folds, dualssl.registry.compare;"
        "sys.exit(str([m for m in ('torch', 'scipy', 'monai', 'SimpleITK') if m in sys.modules]).strip('[]') or 0)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_verdict_holds_plain_numbers_only(scores):
    def leaves(data):
        if isinstance(data, dict):
            return [leaf for value in data.values() for leaf in leaves(value)]
        if isinstance(data, list):
            return [leaf for value in data for leaf in leaves(value)]
        return [data]

    found = leaves(judge(scores(EIGHT), scores(EIGHT)).to_json())
    assert not any(isinstance(leaf, np.generic) for leaf in found)
