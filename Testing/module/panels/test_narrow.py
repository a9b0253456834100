"""The panel beside the views is narrow: long texts take more lines, what is cut can be read in a tool tip."""

import pytest

LONG = "A sentence of the engine that goes on and on, " * 8


@pytest.fixture
def person(a_person):
    return a_person()


@pytest.mark.parametrize("part", ["segment", "handover", "fineTune", "setup"])
def test_a_long_sentence_does_not_make_the_panel_wider(person, part):
    panel = getattr(person.panels, part)
    panel.section.collapsed = False
    panel.say("Short.")
    person.turn()
    before = person.module.panel.sizeHint().width()
    panel.say(LONG)
    person.turn()
    assert person.module.panel.sizeHint().width() == before


def test_a_sentence_is_not_cut_short_for_another_that_comes(person):
    from DualSSLSegmentationLib.panels.common import say

    panel = person.panels.segment
    say(panel.modelNote, LONG)
    person.turn()
    panel.say(LONG)
    person.turn()
    for name in ("modelNote", "segmentStatus"):
        label = person.widget(name)
        assert label.height() >= label.heightForWidth(label.width()) > 0


def test_a_cell_that_is_cut_is_read_in_its_tool_tip(person):
    from DualSSLSegmentationLib.panels.common import setCell

    table = person.panels.review.table
    table.setRowCount(1)
    setCell(table, 0, 4, "accepted, network B taken, edited")
    setCell(table, 0, 4, "accepted, network A taken")
    assert person.widget("regionTable").item(0, 4).toolTip() == "accepted, network A taken"
