"""What takes long can be stopped; nothing half-made stays."""


def test_a_segmentation_is_cancelled_and_leaves_nothing(someone):
    person = someone
    # It is the first test of the file: nothing has been segmented on this server.
    assert person.page.locator("#region-1").count() == 0
    person.presses("segment-button")
    person.reads("segment-button", "Cancel")
    person.presses("segment-button")
    person.reads("segment-button", "Segment")
    person.reads("review-summary", "Segment a volume, or choose a case, to see where to look.")
    assert person.page.locator("tr[id^=region-]").count() == 0


def test_it_can_be_segmented_after_that(a_segmented_case):
    assert a_segmented_case.page.locator("tr[id^=region-]").count() > 1


def test_a_cancelled_fine_tuning_can_be_resumed(a_saved_case):
    person = a_saved_case
    person.unfolds("finetune")
    assert person.control("resume-button").get_attribute("aria-disabled") == "true"
    person.types("iterations", "2000")
    person.ticks("prove", False)
    person.presses("finetune-button")
    person.reads("finetune-button", "Cancel")
    person.sees("#curves svg")
    # A curve of one point has no extent yet.
    person.page.locator("#curves polyline").first.wait_for(state="attached")
    person.presses("finetune-button")
    person.reads("finetune-button", "Fine-tune")
    person.sees("#resume-button:not([aria-disabled=true])")
    person.presses("resume-button")
    person.reads("finetune-button", "Cancel")
    person.presses("finetune-button")
    person.sees("#resume-button:not([aria-disabled=true])")
