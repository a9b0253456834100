"""Overlays and coloured surfaces as they were chosen: made anew only where they must be, and gone with what they show."""

from dataclasses import replace

import numpy as np
import pytest

from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.display.overlays import OverlayMode, OverlayState
from DualSSLSegmentationLib.display.uncertaintyDisplay import UncertaintyDisplay
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, segmentIdOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import geometryOf
from sampleCases import segmentedCase
from sliceView import SliceView
from uncertaintyViews import layersOf, nodesOf, ourNodes

ENTROPY = OverlayState(OverlayMode.entropy)


@pytest.fixture
def case(scene):
    return segmentedCase(scene)


@pytest.fixture
def view(scene):
    shown = SliceView("Red")
    yield shown
    shown.close()


@pytest.fixture
def problems():
    return []


@pytest.fixture
def display(case, view, problems):
    shown = UncertaintyDisplay(lambda: [view.compositeNode], problems.append)
    yield shown
    shown.close()


def surfaces():
    return [node for node in nodesOf("vtkMRMLModelNode") if "surface by" in node.GetName()]


def written(case, labels):
    writeLabels(case.node, Volume(labels, geometryOf(case.image)), case.labels)


def test_an_overlay_comes_and_goes(display, case, view):
    before = layersOf(view.compositeNode)
    display.show(case, ENTROPY, surface=False)
    assert display.overlays.shown == ("entropy",)
    display.show(case, replace(ENTROPY, mode=OverlayMode.both), surface=False)
    assert display.overlays.shown == ("entropy", "kl")
    display.show(None, ENTROPY, surface=False)
    assert layersOf(view.compositeNode) == before
    assert ourNodes(case.scene) == []


def test_moving_a_slider_makes_nothing_anew(display, case, view, scene):
    display.show(case, ENTROPY, surface=False)
    added = []
    tag = scene.AddObserver(scene.NodeAddedEvent, lambda *_: added.append(1))
    state = replace(ENTROPY, opacity=0.25, thresholds={"entropy": 0.5, "kl": 0.3})
    display.show(case, state, surface=False)
    scene.RemoveObserver(tag)
    assert added == []
    assert display.overlays.state == state
    assert layersOf(view.compositeNode)[-1][1] == 0.25


def test_surfaces_stand_in_for_the_segments_and_follow_the_mode(display, case):
    display.show(case, ENTROPY, surface=True)
    first = surfaces()
    assert len(first) == len(case.labels)
    segment = segmentIdOf(case.node, 1)
    assert not case.node.GetDisplayNode().GetSegmentVisibility3D(segment)
    display.show(case, replace(ENTROPY, opacity=0.1), surface=True)
    assert surfaces() == first
    display.show(case, replace(ENTROPY, mode=OverlayMode.kl), surface=True)
    assert len(surfaces()) == len(first)
    assert not set(surfaces()) & set(first)
    display.show(case, replace(ENTROPY, mode=OverlayMode.off), surface=True)
    assert surfaces() == []
    assert case.node.GetDisplayNode().GetSegmentVisibility3D(segment)


def test_surfaces_follow_edits_and_go_with_their_voxels(display, case):
    display.show(case, ENTROPY, surface=True)
    points = {node.GetName(): node.GetPolyData().GetNumberOfPoints() for node in surfaces()}
    labels = labelMapOf(case, case.labels, case.image).array
    labels[:, :, : labels.shape[2] // 2] = 0
    written(case, labels)
    display.edited()
    assert all(node.GetPolyData().GetNumberOfPoints() < points[node.GetName()] for node in surfaces())
    written(case, np.where(labels == 1, 0, labels).astype(np.uint8))
    display.edited()
    assert len(surfaces()) == len(case.labels) - 1
    display.edited()


def test_where_no_structure_has_a_surface_it_is_said(display, case, problems):
    written(case, np.zeros(geometryOf(case.image).shape, np.uint8))
    display.show(case, ENTROPY, surface=True)
    assert surfaces() == []
    assert len(problems) == 1


def test_between_leave_and_enter_nothing_is_shown(display, case):
    display.show(case, ENTROPY, surface=True)
    display.leave()
    assert (display.overlays.shown, surfaces()) == ((), [])
    display.show(case, ENTROPY, surface=True)
    assert (display.overlays.shown, surfaces()) == ((), [])
    display.enter()
    assert display.overlays.shown == ("entropy",)
    assert surfaces()


def test_other_maps_are_shown_anew(display, case):
    display.show(case, ENTROPY, surface=True)
    before = surfaces()
    display.caseChanged(case)
    assert surfaces()
    assert not set(surfaces()) & set(before)
    display.caseChanged(None)
    assert ourNodes(case.scene) == []
    assert surfaces() == []
