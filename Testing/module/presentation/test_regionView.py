"""What is said of the region to segment in, and what can be done with it."""

from types import SimpleNamespace

import numpy as np
import pytest

from dualssl.geometry import Geometry
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.presentation.regionView import regionSize, regionView
from DualSSLSegmentationLib.presentation.segmentView import segmentView
from DualSSLSegmentationLib.scene.roi import placeRegion, setAdjustable
from DualSSLSegmentationLib.scene.volumes import addScalarVolume
from sampleCases import obliqueVolume


def model(fieldOfView):
    return SimpleNamespace(description="Segments.", channels=("MR",), fieldOfView=fieldOfView)


CROPS = model((20.0, 22.0, 24.0))


@pytest.fixture
def image(scene):
    return obliqueVolume(scene)


def test_a_volume_larger_than_what_the_model_has_seen_needs_a_region(image):
    assert "This volume measures" in regionView(False, image, CROPS, None).note
    assert regionView(False, image, model(None), None).note == ""
    assert regionView(False, image, model((500.0, 500.0, 500.0)), None).note == ""
    assert regionView(False, image, None, None).note == ""
    assert regionView(False, None, CROPS, None).note == ""


def test_a_region_as_large_as_the_model_knows_needs_no_word(scene, image):
    upright = addScalarVolume(scene, Volume(np.zeros((40, 42, 44), np.int16), Geometry((40, 42, 44))), "Upright", image)
    region = placeRegion(upright, regionSize(CROPS), None)
    assert "This volume measures 44 x 42 x 40 mm" in regionView(False, upright, CROPS, None).note
    assert regionView(False, upright, CROPS, region).note == ""
    region.SetSize(24, 30, 20)
    assert "This region measures 24 x 30 x 20 mm" in regionView(False, upright, CROPS, region).note


def test_a_new_region_is_as_large_as_the_models_images_along_r_a_and_s():
    assert regionSize(CROPS) == (24.0, 22.0, 20.0)
    assert regionSize(model(None)) is None
    assert regionSize(None) is None


def test_a_region_that_cannot_be_used_is_told_with_what_to_do(scene, image):
    region = placeRegion(image, None, None)
    region.SetCenter(900, 900, 900)
    assert regionView(False, image, CROPS, region).note == "The region lies outside of the volume: place it anew."
    empty = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Empty")
    assert "'Empty' has no size yet" in regionView(False, image, CROPS, empty).note


def test_one_button_places_a_region_or_gives_it_its_handles_back(image):
    assert regionView(False, image, CROPS, None).button == "Place region"
    region = placeRegion(image, None, None)
    assert regionView(False, image, CROPS, region).button == "Place region"
    setAdjustable(region, False)
    view = regionView(False, image, CROPS, region)
    assert (view.button, view.adjusts) == ("Adjust region", True)
    assert "handles" in view.press.hint


def test_the_whole_volume_is_the_choice_while_there_is_a_region(image):
    assert regionView(False, image, CROPS, None).wholeVolume.unless == "No region is placed: the whole volume is segmented"
    region = placeRegion(image, None, None)
    assert regionView(False, image, CROPS, region).wholeVolume.enabled
    assert segmentView(False, image, CROPS, True, region).press.hint.startswith("Segment the region")


def test_nothing_can_be_placed_without_a_volume_or_while_it_is_segmented(image):
    assert regionView(False, None, CROPS, None).press.unless == "Load a volume first, and choose it"
    view = regionView(True, image, CROPS, placeRegion(image, None, None))
    assert not view.press.enabled
    assert not view.wholeVolume.enabled
