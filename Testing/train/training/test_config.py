"""Settings of a run: what cannot be trained is refused, and differences from a stored run are named."""

import json

import pytest

from dualssl.errors import TrainingError


@pytest.mark.parametrize("patch", [(16, 16, 32), (32, 16, 16), (80, 112, 112)])
def test_patches_of_multiples_of_16_are_taken(settings_of, patch):
    assert settings_of(patch=patch).patch == patch


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"patch": (16, 20, 32)}, "Patches of 16,20,32 voxels .* multiple of 16, for instance 16,16,32"),
        ({"patch": (1, 32, 32)}, "for instance 16,32,32"),
        ({"patch": (0, 32, 32)}, "positive multiple"),
        ({"patch": (-16, 32, 32)}, "positive multiple"),
        ({"patch": (16, 16, 16)}, "A patch of 16,16,16 voxels leaves a single voxel .* 32 or more"),
        ({"batch": 3}, "batch size 3 .* even number"),
        ({"batch": 0}, "batch size 0"),
        ({"batch": -2}, "batch size -2"),
        ({"iterations": 0}, "0 iterations"),
        ({"iterations": -5}, "-5 iterations"),
        ({"width": 0}, "A width of 0"),
        ({"labelled": ()}, "No case is labelled"),
        ({"validation": ("sphere_1", "x")}, "'sphere_1' is in both the labelled and the validation list"),
        ({"unlabelled": ("sphere_1", "x")}, "'sphere_1' is in both the labelled and the unlabelled list"),
        ({"validation": ("sphere_3",)}, "'sphere_3' is in both the unlabelled and the validation list"),
    ],
)
def test_settings_that_cannot_be_trained_are_refused(settings_of, changes, says):
    with pytest.raises(TrainingError, match=says):
        settings_of(**changes)


def test_equal_settings_survive_json(settings_of):
    config = settings_of()
    assert config.differences(json.loads(json.dumps(config.to_json()))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"iterations": 4},
        {"preset": "paper"},
        {"without": ("ema",)},
        {"patch": (32, 16, 16)},
        {"labelled": ("sphere_1", "sphere_0")},
        {"spacing": (1.0, 1.0, 1.5)},
    ],
)
def test_a_changed_setting_is_named(settings_of, change):
    stored = json.loads(json.dumps(settings_of().to_json()))
    assert settings_of(**change).differences(stored) == list(change)
