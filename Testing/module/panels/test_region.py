"""A region in the panel: placed with one click, segmented in, out of the way of the result, and brought back."""

import numpy as np
import pytest

STARTED = 60.0


@pytest.fixture
def at_a_volume(a_person, a_model_at_home, scene):
    """A person who has opened the module on a volume that is segmented at once."""
    from sampleCases import obliqueVolume

    obliqueVolume(scene, shape=(40, 50, 60))
    return a_person()


def regionOf(person):
    return person.module.widget._parameterNode.roi


def test_a_region_is_placed_where_the_views_cross_and_only_it_is_segmented(at_a_volume):
    from DualSSLSegmentationLib.scene.roi import isAdjustable, roiBounds
    from DualSSLSegmentationLib.scene.volumes import geometryOf, volumeOf

    person = at_a_volume
    image = person.module.widget._parameterNode.image
    place = geometryOf(image).kji_to_ras((16, 21, 34))
    for node in person.workspace.views.sliceNodes():
        node.JumpSlice(*place)
    person.click("placeRegionButton")
    region = regionOf(person)
    bounds = np.array(roiBounds(region, image)).reshape(3, 2)
    np.testing.assert_allclose(bounds.mean(axis=1), place, atol=0.1)
    assert isAdjustable(region)
    person.click("segmentButton")
    person.waitUntil(lambda: person.workspace.session is not None, STARTED)
    case = person.workspace.session.case
    np.testing.assert_allclose(case.provenance["roi"], bounds.ravel(), atol=1e-6)
    entropy = volumeOf(case.entropy).array
    assert 0 < np.count_nonzero(entropy) < entropy.size


def test_after_a_segmentation_a_frame_stays_until_it_is_to_be_adjusted(at_a_volume):
    from DualSSLSegmentationLib.scene.roi import isAdjustable

    person = at_a_volume
    person.click("placeRegionButton")
    person.click("segmentButton")
    person.waitUntil(lambda: person.workspace.session is not None, STARTED)
    person.turn()
    region = regionOf(person)
    assert not isAdjustable(region)
    assert person.widget("placeRegionButton").text() == "Adjust region"
    person.click("placeRegionButton")
    assert isAdjustable(region)
    assert regionOf(person) is region
    assert person.widget("placeRegionButton").text() == "Place region"


def test_a_region_drawn_by_other_means_is_left_as_it_is(at_a_volume, scene):
    person = at_a_volume
    image = person.module.widget._parameterNode.image
    region = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Mine")
    region.CreateDefaultDisplayNodes()
    bounds = [0.0] * 6
    image.GetRASBounds(bounds)
    region.SetCenter(*[(bounds[2 * n] + bounds[2 * n + 1]) / 2 for n in range(3)])
    region.SetSize(20, 20, 20)
    region.GetDisplayNode().SetHandlesInteractive(True)
    person.module.widget._parameterNode.roi = region
    person.turn()
    person.click("segmentButton")
    person.waitUntil(lambda: person.workspace.session is not None, STARTED)
    person.turn()
    assert region.GetDisplayNode().GetHandlesInteractive()
    assert not region.GetLocked()
    before = tuple(region.GetCenter()), tuple(region.GetSize())
    person.click("placeRegionButton")
    assert (tuple(region.GetCenter()), tuple(region.GetSize())) == before
    assert regionOf(person) is not region


def test_what_is_too_large_is_said_and_follows_the_region(at_a_volume):
    person = at_a_volume
    person.click("placeRegionButton")
    region = regionOf(person)
    region.SetCenter(900, 900, 900)
    person.turn()
    assert "lies outside of the volume" in person.says()["sizeNote"]
    person.choose("roiSelector", "Whole volume")
    # The small model has only seen small images.
    assert "This volume measures" in person.says()["sizeNote"]
    person.choose("roiSelector", region.GetName())
    place = [0.0] * 6
    person.module.widget._parameterNode.image.GetRASBounds(place)
    region.SetCenter(*[(place[2 * n] + place[2 * n + 1]) / 2 for n in range(3)])
    region.SetSize(12, 12, 12)
    person.turn()
    assert "sizeNote" not in person.says()


def test_a_region_that_is_deleted_is_forgotten(at_a_volume, scene):
    person = at_a_volume
    person.click("placeRegionButton")
    scene.RemoveNode(regionOf(person))
    person.turn()
    assert regionOf(person) is None
    assert person.widget("placeRegionButton").text() == "Place region"


def test_a_closed_scene_takes_its_region_along(at_a_volume, application, scene):
    person = at_a_volume
    person.click("placeRegionButton")
    scene.Clear(0)
    person.turn()
    assert not person.widget("placeRegionButton").isEnabled()
    assert person.widget("placeRegionButton").toolTip() == "Load a volume first, and choose it"
