"""Connections are as PythonQt makes them: checked signatures, arguments cut to the slot's, exceptions recorded."""

import functools

import pytest


@pytest.fixture
def a_button(qt):
    button = qt.QPushButton()
    button.checkable = True
    return button


def test_a_connection_to_a_signal_that_is_not_there_is_false_and_a_fault(a_button, faults):
    assert a_button.connect("clickd()", print) is False
    assert "'clickd()' does not exist on QPushButton" in faults.take("signal")[0].text


def test_the_signature_has_to_be_the_signals(a_button, qt, faults):
    assert a_button.connect("clicked(int)", print) is False
    assert qt.QComboBox().connect("currentIndexChanged(QString)", print) is False
    assert len(faults.take("signal")) == 2
    assert a_button.connect("clicked( bool )", print) is True


def test_a_connection_to_a_slot_of_qt_is_checked_at_both_ends(a_button, qt, faults):
    label = qt.QLabel()
    assert a_button.connect("toggled(bool)", label, "setVisible(bool)") is True
    assert a_button.connect("toggled(bool)", label, "setVisable(bool)") is False
    assert a_button.connect("toggle(bool)", label, "setVisible(bool)") is False
    assert len(faults.take("signal")) == 2


def test_a_slot_gets_as_many_arguments_as_it_declares(a_button):
    got = []
    a_button.connect("clicked(bool)", lambda: got.append("none"))
    a_button.connect("clicked(bool)", lambda checked: got.append(checked))
    a_button.connect("clicked(bool)", lambda *values: got.append(values))
    a_button.click()
    assert got == ["none", True, (True,)]


def test_a_default_argument_is_overwritten_by_the_signals(a_button):
    got = []
    a_button.connect("clicked(bool)", lambda name="mine": got.append(name))
    a_button.click()
    assert got == [True]


def test_what_is_no_plain_function_gets_all_arguments(a_button, faults):
    def takesNothing():
        pytest.fail("never called")

    a_button.connect("clicked(bool)", functools.partial(takesNothing))
    a_button.click()
    assert "TypeError" in faults.take("slot")[0].text


def test_a_slot_that_wants_more_than_the_signal_gives_is_a_fault(a_button, faults):
    a_button.connect("clicked(bool)", lambda checked, more: None)
    a_button.click()
    assert "missing 1 required positional argument" in faults.take("slot")[0].text


def test_an_exception_in_a_slot_is_recorded_and_not_raised(a_button, faults):
    a_button.clicked.connect(lambda: 1 / 0)
    a_button.click()
    assert "ZeroDivisionError" in faults.take("slot")[0].text


def test_a_signal_by_its_name_is_the_first_signature(a_button):
    got = []
    assert a_button.clicked.connect(lambda checked: got.append(checked)) is True
    a_button.click()
    assert got == [True]


def test_there_is_no_overload_by_type(a_button):
    with pytest.raises(TypeError):
        a_button.clicked[bool]


def test_a_signal_takes_only_functions(a_button):
    with pytest.raises(ValueError, match="connect"):
        a_button.connect("clicked()", None)
    with pytest.raises(ValueError, match="connect"):
        a_button.clicked.connect("setVisible(bool)")


def test_a_disconnected_slot_is_called_no_more_and_a_second_time_is_false(a_button):
    got = []

    class Panel:
        def clicked(self):
            got.append(1)

    panel = Panel()
    a_button.connect("clicked()", panel.clicked)
    assert a_button.disconnect("clicked()", panel.clicked) is True
    assert a_button.disconnect("clicked()", panel.clicked) is False
    a_button.click()
    assert got == []


def test_disconnecting_everything_takes_qts_own_connections_too(a_button, qt):
    label = qt.QLabel()
    a_button.connect("toggled(bool)", label, "setEnabled(bool)")
    assert a_button.toggled.disconnect() is True
    a_button.click()
    a_button.click()
    assert label.enabled is True


def test_a_bound_method_is_kept_by_its_connection(a_button):
    got = []

    class Panel:
        def clicked(self):
            got.append(1)

    a_button.connect("clicked()", Panel().clicked)
    a_button.click()
    assert got == [1]


def test_objects_in_signals_are_dressed(qt):
    tabs, got = qt.QTabWidget(), []
    group = qt.QButtonGroup()
    button = qt.QRadioButton(tabs)
    group.addButton(button)
    group.connect("buttonClicked(QAbstractButton*)", got.append)
    button.click()
    assert got == [button]
    assert got[0].checked is True


def test_a_timers_function_is_called_and_its_exception_recorded(qt, turn, faults):
    qt.QTimer.singleShot(0, lambda: 1 / 0)
    turn()
    assert "ZeroDivisionError" in faults.take("slot")[0].text


def test_a_signal_is_emitted_by_hand(a_button):
    got = []
    a_button.connect("clicked(bool)", got.append)
    a_button.clicked.emit(True)
    assert got == [True]
    with pytest.raises(ValueError, match="wrong number"):
        a_button.clicked.emit(1, 2, 3)
