"""Showing an overlay touches nothing of the user's views, and leaving gives them back."""

import numpy as np
import pytest
import slicer

from DualSSLSegmentationLib.display.colorTables import KINDS, colorsOf
from DualSSLSegmentationLib.display.overlays import OverlayMode
from sampleCases import obliqueVolume
from uncertaintyViews import assertColor, colorAt, layersOf, ourNodes, sure, unsure


def test_background_foreground_and_label_layer_stay_as_they_are(overlays, view, case):
    other = obliqueVolume(case.scene, "Other")
    view.show(case.image, other, case.prediction)
    view.compositeNode.SetForegroundOpacity(0.3)
    view.compositeNode.SetLabelOpacity(0.7)
    before = layersOf(view.compositeNode)
    overlays.show(case, OverlayMode.both, 0.5, {})
    assert layersOf(view.compositeNode)[:3] == before
    overlays.leave()
    assert layersOf(view.compositeNode) == before


def test_the_overlay_is_seen_over_a_foreground(overlays, view, case):
    view.show(case.image, obliqueVolume(case.scene, "Other"))
    view.compositeNode.SetForegroundOpacity(1.0)
    overlays.show(case, OverlayMode.entropy, 1.0, {})
    assertColor(colorAt(view, unsure(case)), colorsOf("entropy")[round(0.85 * 255)])


def test_leaving_gives_back_every_pixel_and_node(overlays, view, case):
    pixels, nodes = view.pixels(), case.scene.GetNumberOfNodes()
    overlays.show(case, OverlayMode.both, 0.5, {})
    assert (view.pixels() != pixels).any()
    overlays.leave()
    np.testing.assert_array_equal(view.pixels(), pixels)
    assert ourNodes(case.scene) == []
    assert case.scene.GetNumberOfNodes() == nodes + len(KINDS)  # the colour tables stay


def test_what_a_person_changed_meanwhile_stays(overlays, view, case):
    overlays.show(case, OverlayMode.both, 0.5, {})
    other = obliqueVolume(case.scene, "Other")
    view.compositeNode.SetBackgroundVolumeID(other.GetID())
    view.compositeNode.SetForegroundVolumeID(case.image.GetID())
    view.compositeNode.SetForegroundOpacity(0.25)
    overlays.leave()
    assert layersOf(view.compositeNode) == [(other.GetID(), 1.0), (case.image.GetID(), 0.25), (None, 1.0)]


@pytest.mark.parametrize("meanwhile", [False, True])
def test_an_additional_layer_of_somebody_else_keeps_its_place_and_opacity(overlays, view, case, meanwhile):
    other = obliqueVolume(case.scene, "Other")
    if meanwhile:
        overlays.show(case, OverlayMode.both, 0.5, {})
    first = view.compositeNode.Layer_Last + view.compositeNode.GetNumberOfAdditionalLayers()
    view.compositeNode.SetNthLayerVolumeID(first, other.GetID())
    view.compositeNode.SetNthLayerOpacity(first, 0.15)
    overlays.show(case, OverlayMode.both, 0.5, {})
    assert (other.GetID(), 0.15) in layersOf(view.compositeNode)
    overlays.leave()
    assert layersOf(view.compositeNode)[3:] == [(other.GetID(), 0.15)]


def test_the_place_of_a_layer_is_left_as_it_was_found(overlays, view, case):
    overlays.show(case, OverlayMode.both, 0.35, {})
    overlays.leave()
    assert [view.compositeNode.GetNthLayerOpacity(n) for n in (3, 4)] == [1.0, 1.0]


def test_a_layer_of_ours_that_a_person_took_out_does_no_harm(overlays, view, case):
    overlays.show(case, OverlayMode.both, 0.5, {})
    view.compositeNode.SetNthLayerVolumeID(3, None)
    overlays.setOpacity(0.4)
    overlays.leave()
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 0


@pytest.mark.parametrize("compositing", ["Add", "Subtract", "ReverseAlpha"])
def test_views_that_add_or_reverse_layers_blend_while_it_is_shown(overlays, view, case, compositing):
    mode = getattr(view.compositeNode, compositing)
    view.compositeNode.SetCompositing(mode)
    below = colorAt(view, sure(case))
    overlays.show(case, OverlayMode.entropy, 0.6, {"entropy": 0.4})
    assertColor(colorAt(view, sure(case)), below)
    overlays.leave()
    assert view.compositeNode.GetCompositing() == mode


def test_how_a_person_shows_the_maps_themselves_stays(overlays, case):
    display = case.entropy.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeRed")
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0.3, 0.4)
    display.SetThreshold(0.35, 0.36)
    overlays.show(case, OverlayMode.both, 0.5, {})
    overlays.setThreshold("entropy", 0.7)
    overlays.leave()
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeRed"
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((0.3, 0.4))
    assert display.GetLowerThreshold() == 0.35
    assert not display.GetApplyThreshold()


def test_no_selector_and_no_tree_offers_what_is_ours(overlays, case):
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(case.scene)
    overlays.show(case, OverlayMode.both, 0.5, {})
    scene = case.scene
    ours = [scene.GetFirstNodeByName(name) for name in ourNodes(scene)]
    assert ours
    assert all(node.GetHideFromEditors() and not node.GetSaveWithScene() for node in ours)
    assert not any(tree.GetItemByDataNode(node) for node in ours)
