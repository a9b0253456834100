"""The plot as SVG: figures where they belong, told apart without colours, and nothing that a name could smuggle in."""

from xml.etree import ElementTree

import pytest

from dualssl.worker.protocol import Progress
from dualssl_web.panels.curves import BOTTOM, LEFT, RIGHT, TOP, curves_svg
from DualSSLSegmentationLib.jobs.fineTuning import Curves
from DualSSLSegmentationLib.presentation.curvePlot import curvePlot


def drawn(*points, stage="Training"):
    curves = Curves()
    for step, loss, dice in points:
        curves.add(Progress(1, stage, step, 100, loss=loss, dice=dice))
    return ElementTree.fromstring(curves_svg(curvePlot(curves)))


def points_of(svg):
    return [tuple(map(float, pair.split(","))) for pair in svg.find("polyline").get("points").split()]


def test_without_figures_nothing_is_drawn():
    assert curves_svg(None) == ""


def test_a_falling_loss_falls_and_its_highest_value_is_at_the_top():
    (x0, y0), (x1, y1) = points_of(drawn((50, 0.6, None), (100, 0.0, None)))
    assert (x0, y0) == pytest.approx(((LEFT + RIGHT) / 2, TOP))
    assert (x1, y1) == pytest.approx((RIGHT, BOTTOM))


def test_dice_are_squares_beside_the_line():
    svg = drawn((10, 1.0, 0.5), (20, 0.5, 0.9))
    squares = [rect for rect in svg.findall("rect") if rect.get("width") == rect.get("height")]
    assert len(squares) == 2
    assert float(squares[1].get("y")) < float(squares[0].get("y"))
    texts = [text.text for text in svg.findall("text")]
    assert {"Step", "— Loss", "■ Validation Dice (%)"} <= set(texts)


def test_before_the_first_validation_there_is_no_scale_of_dice():
    assert not any("Dice" in text.text for text in drawn((10, 1.0, None)).findall("text"))


def test_who_cannot_see_it_is_told_the_figures():
    svg = drawn((10, 1.0, 0.5))
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "Training, step 10: loss 1, Dice 50.0 %"


def test_a_stage_is_text_and_nothing_else():
    svg = drawn((10, 1.0, None), stage='"><script>alert(1)</script>')
    assert svg.find("title").text == '"><script>alert(1)</script>'
    assert svg.find(".//script") is None
