"""What a person does in the panels, and what they see of it."""

import asyncio
import time
from types import SimpleNamespace

import numpy as np
import pytest

from dualssl.cases import CaseLibrary
from dualssl.errors import DualSSLError
from dualssl.geometry import Geometry
from dualssl.labels import Label, LabelTable
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.jobs.jobState import JobState
from sampleCases import obliqueVolume, segmentedCase
from uncertaintyViews import ourNodes

OUTSIDE = np.s_[1:3, 2:5, 2:6]


@pytest.fixture
def with_a_model(a_person, a_model):
    a_person.bench.web.models.choices = (a_model,)
    a_person.bench.changed()
    return a_person


# Case


def test_at_first_nothing_is_open(a_person):
    assert a_person.sees("case_view")["volumes"] == []
    assert a_person.sees("segment_view")["press"]["hint"] == "Load a volume first, and choose it"
    assert a_person.sees("top_state") == ""


def test_a_volume_that_comes_is_chosen(a_person, scene):
    image = obliqueVolume(scene, "Knee")
    a_person.app._case.use_volume(image)
    assert a_person.sees("Choices__volume") == image.GetID()
    assert a_person.sees("top_state") == "Knee"
    assert "voxels" in a_person.sees("case_view")["about"]


def test_the_first_case_unfolds_what_it_is_for_and_later_ones_leave_it_to_the_person(a_person):
    a_person.segments()
    assert {"overlay", "review", "correct"} <= set(a_person.sees("Choices__open_parts"))
    a_person.chooses(open_parts=["review"])
    a_person.segments()
    assert a_person.sees("Choices__open_parts") == ["review"]


def test_another_volume_puts_the_case_away_and_its_own_brings_it_back(a_person, scene):
    session = a_person.segments()
    node, image = session.case.node, session.case.image
    a_person.chooses(volume=obliqueVolume(scene, "Other").GetID())
    assert a_person.bench.workspace.session is None
    assert a_person.sees("Choices__segmentation") == ""
    a_person.chooses(volume=image.GetID())
    assert a_person.bench.workspace.session.case.node is node
    assert a_person.sees("Choices__segmentation") == node.GetID()


def test_a_segmentation_is_chosen_by_its_name(a_person, scene):
    session = a_person.segments()
    first = session.case
    second = segmentedCase(scene)
    second.setReference("image", first.image)
    a_person.bench.changed()
    assert [choice["value"] for choice in a_person.sees("case_view")["cases"]] == [first.node.GetID(), second.node.GetID()]
    a_person.chooses(segmentation=second.node.GetID())
    assert a_person.bench.workspace.session.case.node is second.node


def test_only_the_case_in_hand_is_seen(a_person, scene):
    first = a_person.segments().case
    second = a_person.segments().case
    assert not first.node.GetDisplayNode().GetVisibility()
    assert second.node.GetDisplayNode().GetVisibility()
    a_person.chooses(volume=obliqueVolume(scene, "Other").GetID())
    assert not second.node.GetDisplayNode().GetVisibility()


def test_why_a_file_was_refused_is_said(a_person):
    page = a_person.app.bench.server.state
    page.upload = {"name": "a.nrrd", "fraction": 0.5, "problem": ""}
    page.flush()
    assert a_person.sees("upload")["fraction"] == 0.5
    page.upload = {"name": "a.nrrd", "fraction": None, "problem": "It is no volume: choose another."}
    page.flush()
    assert a_person.sees("upload") is None
    assert a_person.sees("said")["case"] == a_person.sees("notice")["text"] == "It is no volume: choose another."


def test_results_are_not_offered_as_volumes(a_person):
    session = a_person.segments()
    assert [choice["value"] for choice in a_person.sees("case_view")["volumes"]] == [session.case.image.GetID()]


# Segment


def test_segmenting_asks_the_engine_for_the_chosen_volume_and_model(with_a_model, scene, a_model):
    person = with_a_model
    person.chooses(volume=obliqueVolume(scene).GetID(), device="cpu")
    assert person.sees("segment_view")["press"]["enabled"]
    person.presses("segment-button")
    call = person.client.last("predict")
    assert (call.params["model"], call.params["device"]) == (str(a_model.folder), "cpu")
    assert person.sees("segment_view")["button"] == "Cancel"
    person.presses("segment-button")
    assert call.cancelled


def test_the_engines_devices_can_be_chosen(a_person):
    assert [item["value"] for item in a_person.sees("device_items")] == ["auto", "cuda", "cpu"]
    a_person.app._segment.look_for_devices()
    a_person.client.last("devices").result([{"id": "cpu", "name": "A fast one", "memory_gb": 64.0}])
    assert a_person.sees("device_items")[1]["title"] == "A fast one, 64 GB (cpu)"


def test_how_far_it_is_is_seen(with_a_model, scene):
    person = with_a_model
    person.chooses(volume=obliqueVolume(scene).GetID())
    person.presses("segment-button")
    person.bench.workspace.onJob("segment", JobState("Window 3 of 8", 0.375, 200.0))
    assert person.sees("jobs")["segment"] == {"text": "Window 3 of 8", "fraction": 0.375, "left": "about 3 min left"}


def test_a_fault_is_said_in_the_panel_and_over_the_page(with_a_model, scene):
    person = with_a_model
    person.chooses(volume=obliqueVolume(scene).GetID())
    person.presses("segment-button")
    person.client.last("predict").error(SimpleNamespace(kind="ModelError", message="The model is damaged.", detail="Traceback"))
    assert person.sees("said")["segment"] == "The model is damaged."
    assert person.sees("notice") == {"text": "The model is damaged.", "detail": "Traceback"}
    assert person.sees("jobs")["segment"] is None
    person.presses("close-notice")
    assert person.sees("notice") is None


def test_work_is_not_lost_without_a_question(with_a_model):
    person = with_a_model
    person.segments()
    person.paints(OUTSIDE)
    person.presses("segment-button")
    question = person.sees("question")
    assert question["answers"][0] == "Keep my voxels"
    assert "24 voxels" in question["text"]
    assert person.client.asked == []
    person.presses("merge-cancel")
    assert person.sees("question") is None
    assert person.client.asked == []
    person.presses("segment-button")
    person.presses("merge-answer-", 0)
    assert person.client.last("predict")


def test_untouched_work_is_segmented_again_without_a_question(with_a_model):
    with_a_model.segments()
    with_a_model.presses("segment-button")
    assert with_a_model.sees("question") is None
    assert with_a_model.client.last("predict")


def test_the_model_in_use_is_chosen_when_it_changes(with_a_model, a_model, loop):
    person = with_a_model
    assert person.sees("Choices__model") == "atria"
    newer = SimpleNamespace(**{**vars(a_model), "id": "newer", "standing": "active"})
    person.bench.workspace.models = SimpleNamespace(choices=lambda: (newer, a_model))
    person.bench.workspace.onModels()
    loop.run_until_complete(asyncio.sleep(0.2))
    assert person.sees("Choices__model") == "newer"


# Overlay


def test_thresholds_and_opacity_act_on_what_is_shown(a_person):
    a_person.segments()
    overlays = a_person.app._panels[2]._display.overlays
    assert overlays.shown == ("entropy",)
    a_person.chooses(opacity=0.25, entropy_threshold=0.5)
    assert overlays.state.opacity == 0.25
    assert overlays.state.thresholds["entropy"] == 0.5
    a_person.chooses(overlay="both")
    assert overlays.shown == ("entropy", "kl")
    a_person.chooses(overlay="off")
    assert overlays.shown == ()
    assert a_person.sees("overlay_view")["opacity"]["hint"].startswith("Nothing lies over")


# Review


def test_regions_are_gone_through_by_buttons_and_by_the_table(a_person):
    session = a_person.segments()
    ids = [entry.region.id for entry in session.review.entries()]
    a_person.presses("review-next")
    assert a_person.sees("review_view")["current"] == ids[0]
    a_person.presses("review-accept")
    view = a_person.sees("review_view")
    assert view["rows"][0]["decision"] == "accepted"
    assert view["current"] == ids[1]
    a_person.presses("region-", ids[0])
    a_person.presses("review-reopen")
    assert a_person.sees("review_view")["rows"][0]["decision"] == "open"
    a_person.presses("review-flag")
    assert a_person.sees("review_view")["rows"][0]["decision"] == "flagged"


def test_edits_are_held_inside_a_region_until_that_is_ended(a_person):
    session = a_person.segments()
    a_person.presses("review-next")
    a_person.presses("hold-inside")
    assert a_person.sees("review_view")["onlyInside"]
    assert a_person.bench.web.scene.app.segmentation_editor.editor_node.GetMaskSegmentID()
    a_person.presses("hold-inside")
    assert not session.onlyInsideRegion


def test_pressed_without_a_case_nothing_happens(a_person):
    for button in ("review-next", "review-accept", "review-take-a", "hold-inside", "undo", "redo", "save-button"):
        a_person.presses(button)
    assert a_person.bench.workspace.session is None


# Hand over


def test_a_case_is_saved_under_name_and_reviewer(a_person):
    a_person.segments()
    assert a_person.sees("Choices__case_name") == "MR"
    assert a_person.sees("handover_view")["press"]["hint"] == "Name the reviewer first"
    a_person.chooses(reviewer="Dr. M", notes="Noisy")
    a_person.presses("whole-case", True)
    assert a_person.sees("handover_whole") is True
    assert a_person.sees("handover_view")["press"]["enabled"]
    a_person.presses("save-button")
    for _ in range(10):
        a_person.waits()
    call = a_person.client.last("save_case")
    assert (call.params["case"], call.params["reviewer"], call.params["notes"]) == ("MR", "Dr. M", "Noisy")
    assert call.params["library"] == str(a_person.bench.workspace.places.library)
    a_person.bench.workspace.places.library.mkdir()
    call.result({"case": "MR", "version": 1})
    assert a_person.sees("said")["save"] == "Saved as 'MR', version 1."
    # What came to the library is looked at.
    assert a_person.client.last("library")


def test_saving_without_a_reviewer_is_said_by_what_the_button_tells(a_person):
    a_person.segments()
    a_person.presses("save-button")
    assert a_person.sees("said")["save"]
    assert a_person.sees("jobs")["save"] is None


# Worklist, fine-tuning, models


def test_the_library_is_listed_and_ranked_anew_by_another_strategy(a_person):
    a_person.bench.workspace.places.library.mkdir()
    a_person.app._worklist.look()
    held = {"name": "a", "state": "predicted", "label_version": None, "reviewer": None}
    a_person.client.last("library").result({"cases": [held], "counts": {"predicted": 1}})
    a_person.client.last("worklist").result({"cases": [{"name": "a", "position": 1, "why": "most ambiguous"}]})
    assert a_person.sees("library_view")["rows"] == [{"name": "a", "state": "predicted", "rank": "1", "why": "most ambiguous"}]
    a_person.chooses(strategy="random")
    assert a_person.client.last("worklist").params["strategy"] == "random"


@pytest.fixture
def with_a_library(with_a_model):
    """Somebody whose library has a case that nobody corrected and one that was."""
    person = with_a_model
    geometry = Geometry((4, 5, 6), (1.0, 1.0, 1.0))
    image = Volume(np.arange(120, dtype=np.float32).reshape(geometry.shape), geometry)
    table = LabelTable((Label.named("sphere", 1),))
    with CaseLibrary.create(person.bench.workspace.places.library, table, ["MRI"]) as library:
        for name in ("fresh", "mended"):
            library.add_case(name, [image])
        library.save_correction("mended", Volume(np.zeros(geometry.shape, np.uint8), geometry), reviewer="Reader")
        cases = [
            {
                "name": case.name,
                "state": case.state.value,
                "label_version": case.labels and case.labels.number,
                "reviewer": "Reader",
            }
            for case in library.cases()
        ]
    person.app._worklist.look()
    person.client.last("library").result({"cases": cases, "counts": {}})
    return person


@pytest.mark.parametrize(("name", "segmented"), [("fresh", True), ("mended", False)])
def test_a_case_of_the_worklist_is_opened_and_segmented_unless_somebody_corrected_it(with_a_library, name, segmented):
    person = with_a_library
    person.presses("case-", name)
    end = time.monotonic() + 30
    while person.sees("top_state") != name:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert bool([call for call in person.client.asked if call.method == "predict"]) is segmented


@pytest.mark.parametrize(("written", "asked"), [("40", 40), ("", 200), ("-3", 1), ("1e9", 10_000), ("forty", 200)])
def test_steps_of_training_are_taken_as_far_as_they_can_be(with_a_model, written, asked):
    person = with_a_model
    person.bench.workspace.places.library.mkdir()
    person.chooses(iterations=written, prove=False)
    person.presses("finetune-button")
    params = person.client.last("finetune").params
    assert (params["settings"], params["prove"]) == ({"iterations": asked}, False)


def test_curves_are_seen_while_a_training_goes_on(with_a_model):
    from dualssl.worker.protocol import Progress

    person = with_a_model
    person.bench.workspace.places.library.mkdir()
    person.presses("finetune-button")
    assert person.sees("curves_svg") == ""
    call = person.client.last("finetune")
    call.progress(Progress(1, "Training", 10, 50, 30.0, loss=0.8, dice=0.7))
    assert person.sees("curves_svg").startswith("<svg")
    assert person.sees("jobs")["finetune"]["fraction"] == 0.2
    person.presses("finetune-button")
    assert call.cancelled


# The bench


def test_several_changes_are_shown_once(a_person):
    shown = []
    a_person.bench.onShow.add(lambda: shown.append(1))
    for _ in range(5):
        a_person.bench.changed()
    a_person.waits()
    assert shown == [1]


def test_what_can_be_mended_is_said_and_other_faults_are_not_swallowed(a_person):
    def fail(error):
        raise error

    a_person.bench.guarded("save", fail)(DualSSLError("There is no room: free some."))
    assert a_person.sees("said")["save"] == "There is no room: free some."
    assert a_person.sees("notice")["text"] == "There is no room: free some."
    with pytest.raises(ZeroDivisionError):
        a_person.bench.guarded("save", fail)(ZeroDivisionError())


def test_after_the_end_nothing_of_it_is_left_in_the_scene(a_person, scene):
    a_person.segments()
    a_person.presses("review-next")
    a_person.presses("hold-inside")
    a_person.app.close()
    a_person.app.close()
    assert ourNodes(scene) == []
    assert a_person.bench.workspace.session is None
