"""The colour legends of the overlays."""

import numpy as np

from DualSSLSegmentationLib.display.colorTables import SCALES
from DualSSLSegmentationLib.display.overlays import OverlayMode
from sliceView import ThreeDView
from uncertaintyViews import legendsIn


def test_they_are_seen_only_while_the_map_is(overlays, view, case):
    entropy, kl = SCALES["entropy"].title, SCALES["kl"].title
    expected = {OverlayMode.entropy: {entropy: (0, 1)}, OverlayMode.kl: {kl: (0, 2)}, OverlayMode.off: {}}
    for mode, legends in expected.items():
        overlays.show(case, mode, 0.5, {})
        assert legendsIn(view) == legends
    overlays.show(case, OverlayMode.both, 0.5, {})
    assert legendsIn(view) == {entropy: (0, 1), kl: (0, 2)}
    overlays.leave()
    assert legendsIn(view) == {}


def test_titles_say_what_the_numbers_are():
    assert SCALES["entropy"].title == "Entropy"
    assert SCALES["kl"].title == "KL (nats)"


def test_they_stand_beside_each_other_on_the_right(overlays, view, case):
    view.show(None)
    dark = view.pixels()
    overlays.show(case, OverlayMode.both, 0.5, {"entropy": 9, "kl": 99})
    drawn = (view.pixels() != dark).any(axis=2)
    assert drawn[:, 350:].any()
    assert not drawn[:, :290].any()
    rows = np.flatnonzero(drawn.any(axis=1))
    assert len(rows) < rows[-1] - rows[0]  # a gap between the two


def test_the_legend_of_the_slices_is_not_in_3d(scene, overlays, case):
    view = ThreeDView()
    overlays.show(case, OverlayMode.both, 0.5, {})
    assert legendsIn(view) == {}
    view.close()
