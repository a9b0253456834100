"""Where a case stands, and which states a person may give it."""

from __future__ import annotations

from enum import Enum

from dualssl.errors import LibraryError


class CaseState(str, Enum):
    """Where a case stands. Its data decide between the first two and `corrected`; a person decides the others."""

    waiting = "waiting"
    predicted = "predicted"
    in_review = "in review"
    corrected = "corrected"
    excluded = "excluded"


DECIDED_BY_PEOPLE = (CaseState.in_review, CaseState.excluded)
"""States that follow from no file: new data do not end them, except that a correction ends a review."""


def resting_state(has_prediction: bool, has_labels: bool) -> CaseState:
    """The state that a case has by its data alone."""
    if has_labels:
        return CaseState.corrected
    return CaseState.predicted if has_prediction else CaseState.waiting


def settled_state(state: CaseState, has_prediction: bool, has_labels: bool) -> CaseState:
    """The state of a case in `state` after its data changed."""
    return state if state in DECIDED_BY_PEOPLE else resting_state(has_prediction, has_labels)


def check_transition(name: str, new: CaseState, has_prediction: bool, has_labels: bool) -> None:
    """See that a case may be given a state: into review, out of use, or back to where its data put it.

    Args:
        name: of the case, for the message.
        new: the state it is to have.
        has_prediction, has_labels: what the case holds.

    Raises:
        LibraryError: the case's data contradict `new`.
    """
    resting = resting_state(has_prediction, has_labels)
    if new not in (resting, *DECIDED_BY_PEOPLE):
        choices = ", ".join(f"'{state.value}'" for state in (resting, *DECIDED_BY_PEOPLE))
        raise LibraryError(
            f"Case '{name}' cannot be set to '{new.value}', for that does not fit its predictions and labels: "
            f"choose one of {choices}."
        )
