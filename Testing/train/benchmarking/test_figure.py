"""A figure knows whether it meets its target and becomes plain data."""

from __future__ import annotations

import json
import math

import pytest

from dualssl.benchmarking.figure import Figure, Target


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target("at most", 1.2), 1.2, True),
        (Target("at most", 1.2), 1.21, False),
        (Target("at least", 10.0), 10.0, True),
        (Target("at least", 10.0), 9.9, False),
        (Target("at most", 1.2), math.nan, False),
        (Target("at least", 10.0), math.nan, False),
    ],
)
def test_a_limit_belongs_to_what_it_allows_and_no_number_meets_none(target, value, met):
    assert target.met_by(value) is met


def test_a_figure_without_target_is_neither_met_nor_missed():
    assert Figure("a", "b", 1.0, "x").met is None


def test_the_record_of_a_figure_holds_target_value_verdict_and_raw_samples():
    figure = Figure("a", "what", 1.3, "x", Target("at most", 1.2), {"step_s": [0.12345678, 2.0]}, {"width": 8})
    data = json.loads(json.dumps(figure.to_json()))
    assert data == {
        "name": "a",
        "description": "what",
        "value": 1.3,
        "unit": "x",
        "target": {"relation": "at most", "limit": 1.2},
        "met": False,
        "samples": {"step_s": [0.123457, 2.0]},
        "details": {"width": 8},
    }
