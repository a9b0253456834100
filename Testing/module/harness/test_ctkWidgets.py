"""CTK's widgets behave as CTK's, and hide what CTK hides from Python."""

import pytest


@pytest.fixture
def a_slider(ctk):
    slider = ctk.ctkSliderWidget()
    slider.maximum = 1
    slider.singleStep = 0.05
    return slider


@pytest.fixture
def a_section(ctk, qt):
    """A window with a section that holds a label."""
    window = qt.QWidget()
    layout = qt.QVBoxLayout(window)
    section = ctk.ctkCollapsibleButton()
    section.text = "Overlays"
    layout.addWidget(section)
    form = qt.QFormLayout(section)
    label = qt.QLabel("inside")
    label.objectName = "inside"
    form.addRow(label)
    window.show()
    return window, section, label


def test_a_slider_tells_its_number(a_slider):
    got = []
    assert a_slider.connect("valueChanged(double)", got.append)
    a_slider.value = 0.5
    a_slider.setValue(0.7)
    assert got == [0.5, 0.7]
    assert a_slider.value == 0.7


def test_new_bounds_that_cut_the_number_tell(a_slider):
    a_slider.value = 0.7
    got = []
    a_slider.valueChanged.connect(got.append)
    a_slider.maximum = 0.4
    assert got == [0.4]
    assert a_slider.value == 0.4


def test_a_number_outside_the_bounds_is_cut(a_slider):
    a_slider.value = 5
    assert a_slider.value == 1.0


@pytest.mark.parametrize("name", ["setMinimum", "setMaximum", "setRange", "setSingleStep", "spinBox", "slider", "_take"])
def test_what_is_no_slot_of_the_slider_is_not_there(a_slider, name):
    with pytest.raises(AttributeError):
        getattr(a_slider, name)


def test_the_spin_box_of_a_slider_is_typed_into(a_slider, qt):
    got = []
    a_slider.valueChanged.connect(got.append)
    box = a_slider.findChild("QDoubleSpinBox")
    box.value = 0.25
    assert got == [0.25]


def test_a_slider_without_tracking_tells_at_the_end(a_slider):
    a_slider.tracking = False
    changing, changed = [], []
    a_slider.connect("valueIsChanging(double)", changing.append)
    a_slider.connect("valueChanged(double)", changed.append)
    inner = a_slider.findChild("QSlider").qtObject_
    inner.setSliderDown(True)
    inner.setValue(inner.maximum() // 2)
    assert changed == []
    assert changing
    inner.setSliderDown(False)
    assert changed == [pytest.approx(0.5)]


def test_a_collapsed_section_hides_its_contents(a_section):
    _window, section, label = a_section
    got = []
    assert section.connect("contentsCollapsed(bool)", got.append)
    assert label.visible
    section.collapsed = True
    assert not label.visible
    assert section.checked is False
    section.collapsed = False
    assert label.visible
    assert got == [True, False]


def test_a_child_that_was_hidden_stays_hidden_when_its_section_opens(a_section):
    _window, section, label = a_section
    section.collapsed = True
    label.visible = False
    section.collapsed = False
    assert not label.visible


def test_a_child_shown_in_a_collapsed_section_is_seen_when_that_opens(a_section):
    _window, section, label = a_section
    label.visible = False
    section.collapsed = True
    label.visible = True
    assert not label.visible
    section.collapsed = False
    assert label.visible


def test_a_child_that_comes_into_a_collapsed_section_is_hidden(a_section, qt, turn):
    _window, section, _label = a_section
    section.collapsed = True
    late = qt.QLabel("late", section)
    late.show()
    turn()
    assert not late.visible
    section.collapsed = False
    assert late.visible


def test_setCollapsed_is_no_slot(a_section):
    _window, section, _label = a_section
    with pytest.raises(AttributeError):
        section.setCollapsed(True)


def test_other_ctk_widgets_are_not_there(ctk):
    with pytest.raises(AttributeError, match="no stand-in"):
        _ = ctk.ctkRangeWidget
