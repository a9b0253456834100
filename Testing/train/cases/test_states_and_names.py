"""Which states a case can have, and what a case can be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualssl.cases.names import check_case_name, nearest_names
from dualssl.cases.states import CaseState, check_transition, resting_state, settled_state
from dualssl.errors import LibraryError

DATA = [(False, False), (True, False), (False, True), (True, True)]


@pytest.mark.parametrize(
    ("data", "state"),
    zip(DATA, [CaseState.waiting, CaseState.predicted, CaseState.corrected, CaseState.corrected], strict=True),
)
def test_a_case_rests_where_its_data_put_it(data, state):
    assert resting_state(*data) is state


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("state", CaseState)
def test_a_person_can_take_a_case_into_review_out_of_use_and_back(data, state):
    if state in (resting_state(*data), CaseState.in_review, CaseState.excluded):
        check_transition("a", state, *data)
    else:
        with pytest.raises(
            LibraryError, match=f"cannot be set to '{state.value}'.*choose one of '{resting_state(*data).value}'"
        ):
            check_transition("a", state, *data)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("state", CaseState)
def test_new_data_end_no_review_and_no_exclusion(data, state):
    kept = state in (CaseState.in_review, CaseState.excluded)
    assert settled_state(state, *data) is (state if kept else resting_state(*data))


@pytest.mark.parametrize("name", ["a", "Case 7", "x_0000", "1.2.840.113", "a-b", "_", "console", "com10", "a" * 100])
def test_names_that_every_system_can_store_are_taken(name):
    check_case_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-option", " a", "a ", "a.", "a/b", "a\\b", "a:b", "a*", "é", "a\n", "a\0", 'a"', "a|b", "a?"],
)
def test_names_that_some_system_refuses_are_refused(name):
    with pytest.raises(LibraryError, match="cannot name a case: begin with"):
        check_case_name(name)


@pytest.mark.parametrize("name", ["con", "NUL", "Aux.1", "com1.nrrd", "lpt9", "prn .x"])
def test_names_that_windows_keeps_for_devices_are_refused(name):
    with pytest.raises(LibraryError, match="Windows keeps it for a device"):
        check_case_name(name)


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(LibraryError, match="has 101 signs"):
        check_case_name("a" * 101)


@given(st.text(max_size=110))
def test_an_accepted_name_is_one_plain_part_of_a_path(tmp_path_factory, name):
    try:
        check_case_name(name)
    except LibraryError:
        return
    assert name.isascii()
    assert name == name.strip(" .") or name.startswith("_")
    assert not set(name) & set('/\\:*?"<>|\0\n')


def test_the_nearest_names_come_first():
    assert nearest_names("patient_01", ["patient_10", "patient_01b", "x"])[0] == "patient_01b"
    assert nearest_names("zzz", ["patient"]) == ()
