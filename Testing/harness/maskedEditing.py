"""A case, a person at its segment editor, and the mask that holds the editor inside one region."""

import numpy as np
import slicer

from DualSSLSegmentationLib.review.regionMask import RegionMask, regionVoxels
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, segmentIdOf
from DualSSLSegmentationLib.scene.segmentLayers import layersOf
from DualSSLSegmentationLib.scene.structureSegments import isHelper
from sampleCases import segmentedCase
from segmentEditor import SegmentEditor

EVERYWHERE = slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere
INSIDE_ONE = slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment
ALL = np.s_[:]


class Editing:
    """A case, a person at the editor with the first structure selected, and region 1."""

    def __init__(self, scene):
        self.case = segmentedCase(scene)
        self.node = self.case.node
        self.editor = SegmentEditor(self.node, self.case.image)
        self.atrium, self.wall = (segmentIdOf(self.node, value) for value in (1, 2))
        self.editor.select(self.atrium)
        self.region = regionVoxels(self.case, 1)
        self.prediction = self.labels()

    def labels(self):
        return labelMapOf(self.case, self.case.labels, self.case.image).array

    def changed(self):
        return self.labels() != self.prediction

    def mask(self, region=1):
        return RegionMask(self.case, region, self.editor.node)

    def helpers(self):
        segmentation = self.node.GetSegmentation()
        return [i for i in segmentation.GetSegmentIDs() if isHelper(segmentation.GetSegment(i))]

    def visibleHelpers(self):
        return [i for i in self.helpers() if self.node.GetDisplayNode().GetSegmentVisibility(i)]

    def structureLayers(self):
        return [layer for layer in layersOf(self.node) if not set(layer.segmentIds) <= set(self.helpers())]

    def held(self):
        """Voxels that the editor may change."""
        [helper] = self.helpers()
        return slicer.util.arrayFromSegmentBinaryLabelmap(self.node, helper, self.case.image) != 0
