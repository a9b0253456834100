"""Structures: values, names, colours and codes, from dataset.json and back."""

import json
from itertools import pairwise

import pytest

from dualssl.errors import DatasetError
from dualssl.labels import TISSUE, Label, LabelTable


@pytest.fixture
def cardiac_labels():
    return LabelTable.from_dataset_json({"background": 0, "myocardium": 2, "right ventricle": 1, "scar": 3})


def test_labels_are_in_order_of_value_and_background_has_no_entry(cardiac_labels):
    assert cardiac_labels.names == ("right ventricle", "myocardium", "scar")
    assert [label.value for label in cardiac_labels] == [1, 2, 3]
    assert len(cardiac_labels) == 3


def test_background_is_a_class_of_its_own(cardiac_labels):
    assert cardiac_labels.channels == 4


@pytest.mark.parametrize("name", ["left atrium", "Left Atrium", "LEFT_ATRIUM", "left-atrium"])
def test_a_known_name_has_its_snomed_code_however_it_is_spelled(name):
    assert (Label.named(name, 1).code.scheme, Label.named(name, 1).code.value) == ("SCT", "82471001")


def test_an_unknown_name_is_tissue():
    assert Label.named("scar", 1).code == TISSUE


def test_neighbouring_values_have_different_colours():
    table = LabelTable.from_dataset_json({f"part {n}": n for n in range(1, 20)})
    colours = [label.color for label in table]
    assert all(one != other for one, other in pairwise(colours))
    assert all(0 <= part <= 255 for colour in colours for part in colour)


def test_the_table_survives_json(cardiac_labels):
    assert LabelTable.from_json(json.loads(json.dumps(cardiac_labels.to_json()))) == cardiac_labels


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({"background": 0}, "no label beside background"),
        ({}, "no label beside background"),
        ({"a": 1, "b": 3}, "1, 2, 3"),
        ({"a": 2}, "1, 2, 3"),
        ({"a": 1, "b": 1}, "1, 2, 3"),
        ({"a": -1, "b": 1}, "1, 2, 3"),
        ({"a": "1"}, "'a'.*whole number"),
        ({"a": 1.0}, "'a'.*whole number"),
        ({"a": True}, "'a'.*whole number"),
        ({"whole heart": [1, 2]}, "'whole heart'.*whole number"),
    ],
)
def test_labels_that_cannot_be_channels_are_refused(labels, says):
    with pytest.raises(DatasetError, match=says):
        LabelTable.from_dataset_json(labels)
