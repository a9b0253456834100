"""The whole way of a case through the page: segment, look, decide, correct, hand over, fine-tune."""

import re

import numpy as np
import pytest

UNTOUCHED = "Nothing has been changed by hand."
CHANGED = re.compile(r"[\d,]+ voxels changed by hand")
# Off the structures, and inside the image, whatever region is in front.
APART = ((0.62, 0.2), (0.70, 0.2))


def test_the_sample_case_is_there_and_can_be_segmented(someone, a_segmented_case):
    assert someone.text("top-state").startswith("DualSSLPhantom")
    assert someone.page.locator("tr[id^=region-]").count() > 1
    assert someone.control("segment-list").inner_text().split() == ["chamber", "wall"]


def test_modes_of_the_overlay_show_different_pictures(a_segmented_case):
    person = a_segmented_case
    person.presses("overlay-off")
    off = person.quiet_picture()
    person.presses("overlay-entropy")
    assert person.sees_change(off) > 0.01
    entropy = person.quiet_picture()
    person.presses("overlay-kl")
    person.sees_change(entropy)
    person.presses("overlay-entropy")


def test_dragging_the_opacity_changes_the_picture(a_segmented_case):
    person = a_segmented_case
    person.presses("overlay-entropy")
    before = person.quiet_picture()
    person.drags("opacity", 0.95)
    person.sees_change(before)
    strong = person.quiet_picture()
    person.drags("opacity", 0.05)
    assert person.sees_change(strong) > 0.005
    assert float(person.page.locator("#part-overlay .slider-value").first.inner_text()) < 0.2
    person.drags("opacity", 0.6)


def frame_edges(picture):
    """The columns at the left and right edge of the region's frame in a picture, or None where there is none."""
    cyan = (np.abs(picture - np.array([140, 242, 255])).max(axis=2) < 60).sum(axis=0)
    upright = np.flatnonzero(cyan > 0.2 * picture.shape[0])
    return None if len(upright) == 0 else (int(upright[0]), int(upright[-1]))


def test_the_frame_of_a_region_is_dragged_by_its_handle_and_taken_away(a_segmented_case):
    person = a_segmented_case
    person.presses("overlay-off")
    person.presses("place-region")
    person.waits_for(lambda: frame_edges(person.quiet_picture()), "a frame")
    left, right = frame_edges(person.quiet_picture())
    box = person.view().bounding_box()
    height = box["height"] / 2
    person.page.mouse.move(box["x"] + left - 5, box["y"] + height)
    person.page.mouse.move(box["x"] + left + 1, box["y"] + height, steps=3)
    # The view has to hear of the mouse over the handle before the button goes down.
    person.page.wait_for_timeout(300)
    person.page.mouse.down()
    person.page.mouse.move(box["x"] + left + 61, box["y"] + height, steps=8)
    person.page.mouse.up()
    person.page.mouse.move(2, 2)
    person.waits_for(lambda: frame_edges(person.quiet_picture())[0] > left + 40, "a frame whose left edge has moved")
    assert abs(frame_edges(person.quiet_picture())[1] - right) <= 3
    person.presses("whole-volume")
    person.waits_for(lambda: frame_edges(person.quiet_picture()) is None, "no frame")
    person.presses("overlay-entropy")


def test_regions_are_decided_by_mouse(a_segmented_case):
    person = a_segmented_case
    decided, flagged = person.decided()
    first = person.goes_on()
    person.presses("review-accept")
    person.reads("review-summary", f"{decided + 1} of")
    person.reads(first, "accepted")
    second, _ = person.current()
    assert second != first
    # What somebody else shall look at is not decided.
    person.presses("review-flag")
    person.reads("review-summary", f"{flagged + 1} flagged")
    person.reads(second, "flagged")
    assert person.decided() == (decided + 1, flagged + 1)


def test_regions_are_decided_by_keyboard(a_segmented_case):
    person = a_segmented_case
    first = person.goes_on()
    decided, flagged = person.decided()

    def front_is_another_than(region):
        person.waits_for(lambda: person.current()[0] != region, f"another region than {region}")
        return person.current()[0]

    person.page.keyboard.press("Shift+N")
    second = front_is_another_than(first)
    person.page.keyboard.press("Shift+P")
    person.waits_for(lambda: person.current()[0] == first, "the region before")
    person.page.keyboard.press("Shift+A")
    person.reads(first, "accepted")
    front_is_another_than(first)
    assert person.current()[0] == second
    person.page.keyboard.press("Shift+F")
    person.reads(second, "flagged")
    person.reads("review-summary", f"{flagged + 1} flagged")
    assert person.decided() == (decided + 1, flagged + 1)


def test_shortcuts_do_nothing_while_someone_types(a_segmented_case):
    person = a_segmented_case
    person.unfolds("handover")
    before = person.decided()
    person.control("case-notes").fill("")
    person.control("case-notes").focus()
    person.page.keyboard.press("Shift+A")
    # A round of the server after it.
    person.reads("edit-summary", UNTOUCHED)
    person.presses("overlay-off")
    person.presses("overlay-entropy")
    assert person.control("case-notes").input_value() == "A"
    assert person.decided() == before
    person.types("case-notes", "")


def test_a_networks_answer_is_taken_and_taken_back(a_case_as_segmented):
    person = a_case_as_segmented
    before = person.decided()
    region = person.goes_on()
    person.presses("review-take-a")
    person.reads(region, "network A taken")
    person.presses("undo")
    person.reads(region, "open")
    person.reads("edit-summary", UNTOUCHED)
    assert person.decided() == before


def test_a_stroke_is_painted_undone_and_redone(a_case_as_segmented):
    person = a_case_as_segmented
    person.presses("tool-paint")
    person.paints(*APART)
    person.reads("edit-summary", CHANGED)
    painted = person.changed_voxels()
    assert painted > 0
    person.presses("undo")
    person.reads("edit-summary", UNTOUCHED)
    person.presses("redo")
    person.reads("edit-summary", CHANGED)
    assert person.changed_voxels() == painted


def test_only_inside_holds_the_brush(a_case_as_segmented):
    person = a_case_as_segmented
    person.presses("review-next")
    person.ticks("hold-inside")
    person.presses("tool-paint")
    person.paints(*APART)
    # The stroke is a step of undo, though it changed nothing.
    person.sees("#undo:not([aria-disabled=true])")
    assert person.text("edit-summary") == UNTOUCHED
    person.ticks("hold-inside", False)
    person.paints(*APART)
    person.reads("edit-summary", CHANGED)


@pytest.fixture
def a_painted_case(a_case_as_segmented):
    """With voxels of a person's own."""
    person = a_case_as_segmented
    person.presses("tool-paint")
    person.paints(*APART)
    person.reads("edit-summary", CHANGED)
    person.presses("tool-no-tool")
    return person


def test_a_person_is_asked_before_their_work_is_met(a_painted_case):
    person = a_painted_case
    before = (person.text("edit-summary"), person.text("review-summary"))
    person.presses("segment-button")
    person.sees("#merge-cancel")
    assert f"{person.changed_voxels():,} voxels changed" in person.page.locator(".v-dialog .v-card-text").inner_text()
    person.presses("merge-cancel")
    person.control("merge-cancel").wait_for(state="hidden")
    assert (person.text("edit-summary"), person.text("review-summary")) == before
    assert person.text("segment-button").strip() == "Segment"


def test_keep_my_voxels_keeps_them(a_painted_case):
    person = a_painted_case
    painted = person.changed_voxels()
    person.presses("segment-button")
    person.presses("merge-answer-0")
    person.reads("segment-button", "Cancel")
    person.reads("segment-button", "Segment")
    person.reads("segment-status", "Segmented with")
    assert person.changed_voxels() == painted
    person.presses("undo")


def test_the_worklist_shows_a_saved_case(a_saved_case):
    person = a_saved_case
    person.unfolds("worklist")
    person.reads("case-phantom-01", "corrected")
    person.reads("case-phantom-01", "version 1 by Reviewer One")
    assert person.text("library-summary") == "One case: 1 corrected."


def test_fine_tuning_shows_its_curves_and_is_discarded(a_saved_case):
    person = a_saved_case
    person.unfolds("finetune")
    person.types("iterations", "4")
    person.ticks("prove", False)
    person.presses("finetune-button")
    person.sees("#curves svg")
    # A curve of one point has no extent yet.
    person.page.locator("#curves polyline").first.wait_for(state="attached")
    person.reads("finetune-reason", "was not compared with the present one")
    person.presses("discard-new")
    person.reads("finetune-reason", "The new model was put away.")
    assert person.control("discard-new").get_attribute("aria-disabled") == "true"


def test_the_page_told_of_no_fault_and_asked_nobody_else(a_segmented_case):
    person = a_segmented_case
    own = (person.server.site, person.server.site.replace("http", "ws"), "data:", "blob:")
    assert [address for address in person.requested if not address.startswith(own)] == []
    assert person.faults == []
