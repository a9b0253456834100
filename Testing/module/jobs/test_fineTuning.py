"""What is asked of the engine for a fine-tuning, and what is made of what it tells: curves, and old against new."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from dualssl.errors import RegistryError
from dualssl.registry.gate import judge
from dualssl.registry.scores import Calibration, ScoredCase, ScoredSet, ScoredStructure
from dualssl.worker.protocol import Progress
from DualSSLSegmentationLib.jobs.fineTuning import Curves, FineTuneWish, comparisonOf
from DualSSLSegmentationLib.jobs.jobState import JobState


def told(stage, done=None, loss=None, dice=None, total=10, note=""):
    return Progress(1, stage, done, total, None, loss, dice, note)


def curvesOf(*progress):
    curves = Curves()
    for each in progress:
        curves.add(each)
    return curves


def verdict(structures, gain=0.02, hd95=(6.0, 5.0)):
    def scored(model, dice, distance):
        cases = (
            ScoredCase(f"case_{n}", tuple(ScoredStructure(s, 0.8 + 0.01 * n + dice, distance) for s in structures))
            for n in range(6)
        )
        return ScoredSet(tuple(cases), Calibration((100,), (0.5,), (0.55,)), model, "Spheres")

    return judge(scored("old", 0.0, hd95[0]), scored("new", gain, hd95[1])).to_json()


def test_each_training_has_its_own_curves():
    curves = curvesOf(told("Fold 1", 1, loss=2.0), told("Fold 1", 2, loss=1.0), told("Training", 1, loss=3.0))
    assert curves.loss == {"Fold 1": [(1, 2.0), (2, 1.0)], "Training": [(1, 3.0)]}
    assert curves.stage == "Training"


def test_a_dice_is_a_point_where_it_is_first_told():
    curves = curvesOf(
        told("T", 1, loss=2.0), told("T", 2, loss=1.9, dice=0.5), told("T", 3, loss=1.8, dice=0.5), told("T", 4, dice=0.6)
    )
    assert curves.dice == {"T": [(2, 0.5), (4, 0.6)]}
    assert curves.loss == {"T": [(1, 2.0), (2, 1.9), (3, 1.8)]}


def test_what_is_told_twice_is_one_point():
    assert curvesOf(told("T", 1, loss=2.0), told("T", 1, loss=2.0)).loss == {"T": [(1, 2.0)]}


def test_a_stage_without_steps_is_named_and_draws_nothing():
    curves = curvesOf(told("Reading the cases", loss=1.0))
    assert (curves.stage, curves.loss, curves.dice) == ("Reading the cases", {}, {})


def test_the_engine_is_asked_with_plain_data():
    wish = FineTuneWish(Path("/m"), Path("/l"), Path("/r"), Path("/o"), iterations=3, prove=False)
    assert wish.params() == {
        "model": "/m",
        "library": "/l",
        "registry": "/r",
        "output": "/o",
        "device": "auto",
        "replay": None,
        "settings": {"iterations": 3},
        "prove": False,
        "resume": False,
    }
    assert replace(wish, replay=Path("/d")).params()["replay"] == "/d"


def test_old_against_new_for_one_structure():
    compared = comparisonOf(verdict(["left atrium"]))
    assert (compared.decision, compared.cases) == ("better", 6)
    assert [row.name for row in compared.rows] == ["left atrium: Dice", "left atrium: HD95"]
    dice, hd95 = compared.rows
    assert (dice.old, dice.new, dice.change, dice.outcome) == ("82.50 %", "84.50 %", "+2.00 %", "better")
    assert (hd95.old, hd95.new, hd95.change, hd95.outcome) == ("6.00 mm", "5.00 mm", "-1.00 mm", "better")


def test_several_structures_have_a_mean_as_well():
    names = [row.name for row in comparisonOf(verdict(["a", "b"])).rows]
    assert names[:4] == ["a: Dice", "a: HD95", "b: Dice", "b: HD95"]
    assert len(names) == 6


@pytest.mark.parametrize(("gain", "outcome"), [(-0.05, "worse"), (0.0, "same"), (0.00001, "same")])
def test_an_outcome_goes_by_what_is_shown(gain, outcome):
    assert comparisonOf(verdict(["a"], gain=gain)).rows[0].outcome == outcome


def test_what_is_no_verdict_is_refused():
    with pytest.raises(RegistryError):
        comparisonOf({"decision": "better"})


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.2, "about 1 s left"), (89.4, "about 89 s left"), (95, "about 2 min left")]
)
def test_the_time_left_in_words(seconds, text):
    assert JobState("x", secondsLeft=seconds).timeText() == text


@pytest.mark.parametrize(("done", "total", "share"), [(5, 10, 0.5), (12, 10, 1.0), (0, 10, 0.0), (5, None, None), (5, 0, None)])
def test_how_far_a_job_is(done, total, share):
    assert JobState.ofProgress(told("Stage", done, total=total)).fraction == share


def test_a_note_is_shown_rather_than_the_stage():
    assert JobState.ofProgress(told("Stage", note="No GPU was found")).text == "No GPU was found"


def test_curves_hold_numbers_that_can_be_drawn():
    curves = curvesOf(told("T", 1, loss=2.0, dice=0.5))
    assert all(math.isfinite(y) for points in (*curves.loss.values(), *curves.dice.values()) for _, y in points)
