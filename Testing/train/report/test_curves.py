from dataclasses import replace

import numpy as np
import pytest

from dualssl.report.curves import dice_figure, learning_figure, points_of, reliability_figure, review_figure


def test_learning_curves_show_every_runs_validation_dice_in_percent(two_runs_on_three_phantoms):
    runs = two_runs_on_three_phantoms.runs
    dice, loss = learning_figure(runs).axes
    for line, run in zip(dice.lines, runs, strict=True):
        wanted = [(r["iteration"], 100 * r["dice"]) for r in run.records if r["kind"] == "validation"]
        np.testing.assert_allclose(line.get_xydata(), wanted)
    assert len(loss.lines) == 2
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in dice.lines}
    assert len({look[0] for look in looks}) == len({look[1] for look in looks}) == len({look[2] for look in looks}) == 2


def test_a_long_record_of_losses_is_thinned_to_means(two_runs_on_three_phantoms):
    records = [{"iteration": n, "kind": "train", "loss": float(n % 2)} for n in range(1, 601)]
    line = learning_figure([replace(two_runs_on_three_phantoms.runs[0], records=records)]).axes[1].lines[0]
    assert len(line.get_xdata()) == 60
    np.testing.assert_allclose(line.get_ydata(), 0.5)


def test_only_finite_numbers_count_as_points():
    records = [{"iteration": n, "kind": "train", "loss": v} for n, v in enumerate((1.0, float("nan"), float("inf"), None, 2))]
    assert points_of(records, "train", "loss") == [(0, 1.0), (4, 2.0)]


def test_every_case_has_a_dot_at_its_dice(two_runs_on_three_phantoms):
    runs = two_runs_on_three_phantoms.runs
    panel = dice_figure(runs).axes[0]
    dots = [line for line in panel.lines if line.get_marker() not in ("None", "")]
    for number, (line, run) in enumerate(zip(dots, runs, strict=True)):
        np.testing.assert_allclose(line.get_ydata(), [100 * c.scores["mean"].mean.dice for c in run.evaluation.cases])
        assert np.all(np.abs(line.get_xdata() - number) < 0.3)
    assert [t.get_text() for t in panel.get_xticklabels()] == ["supervised", "strong"]


def test_review_curves_end_at_the_truth_and_the_oracle_leads(two_runs_on_three_phantoms):
    uncertainty = two_runs_on_three_phantoms.runs[0].evaluation.uncertainty()
    for panel in review_figure(uncertainty).axes:
        best, entropy, kl, none = (line.get_ydata() for line in panel.lines)
        assert np.all(best >= entropy - 1e-9)
        assert entropy[10] > none[10]
        assert not np.array_equal(entropy, kl)
        np.testing.assert_allclose([entropy[-1], none[-1]], 100, atol=2)


def test_the_reliability_diagram_shows_filled_bins_only():
    data = {
        "ece": 0.1,
        "edges": [0.0, 0.5, 0.75, 1.0],
        "voxels": [0, 10, 30],
        "accuracy": [None, 0.5, 0.9],
        "confidence": [None, 0.6, 0.95],
    }
    panel, below = reliability_figure(data).axes
    np.testing.assert_allclose(panel.lines[1].get_xydata(), [(60, 50), (95, 90)])
    assert [bar.get_height() for bar in below.patches] == pytest.approx([0, 25, 75])
    assert [bar.get_x() for bar in below.patches] == pytest.approx([0, 50, 75])
