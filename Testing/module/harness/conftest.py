"""What the tests of the harness share."""

import importlib

import numpy as np
import pytest


@pytest.fixture
def qt(no_main_window):
    """The module `qt` of the application."""
    return importlib.import_module("qt")


@pytest.fixture
def ctk(no_main_window):
    """The module `ctk` of the application."""
    return importlib.import_module("ctk")


@pytest.fixture
def faults(no_unnoticed_fault):
    """The record of faults."""
    return no_unnoticed_fault


@pytest.fixture
def turn(no_main_window):
    """Lets the event loop do what waits."""
    return no_main_window.turn


@pytest.fixture
def a_ramp(scene):
    """A volume that gets brighter along i, from 0 to 198; 60 x 80 x 100 voxels (k, j, i) of 1 mm, its axes R, A, S."""
    slicer = importlib.import_module("slicer")
    k, j, i = np.mgrid[:60, :80, :100]
    return slicer.util.addVolumeFromArray((2 * i + 0 * j + 0 * k).astype(np.float32), name="ramp")


@pytest.fixture
def a_segmented_ball(a_ramp):
    """A segmentation of the ramp with a ball of 20 mm around (50, 40, 30) as segment "ball", and an empty one "other"."""
    slicer = importlib.import_module("slicer")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(a_ramp)
    node.GetSegmentation().AddEmptySegment("ball", "Ball", [1.0, 0.0, 0.0])
    node.GetSegmentation().AddEmptySegment("other", "Other", [0.0, 1.0, 0.0])
    k, j, i = np.mgrid[:60, :80, :100]
    ball = ((i - 50) ** 2 + (j - 40) ** 2 + (k - 30) ** 2 <= 400).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(ball, node, "ball", a_ramp)
    return node
