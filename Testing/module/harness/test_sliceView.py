"""Slice and 3D views are drawn as the application draws them; checked in pixels."""

import numpy as np
import pytest
import slicer

from sliceView import SliceView, ThreeDView


@pytest.fixture
def a_view(scene):
    opened = []

    def open_(name="Red", **keywords):
        opened.append(SliceView(name, **keywords))
        return opened[-1]

    yield open_
    for view in opened:
        view.close()


@pytest.fixture
def a_3d_view(scene):
    view = ThreeDView()
    yield view
    view.close()


def test_a_slice_shows_the_volume_as_it_lies_in_the_patient(a_view, a_ramp):
    view = a_view("Red")
    view.show(a_ramp)
    pixels = view.pixels()
    assert pixels.shape == (500, 500, 3)
    # Right of the patient is left on the screen: what is brighter along R is brighter to the left.
    row, left = view.pixelOf((95.0, 40.0, 30.0))
    _, right = view.pixelOf((5.0, 40.0, 30.0))
    assert left < right
    assert pixels[row, left, 0] > 200
    assert pixels[row, right, 0] < 30


def test_the_first_row_is_at_the_top(a_view, scene):
    _, j, _ = np.mgrid[:10, :80, :100]
    view = a_view("Red")
    view.show(slicer.util.addVolumeFromArray(j.astype(np.float32), name="brighter in front"))
    pixels = view.pixels()
    front, column = view.pixelOf((50.0, 78.0, 5.0))
    back, _ = view.pixelOf((50.0, 2.0, 5.0))
    assert front < back
    assert pixels[front, column, 0] > 200
    assert pixels[back, column, 0] < 30


@pytest.mark.parametrize(("name", "normal"), [("Red", 2), ("Yellow", 0), ("Green", 1)])
def test_each_view_has_its_orientation(a_view, name, normal):
    axes = slicer.util.arrayFromVTKMatrix(a_view(name).sliceNode.GetSliceToRAS())
    assert abs(axes[normal, 2]) == pytest.approx(1.0)


def test_pixels_and_places_are_each_others_inverse(a_view, a_ramp):
    view = a_view()
    view.show(a_ramp)
    row, column = view.pixelOf((30.0, 20.0, 30.0))
    np.testing.assert_allclose(view.rasOf(row, column), (30.0, 20.0, view.sliceNode.GetSliceOffset()), atol=0.5)


def test_a_segmentation_is_drawn_over_the_volume(a_view, a_ramp, a_segmented_ball):
    view = a_view()
    view.show(a_ramp)
    inside = view.pixels()[view.pixelOf((50.0, 40.0, 30.0))].astype(int)
    outside = view.pixels()[view.pixelOf((50.0, 75.0, 30.0))].astype(int)
    assert inside[0] - inside[1] > 50
    assert abs(outside[0] - outside[1]) < 5


def test_a_change_asks_for_a_render(a_view, a_ramp, a_segmented_ball):
    view = a_view()
    view.show(a_ramp)
    view.pixels()
    assert not view.needsRender
    a_segmented_ball.GetDisplayNode().SetOpacity2DFill(0.9)
    assert view.needsRender
    view.pixels()
    a_ramp.GetDisplayNode().SetAutoWindowLevel(False)
    a_ramp.GetDisplayNode().SetWindowLevel(20, 100)
    assert view.needsRender


def test_a_view_can_have_another_size(a_view, a_ramp):
    view = a_view(size=(320, 200))
    view.show(a_ramp)
    assert view.pixels().shape == (200, 320, 3)
    view.resize(160, 120)
    assert view.pixels().shape == (120, 160, 3)


def test_a_jump_centres_the_view(a_view, a_ramp):
    view = a_view()
    view.show(a_ramp)
    view.jumpTo((20.0, 30.0, 12.0))
    assert view.sliceNode.GetSliceOffset() == pytest.approx(12.0)
    row, column = view.pixelOf((20.0, 30.0, 12.0))
    assert abs(row - 250) <= 2
    assert abs(column - 250) <= 2


def test_further_layers_are_blended(a_view, a_ramp):
    view = a_view()
    view.show(a_ramp)
    before = view.pixels()
    overlay = slicer.util.addVolumeFromArray(np.full((60, 80, 100), 100.0, np.float32), name="overlay")
    overlay.GetDisplayNode().SetAutoWindowLevel(False)
    overlay.GetDisplayNode().SetWindowLevel(10, 50)
    view.compositeNode.SetNthLayerVolumeID(3, overlay.GetID())
    view.compositeNode.SetNthLayerOpacity(3, 1.0)
    after = view.pixels()
    where = view.pixelOf((5.0, 40.0, 30.0))
    assert before[where][0] < 30
    assert after[where][0] > 200


def test_a_view_opened_again_uses_the_same_nodes(a_view, application):
    first = a_view("Red")
    identity = first.sliceNode.GetID()
    first.close()
    application.clearScene()
    second = a_view("Red")
    assert second.sliceNode.GetID() == identity
    assert second.sliceNode.GetScene() is application.scene
    assert second.pixels().max() == 0


def test_the_application_logic_knows_the_views_that_are_open(a_view, application):
    view = a_view("Red")
    logics = application.applicationLogic.GetSliceLogics()
    assert logics.IsItemPresent(view.logic)
    view.close()
    view.close()
    assert not logics.IsItemPresent(view.logic)


def test_the_3d_view_shows_the_surface(a_3d_view, a_segmented_ball):
    before = a_3d_view.pixels()
    a_segmented_ball.CreateClosedSurfaceRepresentation()
    a_3d_view.resetCamera()
    after = a_3d_view.pixels().astype(int)
    red = (after[..., 0] > after[..., 1] + 60) & (after[..., 0] > after[..., 2] + 60)
    assert red.sum() > 500
    assert before.shape == (500, 500, 3)
