"""All that a person has done lives on the server: a reload loses nothing, and every tab shows the same."""

import re

import pytest

# Off the structures, and inside the image.
APART = ((0.62, 0.2), (0.70, 0.2))
CHANGED = re.compile(r"[\d,]+ voxels changed by hand")
SHOWN = ("top-state", "edit-summary", "review-summary", "segment-status", "region-table", "segment-list")


def texts(page):
    return {identity: page.locator(f"#{identity}").inner_text() for identity in SHOWN}


@pytest.fixture(scope="module")
def a_case_in_work(a_segmented_case):
    """One region accepted, one flagged and in front of it a stroke of the person's own."""
    person = a_segmented_case
    person.goes_on()
    person.presses("review-accept")
    person.reads("review-summary", "1 of")
    person.presses("review-flag")
    person.reads("review-summary", "1 flagged")
    person.presses("tool-paint")
    person.paints(*APART)
    person.reads("edit-summary", CHANGED)
    return person


def test_a_reload_keeps_the_session(a_case_in_work):
    person = a_case_in_work
    front = person.current()
    before = texts(person.page)
    person.page.reload()
    person.reads("edit-summary", CHANGED)
    person.reads("region-1", "accepted")
    assert texts(person.page) == before
    assert person.current() == front
    # The step of undo is still there, too.
    person.presses("undo")
    person.reads("edit-summary", "Nothing has been changed by hand.")
    person.presses("redo")
    person.reads("edit-summary", CHANGED)


def test_two_tabs_show_the_same(a_case_in_work):
    person = a_case_in_work
    tab = person.page.context.new_page()
    try:
        tab.goto(person.server.site)
        tab.locator("#region-1").wait_for()
        assert texts(tab) == texts(person.page)
        decided, flagged = person.decided()
        tab.locator("#review-flag").click()
        person.reads("review-summary", f"{flagged + 1} flagged")
        assert person.decided() == (decided, flagged + 1)
    finally:
        tab.close()
