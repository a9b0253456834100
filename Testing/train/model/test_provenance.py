"""What a provenance says, also one of another program."""

import pytest

from dualssl.model.provenance import beginning, case_names, labelled_cases

OWN = {"dataset": "Hearts", "labelled": ["a", 7]}
CHILD = {"dataset": "library", "labelled": ["x"], "parent_provenance": OWN}


def test_labelled_cases_are_named_as_far_as_they_are_known():
    assert labelled_cases(OWN) == labelled_cases(OWN, "Hearts") == ("a", "7")
    assert labelled_cases(OWN, "Livers") == ()


@pytest.mark.parametrize("named", [None, "abc", 3, {"a": 1}])
def test_what_is_no_list_names_no_case(named):
    assert case_names(named) == labelled_cases({"labelled": named}) == ()


def test_a_line_begins_with_what_fine_tuning_kept_of_its_first_model():
    assert beginning(CHILD) is OWN
    assert beginning(OWN) is OWN
    assert beginning({**OWN, "parent_provenance": "gone"})["dataset"] == "Hearts"
