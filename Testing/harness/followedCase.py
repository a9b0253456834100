"""A case whose edits are tracked, a person at its segment editor, and what was told of the edits."""

import numpy as np

from dualssl.volumes.volume import Volume
from DualSSLSegmentationLib.review.editTracking import EditTracker
from DualSSLSegmentationLib.review.protection import MergeChoice, merged
from DualSSLSegmentationLib.scene.segmentation import labelMapOf, segmentIdOf, writeLabels
from DualSSLSegmentationLib.scene.volumes import volumeOf
from eventTurns import EventTurns
from sampleCases import segmentedCase
from segmentEditor import SegmentEditor

# A box outside every structure of the sample case, and one inside the ball.
OUTSIDE = np.s_[1:3, 2:5, 2:6]
INSIDE = np.s_[11:13, 14:16, 17:19]
VOXELS_OUTSIDE, VOXELS_INSIDE = 24, 8


class Following:
    """A case, its tracker, a person at the editor, and what was told."""

    def __init__(self, scene):
        self.case = segmentedCase(scene)
        self.turns = EventTurns()
        self.told = []
        self.tracker = EditTracker(self.case, self.turns, self.told.append)
        self.editor = SegmentEditor(self.case.node, self.case.image)
        self.atrium, self.wall = (segmentIdOf(self.case.node, value) for value in (1, 2))
        self.editor.select(self.atrium)
        self.turns.turn()
        self.told.clear()

    def labels(self):
        return labelMapOf(self.case, self.case.labels, self.case.image).array

    def prediction(self):
        return volumeOf(self.case.prediction).array.copy()

    def merge(self, prediction, choice=MergeChoice.keepMine, provenance=None):
        """A new prediction, as the application brings it in."""
        labels, protected = merged(self.labels(), self.tracker.editMask(), prediction, None, choice)
        grid = volumeOf(self.case.image).geometry
        self.editor.saveState()
        with self.tracker.programmatic():
            writeLabels(self.case.node, Volume(labels, grid), self.case.labels)
            if provenance:
                self.case.setJson("provenance", provenance)
            self.tracker.newBaseline(Volume(prediction, grid), protected)
        self.turns.turn()
        return labels, protected

    def check(self):
        """The mask is what its definition says, with the baseline that the scene holds."""
        expected = self.labels() != self.prediction()
        if self.case.protectedEdits is not None:
            expected |= volumeOf(self.case.protectedEdits).array != 0
        np.testing.assert_array_equal(self.tracker.editMask() != 0, expected)
