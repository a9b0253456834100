"""The application without windows is whole: what MRML code leans on is there and behaves."""

import numpy as np
import pytest
import slicer

from sliceView import SliceView


@pytest.fixture
def a_volume(scene):
    return slicer.util.addVolumeFromArray(np.arange(60, dtype=np.float32).reshape(3, 4, 5), name="image")


@pytest.fixture
def a_segmentation(scene, a_volume):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(a_volume)
    node.GetSegmentation().AddEmptySegment("atrium", "Atrium")
    return node


def test_the_scene_has_what_every_scene_of_the_application_has(scene):
    assert scene is slicer.mrmlScene
    assert scene.GetFirstNodeByClass("vtkMRMLCrosshairNode").GetCrosshairName() == "default"
    assert scene.GetFirstNodeByClass("vtkMRMLSelectionNode") is not None
    assert scene.GetNodeByID("vtkMRMLColorTableNodeGrey") is not None
    assert scene.GetNodeByID("vtkMRMLColorTableNodeFileGenericColors.txt") is not None
    assert scene.GetDefaultNodeByClass("vtkMRMLSliceNode").GetNumberOfSliceOrientationPresets() == 3


def test_closing_the_scene_leaves_what_a_new_one_has(scene, application):
    before = scene.GetNumberOfNodes()
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")
    application.clearScene()
    assert scene.GetNumberOfNodes() == before
    assert scene.GetNodeByID("vtkMRMLColorTableNodeGrey") is not None


def test_a_test_begins_without_what_a_closed_scene_keeps(scene, application):
    before = scene.GetNumberOfNodes()
    node = slicer.vtkMRMLSegmentEditorNode()
    node.SetSingletonTag("Editor")
    scene.AddNode(node)
    view = SliceView("Red")
    view.close()
    application.clearScene()
    assert scene.GetFirstNodeByClass("vtkMRMLSegmentEditorNode") is node
    assert scene.GetNodeByID("vtkMRMLSliceNodeRed") is not None
    application.startOver()
    assert scene.GetFirstNodeByClass("vtkMRMLSegmentEditorNode") is None
    assert scene.GetNodeByID("vtkMRMLSliceNodeRed") is None
    assert scene.GetNumberOfNodes() <= before


def test_a_segment_of_a_mask_is_the_mask(a_segmentation, a_volume):
    mask = np.zeros((3, 4, 5), np.uint8)
    mask[1, 1:3, 2:4] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, a_segmentation, "atrium", a_volume)
    read = slicer.util.arrayFromSegmentBinaryLabelmap(a_segmentation, "atrium", a_volume)
    np.testing.assert_array_equal(read, mask)


def test_a_scene_bundle_is_written_and_read(a_segmentation, a_volume, application, tmp_path):
    mask = np.ones((3, 4, 5), np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, a_segmentation, "atrium", a_volume)
    a_segmentation.SetAttribute("kept", "yes")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    application.clearScene()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    read = slicer.util.getNode("segmentation")
    assert read.GetAttribute("kept") == "yes"
    volume = slicer.util.getNode("image")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(volume).shape, (3, 4, 5))
    np.testing.assert_array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(read, "atrium", volume), mask)


def test_the_logics_of_modules_are_the_real_ones(scene):
    assert slicer.modules.segmentations.logic().IsA("vtkSlicerSegmentationsModuleLogic")
    assert slicer.modules.volumes.logic().GetMRMLScene() is scene


def test_the_utilities_are_in_slicer_util_alone(scene):
    assert callable(slicer.util.getNode)
    assert not hasattr(slicer, "getNode")
    assert not hasattr(slicer, "VTKObservationMixin")


def test_what_the_stand_in_lacks_says_so(scene):
    with pytest.raises(AttributeError, match="no module 'nnunet'"):
        _ = slicer.modules.nnunet
    with pytest.raises(AttributeError, match=r"slicer\.app\.commandOptions"):
        _ = slicer.app.commandOptions()
