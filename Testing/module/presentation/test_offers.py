"""What can be done with a volume, and why not: the texts that both front ends show."""

from types import SimpleNamespace

import pytest

from DualSSLSegmentationLib.display.overlays import OverlayMode
from DualSSLSegmentationLib.presentation.caseView import caseView, volumeText
from DualSSLSegmentationLib.presentation.offer import Offer
from DualSSLSegmentationLib.presentation.overlayView import THRESHOLD_RANGES, modeNamed, overlayView
from DualSSLSegmentationLib.presentation.segmentView import resultText, segmentView
from sampleCases import obliqueVolume

MODEL = SimpleNamespace(description="Segments left atrium on MR.", channels=("MR",))
OF_TWO = SimpleNamespace(description="Segments tumours on MR.", channels=("T1", "FLAIR"))


def test_an_offer_says_why_it_cannot_be_used_before_what_it_does():
    assert Offer("Saves").enabled
    assert Offer("Saves").hint == "Saves"
    assert not Offer("Saves", "Nothing to save").enabled
    assert Offer("Saves", "Nothing to save").hint == "Nothing to save"


@pytest.mark.parametrize(
    ("running", "image", "choice", "anyModel", "button", "unless"),
    [
        (False, object(), MODEL, True, "Segment", ""),
        (False, None, MODEL, True, "Segment", "Load a volume first, and choose it"),
        (False, None, None, True, "Segment", "Load a volume first, and choose it"),
        (False, object(), None, True, "Segment", "Choose a model first"),
        (
            False,
            object(),
            OF_TWO,
            True,
            "Segment",
            "This model needs 2 volumes of one patient at once (T1, FLAIR): choose one that needs a single volume",
        ),
        (True, object(), MODEL, True, "Cancel", ""),
    ],
)
def test_segmenting_needs_a_volume_and_a_model(running, image, choice, anyModel, button, unless):
    view = segmentView(running, image, choice, anyModel)
    assert (view.button, view.press.unless) == (button, unless)


def test_what_a_model_does_is_told_or_where_to_get_one():
    assert segmentView(False, None, MODEL, True).modelNote == MODEL.description
    without = segmentView(False, None, None, False)
    assert without.modelNote == "No model is installed: add one in Set-up."
    assert not without.chooseModel.enabled


def test_a_result_tells_what_made_it(session):
    session.case.setJson("provenance", {"model_name": "Atria", "device": "cuda:0, NVIDIA", "seconds": 3.21})
    assert resultText(session) == "Segmented with Atria on cuda:0 in 3.2 s."
    session.case.setJson("provenance", {"seconds": "soon"})
    assert resultText(session) == "Segmented with ? on ? in ? s."
    assert resultText(None) == ""


def test_an_overlay_can_be_changed_only_where_one_is_shown():
    view = overlayView(True, OverlayMode.entropy)
    assert view.opacity.enabled
    assert view.surface.enabled
    assert view.thresholds["entropy"].enabled
    assert view.thresholds["kl"].unless == "This map is not shown"
    off = overlayView(True, OverlayMode.off)
    assert not off.opacity.enabled
    assert all(mode.offer.enabled for mode in off.modes)
    none = overlayView(False, OverlayMode.both)
    assert {mode.offer.unless for mode in none.modes} == {"Segment a volume first"}
    assert none.opacity.unless == "Segment a volume first"


def test_a_mode_that_is_not_known_is_off():
    assert modeNamed("kl") is OverlayMode.kl
    assert modeNamed("rainbow") is OverlayMode.off
    assert set(THRESHOLD_RANGES) == set(OverlayMode.both.kinds)


def test_volumes_of_one_name_are_told_apart(scene):
    volumes = [obliqueVolume(scene, name) for name in ("MR", "CT", "Renamed")]
    volumes[2].SetName("MR")
    view = caseView(volumes, (), volumes[0].GetID(), False)
    assert [choice.title for choice in view.volumes] == ["MR (1)", "CT", "MR (2)"]
    assert [choice.value for choice in view.volumes] == [node.GetID() for node in volumes]


def test_only_the_segmentations_of_the_chosen_volume_are_offered(a_segmented_case, scene):
    case, other = a_segmented_case, obliqueVolume(scene, "Other")
    volumes = (case.image, other)
    mine = caseView(volumes, (case,), case.image.GetID(), False)
    assert [choice.value for choice in mine.cases] == [case.node.GetID()]
    none = caseView(volumes, (case,), other.GetID(), False)
    assert none.cases == ()
    assert none.chooseCase.unless == "This volume has not been segmented yet"


def test_the_maps_of_a_case_are_no_volumes_to_segment(a_segmented_case):
    case = a_segmented_case
    view = caseView((case.image, case.entropy, case.kl), (case,), case.image.GetID(), False)
    assert [choice.value for choice in view.volumes] == [case.image.GetID()]


def test_while_a_segmentation_goes_on_the_volume_stays(a_segmented_case):
    case = a_segmented_case
    busy = caseView((case.image,), (case,), case.image.GetID(), True)
    assert not any(offer.enabled for offer in (busy.chooseVolume, busy.chooseCase, busy.upload, busy.sample))
    empty = caseView((), (), "", False)
    assert empty.chooseVolume.unless == "Open a file first"
    assert empty.upload.enabled
    assert empty.about.startswith("Open a file")


def test_a_volume_is_described_along_i_j_and_k(scene):
    node = obliqueVolume(scene)
    assert volumeText(node) == "36 \N{MULTIPLICATION SIGN} 30 \N{MULTIPLICATION SIGN} 24 voxels of 0.9 " + (
        "\N{MULTIPLICATION SIGN} 1.2 \N{MULTIPLICATION SIGN} 2 mm"
    )
    node.SetAndObserveImageData(None)
    assert node.GetName() in volumeText(node)
