"""Whether a model is for the structures and channels of some cases."""

from dataclasses import replace

import pytest

from dualssl.dataset import Dataset
from dualssl.errors import DatasetError, TrainingError
from dualssl.geometry import Geometry
from dualssl.labels import Label, LabelTable
from dualssl.model.fit import AS_LARGE, check_fit, misfit, reaches_beyond, size_advice


def structures(*names):
    return LabelTable(tuple(Label.named(name, value) for value, name in enumerate(names, start=1)))


@pytest.fixture
def manifest(two_channel_ct_manifest):
    return two_channel_ct_manifest


@pytest.fixture
def cases(manifest, tmp_path):
    """A dataset of what the model is for."""
    return Dataset(tmp_path, "Bellies", manifest.labels, manifest.channel_names, ".nrrd")


def test_a_model_fits_cases_with_its_structures_and_channels(manifest, cases):
    assert misfit(manifest, cases.labels, cases.channel_names) is None
    check_fit(manifest, cases, DatasetError, "use others")


@pytest.mark.parametrize("names", [("liver", "spleen"), ("spleen", "liver", "something"), ("liver", "spleen", "kidney")])
def test_other_structures_or_another_order_do_not_fit(manifest, cases, names):
    other = replace(cases, labels=structures(*names))
    found = misfit(manifest, other.labels, other.channel_names)
    assert (found.what, found.of_model, found.of_cases) == ("structures", "liver, spleen, something", ", ".join(names))
    with pytest.raises(TrainingError, match=r"^The library 'Bellies' has the structures .*, the model has .*: use others\.$"):
        check_fit(manifest, other, TrainingError, "use others", what="The library")


def test_channels_fit_by_number_or_where_asked_by_name(manifest, cases):
    renamed = replace(cases, channel_names=("CT", "SPECT"))
    check_fit(manifest, renamed, DatasetError, "use others")
    with pytest.raises(DatasetError, match=r"Dataset 'Bellies' has the channels CT, SPECT, the model takes CT, PET"):
        check_fit(manifest, renamed, DatasetError, "use others", channels_by_name=True)
    with pytest.raises(DatasetError, match=r"has the channels CT, the model takes CT, PET"):
        check_fit(manifest, replace(cases, channel_names=("CT",)), DatasetError, "use others")


HEAD_FIRST_CROPS = (60.0, 100.0, 120.0)
"""Foot to head, front to back, right to left."""


@pytest.mark.parametrize("length", [(60, 100, 120), (75, 125, 150), (1, 1, 1)])
def test_an_image_about_as_large_as_those_learned_from_is_of_their_kind(length):
    assert AS_LARGE == 1.25
    grid = Geometry(length)
    assert not reaches_beyond(HEAD_FIRST_CROPS, grid)
    assert size_advice(HEAD_FIRST_CROPS, grid) == ""


@pytest.mark.parametrize("length", [(76, 100, 120), (60, 126, 120), (60, 100, 151)])
def test_an_image_longer_along_any_axis_is_not(length):
    assert reaches_beyond(HEAD_FIRST_CROPS, Geometry(length))


def test_it_is_the_patients_axes_that_are_compared_not_the_arrays():
    # A sagittal scan: slices follow one another from right to left.
    along_k_to_the_left = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0))
    assert not reaches_beyond(HEAD_FIRST_CROPS, Geometry((120, 60, 100), direction=along_k_to_the_left))
    assert reaches_beyond(HEAD_FIRST_CROPS, Geometry((60, 100, 120), direction=along_k_to_the_left))


def test_the_advice_tells_both_sizes_and_what_to_do():
    text = size_advice(HEAD_FIRST_CROPS, Geometry((50, 200, 300), spacing=(2.0, 1.0, 1.0)), "region")
    assert "This region measures 300 x 200 x 100 mm" in text
    assert "at most 120 x 100 x 60 mm" in text
    assert "choose a region of about that size" in text


def test_of_a_model_that_does_not_tell_nothing_is_too_large():
    assert not reaches_beyond(None, Geometry((5000, 5000, 5000)))
    assert size_advice(None, Geometry((5000, 5000, 5000))) == ""
