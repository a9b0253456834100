"""Whether the promised figures are kept, on records that are made up."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualssl.learning_loop.summary import checks, is_complete, mean_difference, summary


@pytest.fixture
def loop_plan(plan):
    return replace(plan, rounds=(1, 4))


@pytest.fixture
def records(record, frozen):
    """Ranked gains 1.5 points with 4 cases and 4000 voxels, random 1 point with 2000."""
    return (
        replace(frozen, dice=0.80, dice_by_case={"seen_0": 0.78, "seen_1": 0.82}),
        record("ranked", 1, 0.805, 1000, seconds_training=61.0),
        record("ranked", 4, 0.815, 4000, old_dice=0.895, seconds_training=900.0),
        record("random", 1, 0.802, 1000),
        record("random", 4, 0.810, 2000, old_dice=0.91),
    )


def named(found, name):
    (check,) = (check for check in found if check.name.startswith(name))
    return check


def test_gain_and_its_scatter_over_the_validation_cases(loop_plan, records):
    gain = named(checks(loop_plan, records), "gain")
    assert gain.value == pytest.approx(1.5)
    assert gain.met is True
    assert gain.missed_by == 0.0
    of_ranked = gain.details["by_order"]["ranked"]
    assert of_ranked == pytest.approx({"mean": 1.5, "standard_error": 0.0, "cases_better": 2, "cases": 2})
    assert gain.details["by_order"]["random"]["mean"] == pytest.approx(1.0)


def test_a_missed_figure_says_by_how_much(loop_plan, records):
    found = checks(loop_plan, records)
    forgetting = named(found, "forgetting")
    assert forgetting.value == pytest.approx(0.5)
    assert forgetting.met is False
    assert forgetting.missed_by == pytest.approx(0.2)
    longest = named(found, "longest")
    # Under 15 minutes is not 15 minutes.
    assert (longest.value, longest.met, longest.details["cases"]) == (15.0, False, 4)


def test_rounding_errors_decide_nothing(loop_plan, records):
    drop = [replace(r, old_dice=0.897) if r.cases == 4 else r for r in records]
    assert 100 * (0.9 - 0.897) > 0.3
    assert named(checks(loop_plan, drop), "forgetting").met is True


def test_orders_are_compared_where_both_have_corrected_as_many_voxels(loop_plan, records):
    compared = named(checks(loop_plan, records), "ranked_over_random")
    # Differences in points at 0, 1000 and 2000 voxels: 0, 0.3 and 80.8333 - 81.
    at_end = 80.5 + 1 / 3 - 81.0
    assert compared.value == pytest.approx((0.3 / 2 + (0.3 + at_end) / 2) / 2)
    assert compared.details["difference_at_most_voxels"] == pytest.approx(at_end, abs=1e-5)
    assert compared.details["most_voxels"] == 2000


def test_several_random_orders_are_averaged(loop_plan, records, record):
    with_two = replace(loop_plan, orders=("ranked", "random", "random-2"))
    twice = (*records, record("random-2", 1, 0.802, 1000), record("random-2", 4, 0.810, 2000))
    one, two = (named(checks(*pair), "ranked_over") for pair in ((loop_plan, records), (with_two, twice)))
    assert two.value == pytest.approx(one.value)
    assert two.details["random_orders"] == 2


def test_an_order_that_is_not_better_does_not_beat(loop_plan, records):
    level = [replace(r, order="random") for r in records if r.order == "ranked"]
    compared = named(checks(loop_plan, (*records[:3], *level)), "ranked_over_random")
    assert compared.value == 0.0
    assert compared.met is False


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_was_not_measured_is_neither_met_nor_missed(loop_plan, records, count):
    found = checks(loop_plan, records[:count])
    for name in ("gain", "forgetting", "ranked_over_random"):
        assert (named(found, name).value, named(found, name).met, named(found, name).missed_by) == (None, None, None)


def test_trainings_from_scratch_do_not_count_as_fine_tuning(loop_plan, records, record):
    slow = record("ranked", 4, 0.99, 4000, kind="scratch", seconds_training=1e5, old_dice=0.1)
    assert checks(loop_plan, (*records, slow)) == checks(loop_plan, records)


def test_a_summary_is_plain_data_and_knows_whether_all_is_done(loop_plan, records):
    done = json.loads(json.dumps(summary(loop_plan, records, (), {"cores": 2}), allow_nan=False))
    assert done["complete"] is True
    assert done["review_efficiency"] is None
    assert [row["cases"] for row in done["rounds"]] == [0, 1, 4, 1, 4]
    assert done["rounds"][2]["gain_points"]["mean"] == pytest.approx(1.5)
    assert not is_complete(loop_plan, records[:-1])
    assert not is_complete(replace(loop_plan, scratch_iterations=5), records)


curves = st.lists(st.tuples(st.integers(1, 50).map(float), st.floats(0, 100)), min_size=1, max_size=6).map(
    lambda points: [(0.0, 50.0), *sorted(points)]
)


@given(curves, st.lists(curves, min_size=1, max_size=3))
def test_the_mean_difference_is_the_integral_of_the_curves(one, others):
    mean, at_end, end = mean_difference(one, others)
    x = np.linspace(0, end, 20_001)

    def values(curve):
        last = dict(curve)
        return np.interp(x, sorted(last), [last[key] for key in sorted(last)])

    difference = values(one) - np.mean([values(curve) for curve in others], axis=0)
    assert end == min(curve[-1][0] for curve in (one, *others))
    assert mean == pytest.approx(difference.mean(), abs=0.05)
    assert at_end == pytest.approx(difference[-1], abs=1e-9)


def test_curves_without_a_common_range_have_no_difference():
    assert mean_difference([(0.0, 1.0)], [[(0.0, 1.0), (5.0, 2.0)]]) is None
    assert mean_difference([(0.0, 1.0), (5.0, 2.0)], []) is None
