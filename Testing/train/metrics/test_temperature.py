"""One temperature for all cases: found where it is, judged on cases that had no say in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualssl.metrics.temperature import TEMPERATURES, LikelihoodTable, fit_temperature


def valleys(lowest, depth=0.3, sharpness=1.0):
    """A table whose rows are parabolas over log T, lowest at the given temperatures."""
    x = np.log(TEMPERATURES)
    rows = [depth + sharpness * (x - np.log(t)) ** 2 for t in lowest]
    return LikelihoodTable.of(TEMPERATURES, rows)


@given(st.floats(0.3, 7.0), st.floats(0.3, 7.0))
def test_the_lowest_point_lies_where_the_cases_together_have_it(one, other):
    table = valleys([one, other])
    assert table.best() == pytest.approx(np.sqrt(one * other), rel=1e-6)
    assert table.best(np.array([True, False])) == pytest.approx(one, rel=1e-6)


@given(st.floats(0.25, 8.0))
def test_between_its_entries_a_table_goes_on_smoothly(temperature):
    table = valleys([1.7, 0.8])
    assert table.at(0, temperature) == pytest.approx(0.3 + np.log(temperature / 1.7) ** 2, abs=1e-9)


@pytest.mark.parametrize(("true", "found"), [(0.01, TEMPERATURES[0]), (100.0, TEMPERATURES[-1])])
def test_beyond_the_table_its_end_is_taken(true, found):
    assert valleys([true, true]).best() == found


@pytest.mark.parametrize("true", [0.5, 1.0, 1.6, 3.0])
def test_the_temperature_of_overconfident_logits_is_found(true):
    """Labels are drawn from logits divided by `true`: their likelihood is greatest there."""
    random = np.random.default_rng(3)
    rows = []
    for _ in range(4):
        logits = random.normal(0, 4, 20_000)
        labels = random.random(logits.size) < 1 / (1 + np.exp(-logits / true))
        signed = np.where(labels, logits, -logits)
        rows.append([float(np.mean(np.logaddexp(0, -signed / t))) for t in TEMPERATURES])
    fit = fit_temperature(LikelihoodTable.of(TEMPERATURES, rows))
    assert fit.temperature == pytest.approx(true, rel=0.05)
    assert fit.nll_after <= fit.nll_before + 1e-9
    if true != 1.0:
        assert fit.helps
        assert fit.cases_better == 4


def test_each_case_is_judged_at_the_temperature_of_the_others():
    table = valleys([1.0, 2.0, 4.0])
    fit = fit_temperature(table, before=1.0)
    others = (np.sqrt(8.0), 2.0, np.sqrt(2.0))
    assert fit.held_out == pytest.approx([table.at(case, t) for case, t in enumerate(others)])
    assert fit.temperature == pytest.approx(2.0)


def test_a_temperature_that_serves_only_the_cases_it_was_fitted_to_is_seen():
    fit = fit_temperature(valleys([0.5, 2.0, 1.0, 1.05]), before=1.0)
    assert fit.nll_after < fit.nll_before
    assert not fit.helps


def test_an_earlier_temperature_is_what_the_new_one_must_beat():
    assert not fit_temperature(valleys([2.0, 2.0]), before=2.0).helps
    assert fit_temperature(valleys([2.0, 2.0]), before=1.0).helps


@pytest.mark.parametrize(
    ("temperatures", "rows"),
    [
        ((0.5, 1.0, 2.0), [[1.0, 2.0, 3.0]]),
        ((0.5, 1.0, 2.0), [[1.0, 2.0], [1.0, 2.0]]),
        ((1.0, 2.0), [[1.0, 2.0], [1.0, 2.0]]),
        ((0.5, 1.0, 2.0), [[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]]),
        ((1.0, 0.5, 2.0), [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]),
        ((0.0, 0.5, 2.0), [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]),
    ],
)
def test_what_is_no_table_is_refused(temperatures, rows):
    with pytest.raises(ValueError, match="temperatures"):
        LikelihoodTable.of(temperatures, rows)
