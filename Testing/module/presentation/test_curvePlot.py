"""Curves of a training as a plot: every point lies where the ticks say that its value is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualssl.worker.protocol import Progress
from DualSSLSegmentationLib.jobs.fineTuning import Curves
from DualSSLSegmentationLib.presentation.curvePlot import curvePlot


def told(*points, stage="Training"):
    curves = Curves()
    for step, loss, dice in points:
        curves.add(Progress(1, stage, step, 100, loss=loss, dice=dice))
    return curves


def values(axis, places):
    """Values that places stand for, read from the axis's ticks."""
    return np.interp(places, [tick.place for tick in axis.ticks], [float(tick.text) for tick in axis.ticks])


def test_before_anything_was_told_there_is_no_plot():
    assert curvePlot(Curves()) is None


def test_loss_is_a_line_and_dice_are_dots_each_on_its_own_scale():
    plot = curvePlot(told((10, 1.6, None), (20, 0.8, 0.70), (40, 0.4, 0.90)))
    x, y = np.transpose(plot.line)
    np.testing.assert_allclose(values(plot.step, x), [10, 20, 40])
    np.testing.assert_allclose(values(plot.loss, y), [1.6, 0.8, 0.4])
    x, y = np.transpose(plot.dots)
    np.testing.assert_allclose(values(plot.step, x), [20, 40])
    np.testing.assert_allclose(values(plot.dice, y), [70, 90])
    assert plot.summary == "step 40: loss 0.4, Dice 90.0 %"


def test_the_newest_training_is_shown():
    curves = told((10, 1.0, None), stage="First")
    curves.add(Progress(1, "Second", 5, 10, loss=0.5))
    assert curvePlot(curves).stage == "Second"
    curves.stage = "Comparing"
    assert curvePlot(curves).stage == "Second"


def test_without_validation_there_are_no_dots():
    plot = curvePlot(told((10, 1.0, None)))
    assert plot.dots == ()
    assert plot.summary == "step 10: loss 1"


@pytest.mark.parametrize("loss", [0.0, 1e-9, 5.0, 12345.0])
def test_any_loss_has_a_scale(loss):
    plot = curvePlot(told((1, loss, None)))
    assert 2 <= len(plot.loss.ticks) <= 7
    assert float(plot.loss.ticks[-1].text) >= loss


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1)), min_size=1, max_size=30),
    st.integers(1, 10_000),
)
def test_everything_lies_inside_and_ticks_are_few_and_rising(points, pace):
    plot = curvePlot(told(*((pace * (n + 1), loss, dice) for n, (loss, dice) in enumerate(points))))
    for x, y in (*plot.line, *plot.dots):
        assert -1e-9 <= x <= 1 + 1e-9
        assert -1e-9 <= y <= 1 + 1e-9
    for axis in (plot.step, plot.loss, plot.dice):
        places = [tick.place for tick in axis.ticks]
        assert (places[0], places[-1]) == (0.0, 1.0)
        assert places == sorted(places)
        assert len(axis.ticks) <= 7
        assert len({tick.text for tick in axis.ticks}) == len(axis.ticks)
    assert float(plot.dice.ticks[-1].text) <= 100
