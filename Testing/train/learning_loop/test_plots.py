"""The plots: what they show is what the records say, and they are pictures of a usable size."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dualssl.learning_loop.plots import cases_figure, review_figure, voxels_figure
from dualssl.learning_loop.reviews import ReviewEfficiency
from dualssl.report.figures import MAX_BYTES, png_bytes


@pytest.fixture
def long_plan(plan):
    return replace(plan, pool=tuple(f"pool_{n}" for n in range(10)), rounds=(1, 2, 4, 8), orders=("ranked", "random"))


@pytest.fixture
def records(record, frozen):
    """A loop of which everything was measured."""
    made = [replace(frozen, dice=0.871, old_dice=0.93)]
    for order, step, voxels in (("ranked", 0.006, 2600), ("random", 0.004, 1500)):
        for cases in (1, 2, 4, 8):
            gain = step * np.sqrt(cases) * 1.6
            made.append(record(order, cases, 0.871 + gain, voxels * cases, old_dice=0.93 - 0.0005 * cases))
            made.append(record(order, cases, 0.85 + 0.7 * gain, voxels * cases, kind="scratch", old_dice=0.9))
    return tuple(made)


@pytest.fixture
def efficiency():
    regions = np.arange(21)
    return ReviewEfficiency(
        cases=12,
        mended=5,
        dice=tuple(0.86 + 0.06 * (1 - np.exp(-regions / 6))),
        errors_found=tuple(0.62 * (1 - np.exp(-regions / 6))),
        errors_in_regions=12000,
        click_a=0.121,
        click_b=-0.034,
        click_best=0.347,
        best_choice={"mean": 20, "a": 25, "b": 15},
    )


def lines_of(panel):
    return {line.get_label(): [np.asarray(values).tolist() for values in line.get_data()] for line in panel.lines}


def test_every_order_begins_at_the_frozen_model(long_plan, records):
    validation, old = cases_figure(long_plan, records).axes
    shown = lines_of(validation)
    assert shown["fine-tuned, ranked order"][0] == [0, 1, 2, 4, 8]
    assert shown["fine-tuned, ranked order"][1][0] == pytest.approx(87.1)
    assert shown["from scratch, random order"][0] == [1, 2, 4, 8]
    assert lines_of(old)["fine-tuned, random order"][1] == pytest.approx([93.0, 92.95, 92.9, 92.8, 92.6])


def test_voxels_are_shown_in_thousands(long_plan, records):
    (panel,) = voxels_figure(long_plan, records).axes
    assert lines_of(panel)["fine-tuned, ranked order"][0] == pytest.approx([0, 2.6, 5.2, 10.4, 20.8])


def test_the_review_figure_shows_curves_and_clicks(efficiency):
    dice, found, clicks = review_figure(efficiency).axes
    for panel, values in ((dice, efficiency.dice), (found, efficiency.errors_found)):
        shown = [line.get_ydata() for line in panel.lines if len(line.get_ydata()) == 21]
        assert shown[0] == pytest.approx([100 * value for value in values])
    assert [bar.get_height() for bar in clicks.patches] == pytest.approx([12.1, -3.4, 34.7])


def test_a_loop_that_has_just_begun_can_be_drawn(long_plan, frozen, efficiency):
    nothing = replace(efficiency, dice=(0.9,), errors_found=(0.0,), click_a=None, click_b=None, click_best=None)
    for figure in (
        cases_figure(long_plan, ()),
        cases_figure(long_plan, (frozen,)),
        voxels_figure(long_plan, (frozen,)),
        review_figure(nothing),
    ):
        assert png_bytes(figure)


def test_plots_are_pictures_of_a_usable_size(long_plan, records, efficiency):
    for figure in (cases_figure(long_plan, records), voxels_figure(long_plan, records), review_figure(efficiency)):
        data = png_bytes(figure)
        assert len(data) <= MAX_BYTES
        picture = Image.open(BytesIO(data))
        assert picture.width >= 600
        assert len(picture.getcolors(1 << 24)) > 50
