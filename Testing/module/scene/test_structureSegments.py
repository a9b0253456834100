"""Which segment stands for which structure, whatever people do with the list of segments."""

import numpy as np
import pytest
import slicer

from dualssl.labels import LabelTable
from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.scene.segmentation import addSegmentation, labelMapOf, segmentIdOf
from DualSSLSegmentationLib.scene.segmentLayers import layersOf
from sampleCases import (
    SHAPE,
    addSegment,
    box,
    obliqueGeometry,
    obliqueVolume,
)

FORTY = LabelTable.from_dataset_json({"background": 0} | {f"structure {n}": n for n in range(1, 41)})
Logic = slicer.vtkSlicerSegmentationsModuleLogic


@pytest.fixture
def forty_segments(scene):
    """Forty structures in stripes, on their image."""
    image = obliqueVolume(scene)
    stripes = (np.arange(np.prod(SHAPE)).reshape(SHAPE) // 100 % 41).astype(np.uint8)
    return addSegmentation(scene, Volume(stripes, obliqueGeometry()), FORTY, image, "forty"), image, stripes


class TestWhichSegmentIsWhich:
    def test_a_renamed_segment_stays_what_it_is(self, a_segmented_case, labels_of):
        before = labels_of().array
        a_segmented_case.node.GetSegmentation().GetSegment("Segment_1").SetName("Vorhof 左心房")
        found = labels_of()
        np.testing.assert_array_equal(found.array, before)
        assert found.unknown == ()

    def test_even_where_two_swap_their_names(self, a_segmented_case, labels_of):
        before = labels_of().array
        segmentation = a_segmented_case.node.GetSegmentation()
        segmentation.GetSegment("Segment_1").SetName("wall")
        segmentation.GetSegment("Segment_2").SetName("left atrium")
        np.testing.assert_array_equal(labels_of().array, before)

    def test_another_order_changes_nothing(self, a_segmented_case, labels_of):
        before = labels_of().array
        a_segmented_case.node.GetSegmentation().SetSegmentIndex("Segment_1", 1)
        assert a_segmented_case.node.GetSegmentation().GetSegmentIDs() == ("Segment_2", "Segment_1")
        np.testing.assert_array_equal(labels_of().array, before)

    def test_values_do_not_shift_when_a_segment_is_removed(self, a_segmented_case, labels_of):
        before = labels_of().array
        a_segmented_case.node.GetSegmentation().RemoveSegment("Segment_1")
        np.testing.assert_array_equal(labels_of().array, np.where(before == 2, 2, 0))

    @pytest.mark.parametrize("name", ["left atrium", " Left Atrium "])
    def test_one_added_again_under_its_name_gets_its_value_back(self, a_segmented_case, labels_of, name):
        before = labels_of().array
        node = a_segmented_case.node
        node.GetSegmentation().RemoveSegment("Segment_1")
        again = addSegment(node, name, before == 1)
        assert node.GetSegmentation().GetSegmentIDs() == ("Segment_2", again)
        np.testing.assert_array_equal(labels_of().array, before)
        assert segmentIdOf(node, 1) == again

    def test_one_that_stands_for_nothing_is_reported_and_left_out(self, a_segmented_case, labels_of):
        before = labels_of().array
        addSegment(a_segmented_case.node, "Gekritzel ✎", box((0, 0, 0), (4, 4, 4)))
        found = labels_of()
        np.testing.assert_array_equal(found.array, before)
        assert found.unknown == ("Gekritzel ✎",)
        assert found.overlapping == 0

    def test_a_copy_of_a_structure_is_not_the_structure(self, a_segmented_case, labels_of):
        segmentation = a_segmented_case.node.GetSegmentation()
        copy = slicer.vtkSegment()
        copy.DeepCopy(segmentation.GetSegment("Segment_1"))
        copy.SetName("left atrium copy")
        segmentation.AddSegment(copy, "copy", "Segment_1")  # in front of it
        assert segmentation.GetSegmentIDs()[0] == "copy"
        assert segmentIdOf(a_segmented_case.node, 1) == "Segment_1"
        assert labels_of().unknown == ("left atrium copy",)
        assert labels_of().overlapping == 0

    def test_a_value_that_the_labels_lack_is_no_value(self, a_segmented_case, labels_of):
        node = a_segmented_case.node
        for text in ("7", "-1", "0", "one", ""):
            segmentId = addSegment(node, f"tag {text}")
            node.GetSegmentation().GetSegment(segmentId).SetTag("DualSSL.LabelValue", text)
        assert labels_of().unknown == ("tag 7", "tag -1", "tag 0", "tag one", "tag ")

    def test_helper_segments_are_nobody(self, a_segmented_case, labels_of):
        before = labels_of().array
        helper = addSegment(a_segmented_case.node, "region", before != 0)
        a_segmented_case.node.GetSegmentation().GetSegment(helper).SetTag("DualSSL.Role", "regionMask")
        found = labels_of()
        np.testing.assert_array_equal(found.array, before)
        assert (found.unknown, found.overlapping) == ((), 0)

    def test_a_structure_without_a_segment_has_no_id(self, a_segmented_case):
        a_segmented_case.node.GetSegmentation().RemoveSegment("Segment_2")
        assert segmentIdOf(a_segmented_case.node, 2) is None
        assert segmentIdOf(a_segmented_case.node, 9) is None

    def test_forty_segments_each_keep_their_value(self, forty_segments):
        node, image, stripes = forty_segments
        assert len(layersOf(node)) == 1
        segmentation = node.GetSegmentation()
        for number in (3, 17, 40):
            segmentation.RemoveSegment(f"Segment_{number}")
        addSegment(node, "structure 17", stripes == 17)
        found = labelMapOf(node, FORTY, image)
        np.testing.assert_array_equal(found.array, np.where(np.isin(stripes, (3, 40)), 0, stripes))
        assert found.unknown == ()
