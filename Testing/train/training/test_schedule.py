"""Learning rates and optimisers."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from dualssl.presets.base import Optimiser, Schedule
from dualssl.training.schedule import build_optimiser, learning_rate

SGD = Optimiser(learning_rate=0.1)


def test_poly_starts_at_the_full_rate_and_falls_to_almost_nothing():
    poly = Schedule("poly", power=0.9)
    rates = [learning_rate(SGD, poly, n, 100) for n in range(100)]
    assert rates[0] == 0.1
    assert rates[50] == pytest.approx(0.1 * 0.5**0.9)
    assert rates[99] == pytest.approx(0.1 * 0.01**0.9)
    assert all(one > later for one, later in pairwise(rates))


def test_step_falls_by_gamma_every_so_many_iterations():
    step = Schedule("step", every=10, gamma=0.5)
    assert [learning_rate(SGD, step, n, 100) for n in (0, 9, 10, 19, 20)] == [0.1, 0.1, 0.05, 0.05, 0.025]


@pytest.mark.parametrize(("kind", "expected"), [("sgd", torch.optim.SGD), ("adam", torch.optim.AdamW)])
def test_the_optimiser_is_the_one_that_was_named(kind, expected):
    optimiser = build_optimiser(Optimiser(kind, 0.02, 0.8, 0.3), [nn.Parameter(torch.zeros(2))])
    group = optimiser.param_groups[0]
    assert isinstance(optimiser, expected)
    assert (group["lr"], group["weight_decay"], group.get("momentum", 0.8)) == (0.02, 0.3, 0.8)
