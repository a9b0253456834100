"""The region to segment in: placed and taken away with a button, and out of the way of tools and results."""

import numpy as np
import pytest
from trame_slicer.segmentation import SegmentationEffectNoTool, SegmentationEffectPaint

from DualSSLSegmentationLib.scene.roi import isAdjustable, roiBounds
from sampleCases import obliqueVolume


@pytest.fixture
def at_a_volume(a_person, a_model, scene):
    a_person.bench.web.models.choices = (a_model,)
    a_person.chooses(volume=obliqueVolume(scene).GetID())
    return a_person


def region_of(person):
    return person.app._segment.region


def test_a_region_is_placed_and_only_it_is_segmented(at_a_volume):
    person = at_a_volume
    assert person.sees("region_view")["button"] == "Place region"
    person.presses("place-region")
    region = region_of(person)
    assert isAdjustable(region)
    person.presses("segment-button")
    bounds = roiBounds(region, person.app._segment.image)
    np.testing.assert_allclose(person.client.last("predict").params["roi"], bounds)


def test_pressed_again_it_moves_to_where_the_views_cross(at_a_volume):
    person = at_a_volume
    person.presses("place-region")
    region = region_of(person)
    region.SetSize(3, 3, 3)
    person.presses("place-region")
    assert region_of(person) is region
    assert region.GetSize()[0] > 3


def test_without_a_region_the_whole_volume_is_segmented(at_a_volume, scene):
    person = at_a_volume
    assert not person.sees("region_view")["wholeVolume"]["enabled"]
    person.presses("place-region")
    assert person.sees("region_view")["wholeVolume"]["enabled"]
    person.presses("whole-volume")
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 0
    person.presses("segment-button")
    assert person.client.last("predict").params["roi"] is None


def test_another_volume_has_no_region(at_a_volume, scene):
    person = at_a_volume
    person.presses("place-region")
    person.chooses(volume=obliqueVolume(scene, "Other").GetID())
    assert region_of(person) is None
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 0


def test_a_tool_takes_the_handles_away_and_the_button_brings_them_back(a_person, a_model):
    person = a_person
    person.bench.web.models.choices = (a_model,)
    person.segments()
    person.presses("place-region")
    region = region_of(person)
    editor = person.bench.web.scene.app.segmentation_editor
    editor.set_active_effect_type(SegmentationEffectPaint)
    assert not isAdjustable(region)
    assert person.sees("region_view")["button"] == "Adjust region"
    size = tuple(region.GetSize())
    person.presses("place-region")
    assert isAdjustable(region)
    assert tuple(region.GetSize()) == size
    assert isinstance(editor.active_effect, SegmentationEffectNoTool)


def test_a_result_is_seen_within_a_frame_without_handles(at_a_volume):
    person = at_a_volume
    person.presses("place-region")
    region = region_of(person)
    person.app._segment._case_opened(object.__new__(_Session))
    assert not isAdjustable(region)


class _Session:
    """Of a case without a record of how it was made."""

    case = type("Case", (), {"provenance": {}})()


def test_a_region_that_is_too_large_is_told_while_it_is_dragged(at_a_volume, a_model):
    person = at_a_volume
    a_model.fieldOfView = (20.0, 20.0, 20.0)
    person.presses("place-region")
    region_of(person).SetSize(60, 60, 60)
    assert "This region measures" in person.sees("region_view")["note"]
    region_of(person).SetSize(5, 5, 5)
    assert person.sees("region_view")["note"] == ""


def test_a_region_outside_the_volume_is_told_before_the_engine_is_asked(at_a_volume):
    person = at_a_volume
    person.presses("place-region")
    region_of(person).SetCenter(900, 900, 900)
    assert "lies outside of the volume" in person.sees("region_view")["note"]
