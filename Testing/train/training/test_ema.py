"""The EMA teacher against its formula."""

import numpy as np
import pytest
import torch

from dualssl.model.manifest import NetworkSpec
from dualssl.networks.pair import DualNetwork
from dualssl.training.ema import EmaTeacher


@pytest.fixture
def student():
    torch.manual_seed(0)
    return DualNetwork(NetworkSpec(width=2))


def moved(student, seed):
    """Other weights and statistics, as a training step leaves them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in student.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator))
            else:
                value += 1


def test_a_teacher_starts_as_its_student(student):
    teacher = EmaTeacher(student, 0.99)
    for name, value in teacher.networks.state_dict().items():
        assert torch.equal(value, student.state_dict()[name])


def test_weights_and_statistics_follow_the_formula(student):
    teacher = EmaTeacher(student, decay=0.7)
    expected = {name: value.numpy().astype(float).copy() for name, value in teacher.networks.state_dict().items()}
    for update in range(6):
        moved(student, update)
        teacher.update(student)
        # Early on the plain mean of what was seen: 0, 1/2, 2/3, then the decay itself.
        decay = min(0.7, 1 - 1 / (update + 1))
        for name, value in student.state_dict().items():
            expected[name] = decay * expected[name] + (1 - decay) * value.numpy()
    for name, value in teacher.networks.state_dict().items():
        if value.is_floating_point():
            np.testing.assert_allclose(value.numpy(), expected[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_counters_of_batches_are_copied(student):
    teacher = EmaTeacher(student, 0.99)
    for update in range(3):
        moved(student, update)
        teacher.update(student)
    counters = [n for n in student.state_dict() if n.endswith("num_batches_tracked")]
    assert counters
    assert all(int(teacher.networks.state_dict()[name]) == 3 for name in counters)


def test_a_teacher_has_no_gradient_and_no_dropout(student):
    teacher = EmaTeacher(student, 0.99)
    assert not teacher.networks.training
    assert not any(p.requires_grad for p in teacher.networks.parameters())
    images = torch.rand(1, 1, 16, 16, 32)
    one, again = teacher.probabilities(images), teacher.probabilities(images)
    assert torch.equal(one, again)
    assert not one.requires_grad


def test_its_probabilities_are_the_mean_of_both_networks(student):
    teacher = EmaTeacher(student, 0.99)
    images = torch.rand(2, 1, 16, 16, 32)
    with torch.no_grad():
        (a, _), (b, _) = teacher.networks(images)
    torch.testing.assert_close(teacher.probabilities(images), (a.softmax(1) + b.softmax(1)) / 2)


def test_a_step_of_the_teacher_leaves_the_student_alone(student):
    teacher = EmaTeacher(student, 0.5)
    moved(student, 1)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    teacher.update(student)
    teacher.update(student)
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())


def test_the_teacher_of_a_trained_student_keeps_to_it_from_the_first_step(student):
    teacher = EmaTeacher(student, 0.9, trained=True)
    name = next(iter(student.state_dict()))
    before = teacher.networks.state_dict()[name].clone()
    moved(student, 1)
    teacher.update(student)
    expected = 0.9 * before + 0.1 * student.state_dict()[name]
    torch.testing.assert_close(teacher.networks.state_dict()[name], expected)
