"""Overlays and scenes that are saved and loaded."""

import json

import pytest
import slicer

import slicerCore
from DualSSLSegmentationLib.display.colorTables import colorsOf
from DualSSLSegmentationLib.display.overlays import OverlayMode, OverlayState
from DualSSLSegmentationLib.scene.caseNodes import SegmentedCase
from uncertaintyViews import (
    assertColor,
    blended,
    colorAt,
    inConflict,
    legendsIn,
    nodesOf,
    ourNodes,
    unsure,
)


def test_a_scene_saved_while_it_is_shown_brings_no_layer_of_its_own(overlays, view, case, tmp_path):
    place = unsure(case)  # in the world: reading a left-handed volume reverses an axis of its voxels
    below = colorAt(view, place)
    overlays.show(case, OverlayMode.both, 0.5, {})
    loaded = savedAndLoaded(overlays, tmp_path)
    assert ourNodes(loaded.scene) == []
    assert legendsIn(view) == {}
    view.show(loaded.image)
    assertColor(colorAt(view, place), below)


def test_after_loading_it_is_shown_again_as_its_state_says(overlays, view, case, tmp_path):
    ambiguity, conflict = unsure(case), inConflict(case)
    below = {place: colorAt(view, place) for place in (ambiguity, conflict)}
    overlays.show(case, OverlayMode.both, 0.45, {"entropy": 0.4, "kl": 0.2})
    kept = json.dumps(overlays.state.toJson())
    loaded = savedAndLoaded(overlays, tmp_path)
    view.show(loaded.image)
    overlays.restore(loaded, OverlayState.fromJson(json.loads(kept)))
    assertColor(colorAt(view, ambiguity), blended(below[ambiguity], "entropy", 0.85, 0.45))
    assertColor(colorAt(view, conflict), blended(below[conflict], "kl", 2.5, 0.45))
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 2
    overlays.leave()
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 0


@pytest.mark.parametrize("saved", [OverlayMode.off, OverlayMode.both])
def test_another_scene_added_while_it_is_shown_leaves_it_in_place(overlays, view, case, tmp_path, saved):
    path = str(tmp_path / "case.mrb")
    overlays.show(case, saved, 1.0, {"entropy": 0.4})
    slicer.util.saveScene(path)
    overlays.show(case, OverlayMode.entropy, 1.0, {"entropy": 0.4})
    slicer.util.loadScene(path)
    assert overlays.shown == ("entropy",)
    assert view.compositeNode.GetNumberOfAdditionalLayers() == 1
    view.show(case.image)
    for node in nodesOf("vtkMRMLSegmentationNode"):
        node.GetDisplayNode().SetVisibility(False)
    assertColor(colorAt(view, unsure(case)), colorsOf("entropy")[round(0.85 * 255)])


def savedAndLoaded(overlays, folder):
    """The case after its scene was saved, closed and loaded again."""
    path = str(folder / "case.mrb")
    slicer.util.saveScene(path)
    overlays.sceneClosed()
    slicerCore.application().clearScene()
    slicer.util.loadScene(path)
    (node,) = nodesOf("vtkMRMLSegmentationNode")
    return SegmentedCase(node)
