"""Scores that say nothing are refused when they are made; folds add up to one set."""

import numpy as np
import pytest

from dualssl.errors import RegistryError
from dualssl.metrics.calibration import Reliability
from dualssl.registry.scores import Calibration, ScoredCase, ScoredSet, ScoredStructure


def reliability(seed, size=500):
    random = np.random.default_rng(seed)
    histogram = Reliability()
    confidence = random.uniform(0.3, 1.0, (size, 1, 1))
    histogram.add(confidence, random.random(confidence.shape) < confidence**2)
    return histogram


def as_calibration(histogram):
    plain = histogram.to_json()
    return Calibration(
        tuple(plain["voxels"]), tuple(v or 0.0 for v in plain["accuracy"]), tuple(v or 0.0 for v in plain["confidence"])
    )


def case(name="a", dice=0.9, hd95=2.0, structure="wall"):
    return ScoredCase(name, (ScoredStructure(structure, dice, hd95),))


@pytest.mark.parametrize(
    ("cases", "named"),
    [
        ((), "no case"),
        ((case("a"), case("a")), "twice on case 'a'"),
        ((case("a"), case("b", structure="liver")), "liver in case 'b'"),
        ((ScoredCase("a", ()),), "no structure"),
        ((ScoredCase("a", case().structures * 2),), "twice, in case 'a'"),
        ((case(dice=float("nan")),), "Dice of nan for 'wall' in case 'a'"),
        ((case(dice=1.01),), "Dice of 1.01"),
        ((case(dice=-0.1),), "Dice of -0.1"),
        ((case(hd95=float("nan")),), "HD95 of nan"),
        ((case(hd95=float("inf")),), "HD95 of inf"),
        ((case(hd95=-1.0),), "HD95 of -1.0"),
    ],
)
def test_scores_that_say_nothing_are_refused_by_name(cases, named):
    with pytest.raises(RegistryError, match=named) as caught:
        ScoredSet(cases, model="second")
    assert "'second'" in str(caught.value)


@pytest.mark.parametrize(
    "broken", [((1,), (0.5, 0.5), (0.5,)), ((), (), ()), ((1,), (float("nan"),), (0.5,)), ((-1,), (0,), (0,))]
)
def test_a_calibration_that_says_nothing_is_refused(broken):
    with pytest.raises(RegistryError, match="calibration"):
        Calibration(*broken)


def test_the_calibration_error_is_that_of_the_histogram():
    histogram = reliability(1)
    assert as_calibration(histogram).ece == pytest.approx(histogram.ece)
    assert Calibration((0,), (0.0,), (0.0,)).ece is None


def test_merged_folds_have_all_cases_and_the_calibration_of_all_voxels():
    histograms = [reliability(1, 300), reliability(2, 700)]
    folds = [
        ScoredSet((case(name),), as_calibration(histogram), f"fold {name}", "Hearts")
        for name, histogram in zip("ab", histograms, strict=True)
    ]
    merged = ScoredSet.merged(folds, "whole")
    histograms[0].merge(histograms[1])
    assert merged.case_names == ("a", "b")
    assert (merged.model, merged.dataset) == ("whole", "Hearts")
    assert merged.calibration.ece == pytest.approx(histograms[0].ece)
    assert merged.calibration.voxels == tuple(histograms[0].counts)


def test_folds_that_do_not_belong_together_are_refused():
    known = Calibration((1,), (0.5,), (0.5,))
    one = ScoredSet((case("a"),), known, dataset="Hearts")
    for other, named in [
        (ScoredSet((case("a"),), known, dataset="Hearts"), "twice on case 'a'"),
        (ScoredSet((case("b"),), known, dataset="Livers"), "different datasets"),
        (ScoredSet((case("b"),), None, dataset="Hearts"), "some have none"),
        (ScoredSet((case("b"),), Calibration((1, 1), (0, 0), (0, 0)), dataset="Hearts"), "unlike bins"),
        (ScoredSet((case("b", structure="liver"),), known, dataset="Hearts"), "liver"),
    ]:
        with pytest.raises(RegistryError, match=named):
            ScoredSet.merged([one, other], "whole")
    with pytest.raises(RegistryError, match="no fold"):
        ScoredSet.merged([], "whole")


def test_folds_without_calibration_have_none_together():
    folds = [ScoredSet((case(name),)) for name in "ab"]
    assert ScoredSet.merged(folds, "whole").calibration is None
