"""What the reader did, over several cases."""

import pytest

from dualssl.errors import TrainingError
from dualssl.learning_loop.reader import RegionRepair
from dualssl.learning_loop.reviews import Review, read_reviews, review_efficiency


def repair(number, mean, a, b):
    return RegionRepair(id=number, voxels=50, brushed=80, errors=mean, repaired=mean, wrong_mean=mean, wrong_a=a, wrong_b=b)


LONG = Review(
    case="long",
    model="m",
    voxels_changed=30,
    errors_before=100,
    errors_after=70,
    mended=2,
    repairs=(repair(1, 20, 5, 30), repair(2, 10, 12, 10), repair(3, 40, 0, 0)),
    dice=(0.7, 0.75, 0.8, 0.9),
    errors_found=(0.0, 0.2, 0.3, 0.7),
)
SHORT = Review(
    case="short",
    model="m",
    voxels_changed=10,
    errors_before=10,
    errors_after=0,
    mended=1,
    repairs=(repair(1, 10, 8, 0),),
    dice=(0.9, 1.0),
    errors_found=(0.0, 1.0),
)


def test_a_shorter_list_stays_as_it_was_at_its_end():
    efficiency = review_efficiency((LONG, SHORT), 2)
    assert efficiency.dice == pytest.approx((0.8, 0.875, 0.9, 0.95))
    assert efficiency.errors_found == pytest.approx((0.0, 0.6, 0.65, 0.85))


def test_clicks_are_counted_in_mended_regions_only():
    efficiency = review_efficiency((LONG, SHORT), 2)
    assert efficiency.errors_in_regions == 40
    assert efficiency.click_a == pytest.approx((40 - 25) / 40)
    assert efficiency.click_b == pytest.approx((40 - 40) / 40)
    assert efficiency.click_best == pytest.approx((15 + 0 + 10) / 40)
    assert efficiency.best_choice == {"mean": 1, "a": 1, "b": 1}


def test_there_may_be_nothing_to_average():
    assert review_efficiency((), 2) is None
    without_regions = Review("x", "m", 0, 5, 5, 0, (), (0.9,), (0.0,))
    assert review_efficiency((without_regions,), 2).click_best is None


def test_reviews_come_back_and_one_of_the_same_prediction_counts_once(tmp_path):
    for order in ("ranked", "random"):
        (tmp_path / order / "reviews").mkdir(parents=True)
        LONG.write(tmp_path / order / "reviews" / "long.json")
    SHORT.write(tmp_path / "random" / "reviews" / "short.json")
    (tmp_path / "random" / "reviews" / ".0123abcd-short.json").write_text("{", encoding="utf-8")
    assert read_reviews(tmp_path, ("ranked", "random")) == (LONG, SHORT)
    assert read_reviews(tmp_path, ("ranked",)) == (LONG,)


def test_a_damaged_review_is_named(tmp_path):
    path = tmp_path / "case.json"
    path.write_text('{"case": "case"}', encoding="utf-8")
    with pytest.raises(TrainingError, match=r"case\.json is damaged"):
        Review.read(path)
