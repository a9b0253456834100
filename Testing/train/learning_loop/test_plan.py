"""What can be asked of a loop, and what is refused before anything is computed."""

import json
from dataclasses import replace

import pytest

from dualssl.errors import TrainingError
from dualssl.finetune.plan import FineTuneSettings
from dualssl.learning_loop.plan import LoopPlan, Order


def test_a_plan_comes_back_from_its_json(plan):
    changed = replace(plan, repredict=True, scratch_iterations=7, orders=("random", "random-2"))
    assert LoopPlan.from_json(json.loads(json.dumps(changed.to_json()))) == changed


def test_what_differs_from_a_stored_plan_is_named(plan):
    stored = json.loads(json.dumps(plan.to_json()))
    assert plan.differences(stored) == []
    other = replace(plan, rounds=(1,), settings=FineTuneSettings(iterations=9))
    assert other.differences(stored) == ["rounds", "settings"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"pool": ()}, "--pool"),
        ({"validation": ()}, "--validation"),
        ({"old": ()}, "--old"),
        ({"validation": ("pool_1",)}, "pool_1.*--pool and --validation"),
        ({"old": ("seen_0",)}, "seen_0.*--validation and --old"),
        ({"rounds": ()}, "--rounds"),
        ({"rounds": (0, 1)}, "--rounds 0,1"),
        ({"rounds": (2, 2)}, "--rounds 2,2"),
        ({"rounds": (1, 5)}, "--pool has 4"),
        ({"orders": ()}, "--orders"),
        ({"orders": ("random", "random")}, "--orders"),
        ({"orders": ("alphabetical",)}, "alphabetical"),
        ({"orders": ("random-1",)}, "random-1"),
        ({"scratch_iterations": -1}, "--scratch-iterations"),
    ],
)
def test_plans_that_cannot_be_followed_are_refused(plan, changes, named):
    with pytest.raises(TrainingError, match=named):
        replace(plan, **changes)


def test_a_reader_who_mends_nothing_is_refused(plan):
    with pytest.raises(TrainingError, match="--regions 0"):
        replace(plan, reader=replace(plan.reader, regions=0))


def test_every_random_order_has_a_seed_of_its_own():
    assert [Order.named(name, 5).seed for name in ("random", "random-2", "random-10")] == [5, 6, 14]
    assert Order.named("random-2", 5).random
    assert not Order.named("ranked", 5).random
