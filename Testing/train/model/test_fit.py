"""Whether a model is for the structures and channels of some cases."""

from dataclasses import replace

import pytest

from dualssl.dataset import Dataset
from dualssl.errors import DatasetError, TrainingError
from dualssl.labels import Label, LabelTable
from dualssl.model.fit import check_fit, misfit


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
