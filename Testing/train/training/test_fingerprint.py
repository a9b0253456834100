"""What is drawn from the labelled cases: spacing, normalisation, one-piece structures, and the default patch."""

import numpy as np
import pytest

from dualssl.errors import DatasetError
from dualssl.geometry import Geometry
from dualssl.training.fingerprint import PATCH_VOXELS, default_patch, take_fingerprint
from dualssl.volumes.volume import Volume


@pytest.fixture
def dataset_with(write_dataset, tmp_path):
    """A dataset of cases {name: (image, label map, spacing)} of one channel."""

    def make(cases, channel="MRI", labels=("blob",)):
        volumes = {
            name: ([Volume(image.astype(np.float32), grid)], Volume(label.astype(np.uint8), grid))
            for name, (image, label, spacing) in cases.items()
            for grid in [Geometry(image.shape, spacing)]
        }
        return write_dataset(tmp_path, volumes, labels, channels=(channel,))

    return make


def block(shape=(8, 10, 12), *corners):
    label = np.zeros(shape)
    for k, j, i in corners or [(2, 2, 2)]:
        label[k : k + 3, j : j + 3, i : i + 3] = 1
    return label


def noise(shape=(8, 10, 12)):
    return np.random.default_rng(0).normal(0, 100, shape)


def test_spacing_is_the_median_and_the_shape_that_of_a_median_case(dataset_with):
    spacings = [(1.0, 1.0, 1.0), (2.0, 1.0, 0.5), (3.0, 1.0, 2.0)]
    found = take_fingerprint(dataset_with({f"c{n}": (noise(), block(), s) for n, s in enumerate(spacings)}), ("c0", "c1", "c2"))
    assert found.preprocessing.spacing == (2.0, 1.0, 1.0)
    assert found.median_shape == (8, 10, 12)


def test_a_coarser_grid_has_fewer_voxels(dataset_with):
    found = take_fingerprint(dataset_with({"a": (noise(), block(), (1.0, 1.0, 1.0))}), ("a",)).at_spacing((2.0, 2.0, 3.0))
    assert found.preprocessing.spacing == (2.0, 2.0, 3.0)
    assert found.median_shape == (4, 5, 4)


def test_only_the_cases_of_the_list_are_opened(dataset_with):
    dataset = dataset_with({"a": (noise(), block(), (1.0, 1.0, 1.0)), "b": (noise(), block(), (9.0, 9.0, 9.0))})
    dataset.label_path("b").unlink()
    assert take_fingerprint(dataset, ("a",)).preprocessing.spacing == (1.0, 1.0, 1.0)


def test_mr_is_normalised_by_its_own_mean_and_deviation(dataset_with):
    dataset = dataset_with({"a": (noise(), block(), (1.0, 1.0, 1.0))}, channel="T1")
    assert [n.kind for n in take_fingerprint(dataset, ("a",)).preprocessing.normalisation] == ["zscore"]


def test_ct_gets_the_window_of_its_structures(dataset_with):
    label = np.zeros((20, 20, 20))
    label[5:15, 5:15, 5:15] = 1
    image = np.where(label > 0, np.linspace(40, 60, 8000).reshape(label.shape), -1000.0)
    (window,) = take_fingerprint(
        dataset_with({"a": (image, label, (1.0, 1.0, 1.0))}, channel="CT"), ("a",)
    ).preprocessing.normalisation
    assert window.kind == "window"
    assert 44 < window.low < 46
    assert 54 < window.high < 56


def test_a_structure_of_one_piece_everywhere_keeps_its_largest_component(dataset_with):
    two = np.where(block((8, 10, 12), (0, 0, 0), (0, 6, 6)) > 0, 2, 0) + block((8, 10, 12), (5, 2, 2))
    one = np.where(block((8, 10, 12), (0, 0, 0)) > 0, 2, 0) + block((8, 10, 12), (5, 2, 2))
    cases = {"a": (noise(), one, (1.0, 1.0, 1.0)), "b": (noise(), two, (1.0, 1.0, 1.0))}
    dataset = dataset_with(cases, labels=("blob", "vessels"))
    assert take_fingerprint(dataset, ("a", "b")).postprocessing.largest_component == (1,)
    assert take_fingerprint(dataset, ("a",)).postprocessing.largest_component == (1, 2)


def test_label_maps_without_a_structure_are_an_error(dataset_with):
    dataset = dataset_with({"a": (noise(), np.zeros((8, 10, 12)), (1.0, 1.0, 1.0))})
    with pytest.raises(DatasetError, match="No labelled case has a labelled voxel"):
        take_fingerprint(dataset, ("a",))


@pytest.mark.parametrize("shape", [(80, 120, 120), (5, 5, 5), (16, 16, 16), (300, 512, 512), (10, 216, 256), (1, 1, 2000)])
def test_a_default_patch_can_be_trained_on(shape, settings_of):
    patch = default_patch(shape)
    assert np.prod(patch) <= PATCH_VOXELS
    settings_of(patch=patch)


def test_a_small_case_is_one_patch():
    assert default_patch((30, 40, 70)) == (32, 48, 80)


def test_a_nearly_square_patch_is_made_square_so_that_it_can_be_turned():
    assert default_patch((30, 40, 50)) == (32, 48, 48)
    assert default_patch((10, 256, 240)) == (16, 240, 240)
