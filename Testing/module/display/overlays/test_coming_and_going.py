"""Entering and leaving; cases, maps, views and scenes that come and go while an overlay is shown."""

import gc
import sys

import numpy as np
import pytest
import slicer

from DualSSLSegmentationLib.display.colorTables import SCALES, colorsOf
from DualSSLSegmentationLib.display.mirrorVolume import MirrorVolume
from DualSSLSegmentationLib.display.overlays import OverlayMode, Overlays
from sampleCases import segmentedCase
from sliceView import SliceView
from uncertaintyViews import (
    assertColor,
    blended,
    colorAt,
    layersOf,
    legendsIn,
    ourNodes,
    unsure,
)
from workspaceBench import nodesIn


def test_entering_again_shows_it_as_it_was(overlays, view, case):
    overlays.show(case, OverlayMode.both, 0.45, {"entropy": 0.3, "kl": 0.2})
    shown = view.pixels()
    overlays.leave()
    overlays.enter()
    np.testing.assert_array_equal(view.pixels(), shown)


def test_what_is_asked_for_while_away_waits_until_entering(overlays, view, case):
    before = view.pixels()
    overlays.leave()
    overlays.show(case, OverlayMode.entropy, 0.9, {})
    overlays.setOpacity(0.5)
    overlays.setThreshold("entropy", 0.4)
    np.testing.assert_array_equal(view.pixels(), before)
    overlays.enter()
    below = before[view.pixelOf(unsure(case))] / 255
    assertColor(colorAt(view, unsure(case)), blended(below, "entropy", 0.85, 0.5))


def test_entering_and_leaving_twice_changes_nothing_more(overlays, view, case):
    overlays.show(case, OverlayMode.both, 0.5, {})
    overlays.enter()
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 2
    overlays.leave()
    overlays.leave()
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 0


def test_a_map_deleted_while_it_is_shown_goes_from_the_views(overlays, view, case):
    before = view.pixels()
    overlays.show(case, OverlayMode.both, 0.5, {})
    case.scene.RemoveNode(case.entropy)
    assert overlays.shown == ("kl",)
    assert list(legendsIn(view)) == [SCALES["kl"].title]
    case.scene.RemoveNode(case.kl)
    assert overlays.shown == ()
    np.testing.assert_array_equal(view.pixels(), before)
    assert ourNodes(case.scene) == []


def test_the_segmentation_deleted_while_it_is_shown_ends_it(overlays, view, case):
    scene, before = case.scene, view.pixels()
    overlays.show(case, OverlayMode.both, 0.5, {})
    scene.RemoveNode(case.node)
    np.testing.assert_array_equal(view.pixels(), before)
    overlays.leave()
    overlays.enter()
    assert overlays.shown == ()
    assert ourNodes(scene) == []


def test_a_case_whose_maps_are_gone_shows_nothing(overlays, view, case):
    for volume in (case.entropy, case.kl):
        case.scene.RemoveNode(volume)
    overlays.show(case, OverlayMode.both, 0.5, {})
    assert overlays.shown == ()
    assert legendsIn(view) == {}


def test_another_case_takes_the_place_of_the_first(overlays, view, case):
    other = segmentedCase(case.scene, case.image, "Other")
    slicer.util.arrayFromVolume(other.entropy)[:] = 0.6
    other.node.GetDisplayNode().SetVisibility(False)
    overlays.show(case, OverlayMode.entropy, 1.0, {"entropy": 0.4})
    overlays.show(other, OverlayMode.entropy, 1.0, {"entropy": 0.4})
    assertColor(colorAt(view, unsure(case)), colorsOf("entropy")[round(0.6 * 255)])
    case.scene.RemoveNode(case.entropy)
    assertColor(colorAt(view, unsure(case)), colorsOf("entropy")[round(0.6 * 255)])
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 1


def test_no_case_shows_nothing(overlays, view, case):
    overlays.show(case, OverlayMode.entropy, 1.0, {})
    overlays.show(None, OverlayMode.entropy, 1.0, {})
    assert overlays.shown == ()
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 0


@pytest.mark.parametrize("told", [False, True])
def test_closing_the_scene_ends_it_and_the_next_case_can_be_shown(application, overlays, view, case, told):
    overlays.show(case, OverlayMode.both, 0.5, {})
    if told:
        overlays.sceneClosed()
    application.clearScene()
    assert overlays.shown == ()
    assert ourNodes(application.scene) == []
    assert legendsIn(view) == {}
    overlays.enter()
    following = segmentedCase(application.scene)
    following.node.GetDisplayNode().SetVisibility(False)
    view.show(following.image)
    overlays.show(following, OverlayMode.entropy, 1.0, {})
    assertColor(colorAt(view, unsure(following)), colorsOf("entropy")[round(0.85 * 255)])


def test_a_view_added_later_shows_it_too(scene, the_image_in_a_view, case):
    views = [the_image_in_a_view]
    overlays = Overlays(lambda: [view.compositeNode for view in views])
    overlays.show(case, OverlayMode.entropy, 1.0, {})
    later = SliceView("Later", "Coronal")
    views.append(later)
    later.show(case.image)
    assertColor(colorAt(later, unsure(case)), colorsOf("entropy")[round(0.85 * 255)])
    overlays.refresh()
    assert list(legendsIn(later)) == [SCALES["entropy"].title]
    overlays.leave()
    assert later.compositeNode.GetNumberOfAdditionalLayers() == 0
    later.close()
    scene.RemoveNode(later.compositeNode)
    scene.RemoveNode(later.sliceNode)


def test_a_view_that_went_out_of_the_layout_gets_its_layers_back_too(scene, the_image_in_a_view, case):
    shown = [the_image_in_a_view.compositeNode]
    overlays = Overlays(lambda: shown)
    composite = the_image_in_a_view.compositeNode
    composite.SetCompositing(composite.Add)
    overlays.show(case, OverlayMode.both, 0.4, {})
    shown.clear()
    overlays.setOpacity(0.7)
    assert [composite.GetNthLayerOpacity(n) for n in (3, 4)] == [0.7, 0.7]
    overlays.leave()
    assert composite.GetNumberOfAdditionalLayers() == 0
    assert [composite.GetNthLayerOpacity(n) for n in (3, 4)] == [1.0, 1.0]
    assert composite.GetCompositing() == composite.Add
    composite.SetCompositing(composite.Alpha)


def test_a_view_that_was_removed_does_no_harm(scene, case):
    view = SliceView("Gone", "Axial")
    overlays = Overlays(lambda: [view.compositeNode])
    overlays.show(case, OverlayMode.both, 1.0, {})
    view.close()
    scene.RemoveNode(view.compositeNode)
    overlays.setOpacity(0.3)
    overlays.leave()
    assert ourNodes(scene) == []
    scene.RemoveNode(view.sliceNode)


def test_nobody_listens_any_more_after_leaving(overlays, case):
    before = sys.getrefcount(overlays)
    overlays.show(case, OverlayMode.both, 0.5, {})
    assert sys.getrefcount(overlays) > before  # what listens to the scene holds it
    overlays.leave()
    gc.collect()
    assert sys.getrefcount(overlays) == before
    assert not [thing for thing in gc.get_objects() if isinstance(thing, MirrorVolume)]


def test_while_the_scene_closes_nothing_of_ours_is_added_to_it(overlays, case):
    added = []
    overlays.show(case, OverlayMode.both, 0.5, {})
    tag = case.scene.AddObserver(case.scene.NodeAddedEvent, lambda *_: added.extend(ourNodes(slicer.mrmlScene)))
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.RemoveObserver(tag)
    assert added == []


def test_a_stray_layer_of_ours_is_cleared_away(overlays, view, case):
    view.compositeNode.SetNthLayerVolumeID(3, MirrorVolume.idOf("kl")[0])
    overlays.show(case, OverlayMode.entropy, 1.0, {})
    assert layersOf(view.compositeNode)[3:] == [(MirrorVolume.idOf("entropy")[0], 1.0)]


def test_what_stands_already_is_not_made_anew(overlays, view, case):
    overlays.show(case, OverlayMode.both, 0.5, {})
    before = nodesIn(case.scene)
    overlays.show(case, OverlayMode.both, 0.7, {"kl": 0.3})
    assert nodesIn(case.scene) == before
    shown = view.pixels()
    overlays.refresh()
    np.testing.assert_array_equal(view.pixels(), shown)


def test_a_layer_that_was_taken_out_comes_back_with_the_next_wish(overlays, view, case):
    overlays.show(case, OverlayMode.entropy, 0.5, {})
    shown = view.pixels()
    view.compositeNode.SetNthLayerVolumeID(view.compositeNode.Layer_Last, None)
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 0
    overlays.show(case, OverlayMode.entropy, 0.5, {})
    np.testing.assert_array_equal(view.pixels(), shown)
