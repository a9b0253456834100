"""What a person sees of entropy and KL over the image."""

import numpy as np
import slicer
import vtk

from DualSSLSegmentationLib.display.colorTables import SCALES, colorsOf
from DualSSLSegmentationLib.display.overlays import OverlayMode
from sampleCases import SHAPE
from uncertaintyViews import PAINT_ALL_UNSURE, assertColor, blended, colorAt, inConflict, ourNodes, sure, unsure


def test_off_shows_the_image_alone(overlays, the_image_in_a_view, case):
    before = the_image_in_a_view.pixels()
    overlays.show(case, OverlayMode.off, 1.0, {})
    np.testing.assert_array_equal(the_image_in_a_view.pixels(), before)
    assert ourNodes(case.scene) == []


def test_entropy_is_painted_warm_where_the_mean_is_unsure(overlays, view, case):
    below = colorAt(view, unsure(case))
    overlays.show(case, OverlayMode.entropy, 0.6, PAINT_ALL_UNSURE)
    assertColor(colorAt(view, unsure(case)), blended(below, "entropy", 0.85, 0.6))


def test_kl_is_painted_cool_where_the_networks_contradict_each_other(overlays, view, case):
    below = colorAt(view, inConflict(case))
    overlays.show(case, OverlayMode.kl, 0.6, PAINT_ALL_UNSURE)
    assertColor(colorAt(view, inConflict(case)), blended(below, "kl", 2.5, 0.6))


def test_entropy_alone_leaves_out_the_conflict_and_kl_alone_the_ambiguity(overlays, view, case):
    below = {place: colorAt(view, place(case)) for place in (unsure, inConflict)}
    overlays.show(case, OverlayMode.entropy, 0.6, {"entropy": 0.4})
    assertColor(colorAt(view, inConflict(case)), below[inConflict])
    overlays.show(case, OverlayMode.kl, 0.6, {"kl": 0.4})
    assertColor(colorAt(view, unsure(case)), below[unsure])


def test_both_shows_each_in_its_place(overlays, view, case):
    below = {place: colorAt(view, place(case)) for place in (unsure, inConflict)}
    overlays.show(case, OverlayMode.both, 0.5, {"entropy": 0.4, "kl": 0.4})
    assertColor(colorAt(view, unsure(case)), blended(below[unsure], "entropy", 0.85, 0.5))
    assertColor(colorAt(view, inConflict(case)), blended(below[inConflict], "kl", 2.5, 0.5))


def test_kl_lies_over_entropy_in_whatever_order_they_were_asked_for(overlays, view, case):
    below = colorAt(view, unsure(case))
    overlays.show(case, OverlayMode.kl, 0.5, {})
    slicer.util.arrayFromVolume(case.kl)[:] = 1.0
    slicer.util.arrayFromVolumeModified(case.kl)
    overlays.show(case, OverlayMode.both, 0.5, PAINT_ALL_UNSURE)
    warm = blended(below, "entropy", 0.85, 0.5)
    assertColor(colorAt(view, unsure(case)), blended(warm, "kl", 1.0, 0.5))


def test_below_the_threshold_nothing_is_painted(overlays, view, case):
    below = colorAt(view, sure(case))
    overlays.show(case, OverlayMode.both, 1.0, {"entropy": 0.1, "kl": 0.05})
    assertColor(colorAt(view, sure(case)), below)


def test_a_threshold_of_zero_paints_all_of_the_image_and_nothing_beside_it(overlays, view, case):
    outside = view.pixels()[2, 2]
    overlays.show(case, OverlayMode.entropy, 1.0, {"entropy": 0.0})
    assertColor(colorAt(view, sure(case)), colorsOf("entropy")[round(0.02 * 255)])
    np.testing.assert_array_equal(view.pixels()[2, 2], outside)


def test_values_above_the_scale_are_painted_too(overlays, view, case):
    assert slicer.util.arrayFromVolume(case.kl).max() > SCALES["kl"].top
    overlays.show(case, OverlayMode.kl, 1.0, {})
    assertColor(colorAt(view, inConflict(case)), colorsOf("kl")[-1])


def test_a_change_of_opacity_is_seen_at_once(overlays, view, case):
    below = colorAt(view, unsure(case))
    overlays.show(case, OverlayMode.both, 0.2, {"entropy": 0.4, "kl": 0.4})
    for opacity in (0.8, 0.0, 1.0):
        view.needsRender = False
        overlays.setOpacity(opacity)
        assert view.needsRender
        assertColor(colorAt(view, unsure(case)), blended(below, "entropy", 0.85, opacity))


def test_a_change_of_the_threshold_is_seen_at_once(overlays, view, case):
    below = colorAt(view, unsure(case))
    overlays.show(case, OverlayMode.entropy, 1.0, {"entropy": 0.4})
    for threshold, painted in ((0.9, False), (0.8, True), (0.95, False)):
        view.needsRender = False
        overlays.setThreshold("entropy", threshold)
        assert view.needsRender
        assertColor(colorAt(view, unsure(case)), colorsOf("entropy")[round(0.85 * 255)] if painted else below)


def test_the_threshold_of_one_map_leaves_the_other_alone(overlays, view, case):
    overlays.show(case, OverlayMode.both, 1.0, {"entropy": 0.4, "kl": 0.4})
    overlays.setThreshold("kl", 9.0)
    assertColor(colorAt(view, unsure(case)), colorsOf("entropy")[round(0.85 * 255)])


def test_it_stays_in_place_when_the_case_is_moved(overlays, view, case):
    overlays.show(case, OverlayMode.entropy, 1.0, {"entropy": 0.4})
    transform = case.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(rotationAndShift())
    for volume in (case.image, case.entropy):
        volume.SetAndObserveTransformNodeID(transform.GetID())
    assertColor(colorAt(view, unsure(case)), colorsOf("entropy")[round(0.85 * 255)])


def test_new_voxels_of_a_map_are_seen(overlays, view, case):
    overlays.show(case, OverlayMode.entropy, 1.0, {"entropy": 0.4})
    slicer.util.updateVolumeFromArray(case.entropy, np.full(SHAPE, 0.5, np.float32))
    assertColor(colorAt(view, sure(case)), colorsOf("entropy")[round(0.5 * 255)])


def test_voxels_put_in_the_place_of_a_maps_are_seen(overlays, view, case):
    overlays.show(case, OverlayMode.entropy, 1.0, {"entropy": 0.4})
    other = vtk.vtkImageData()
    other.DeepCopy(case.entropy.GetImageData())
    other.GetPointData().GetScalars().Fill(0.7)
    case.entropy.SetAndObserveImageData(other)
    assertColor(colorAt(view, sure(case)), colorsOf("entropy")[round(0.7 * 255)])


def test_a_map_moved_by_its_own_matrix_is_followed(overlays, view, case):
    below = colorAt(view, unsure(case))
    overlays.show(case, OverlayMode.entropy, 1.0, {"entropy": 0.4})
    case.entropy.SetOrigin(500.0, 0.0, 0.0)
    assertColor(colorAt(view, unsure(case)), below)


def rotationAndShift():
    transform = vtk.vtkTransform()
    transform.Translate(12.0, -7.0, 30.0)
    transform.RotateWXYZ(25.0, 1.0, 2.0, 0.5)
    return transform.GetMatrix()
