"""Rank correlation of case scores with Dice."""

import pytest

from dualssl.metrics import spearman


def test_scores_that_rise_as_dice_falls_correlate_fully_however_curved():
    assert spearman([0.1, 0.2, 5.0, 90.0], [0.95, 0.9, 0.89, 0.2]) == pytest.approx(-1.0)


def test_ties_share_their_mean_rank():
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
    assert spearman([1, 2, 2, 3], [0.1, 0.2, 0.3, 0.4]) == pytest.approx(4.5 / (4.5 * 5.0) ** 0.5)


@pytest.mark.parametrize(
    ("scores", "dices"), [([], []), ([1, 2], [0.1, 0.2]), ([1, 1, 1], [0.1, 0.2, 0.3]), ([1, 2, 3], [0.5, 0.5, 0.5])]
)
def test_too_few_cases_or_cases_all_alike_give_none(scores, dices):
    assert spearman(scores, dices) is None


@pytest.mark.parametrize(("scores", "dices"), [([1, 2, 3], [0.1, 0.2]), ([1, 2, float("nan")], [0.1, 0.2, 0.3])])
def test_lists_that_do_not_fit_are_refused(scores, dices):
    with pytest.raises(ValueError):
        spearman(scores, dices)
