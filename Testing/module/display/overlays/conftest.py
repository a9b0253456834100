"""The sample case in an axial view, and overlays that show it there."""

import pytest

from DualSSLSegmentationLib.display.overlays import Overlays
from sampleCases import segmentedCase
from sliceView import SliceView
from uncertaintyViews import unsure


@pytest.fixture
def case(scene):
    found = segmentedCase(scene)
    found.node.GetDisplayNode().SetVisibility(False)  # its fill would mix with the overlay's colours
    return found


@pytest.fixture
def view(scene):
    shown = SliceView("Red")
    yield shown
    shown.close()


@pytest.fixture
def the_image_in_a_view(view, case):
    view.show(case.image)
    view.jumpTo(unsure(case))
    return view


@pytest.fixture
def overlays(the_image_in_a_view):
    shown = Overlays(lambda: [the_image_in_a_view.compositeNode])
    yield shown
    shown.leave()
