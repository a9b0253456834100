"""Objects of Qt are as PythonQt shows them: properties, methods, and nothing besides."""

import pytest


def test_a_property_is_an_attribute_and_hides_the_method_of_its_name(qt):
    button = qt.QPushButton("Segment")
    assert button.text == "Segment"
    button.enabled = False
    assert button.enabled is False
    with pytest.raises(TypeError, match="not callable"):
        button.text()


def test_a_getter_with_another_name_and_a_setter_stay_methods(qt):
    button = qt.QPushButton()
    button.setEnabled(False)
    assert button.isEnabled() is False
    button.setText("Cancel")
    assert button.text == "Cancel"


def test_name_is_the_object_name(qt):
    label = qt.QLabel()
    label.name = "status"
    assert label.objectName == "status"


def test_nothing_new_can_be_assigned(qt):
    with pytest.raises(AttributeError, match="creating new attributes on C\\+\\+ objects is not allowed"):
        qt.QPushButton().colour = "red"
    with pytest.raises(AttributeError, match="creating new attributes"):
        qt.QTableWidgetItem("text").colour = "red"
    with pytest.raises(AttributeError, match="creating new attributes"):
        qt.QSize(1, 2).depth = 3


def test_a_misspelled_property_is_refused(qt):
    with pytest.raises(AttributeError):
        qt.QPushButton().enable = False


@pytest.mark.parametrize("name", ["click", "clicked"])
def test_methods_and_signals_cannot_be_overwritten(qt, name):
    with pytest.raises(AttributeError, match="can not be overwritten"):
        setattr(qt.QPushButton(), name, lambda: None)


def test_an_unknown_attribute_is_none(qt):
    with pytest.raises(AttributeError, match="QPushButton has no attribute named 'colour'"):
        _ = qt.QPushButton().colour


def test_a_missing_attribute_falls_through_to_a_child_of_that_name(qt):
    parent = qt.QWidget()
    child = qt.QLabel("inside", parent)
    child.objectName = "inner"
    assert parent.inner.text == "inside"


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (lambda qt: qt.QLabel(), "text", 5),
        (lambda qt: qt.QSpinBox(), "value", 1.5),
        (lambda qt: qt.QLabel(), "enabled", "yes"),
        (lambda qt: qt.QComboBox(), "count", 3),
    ],
)
def test_a_property_takes_only_what_it_can_hold(qt, make, name, value):
    with pytest.raises(AttributeError, match=f"Property '{name}'"):
        setattr(make(qt), name, value)


def test_a_dynamic_property_is_an_attribute_once_it_is_set(qt):
    label = qt.QLabel()
    with pytest.raises(AttributeError):
        label.role = "status"
    label.setProperty("role", "status")
    assert label.role == "status"
    label.role = "other"
    assert label.property("role") == "other"


def test_methods_take_no_keywords(qt):
    with pytest.raises(TypeError, match="no keyword arguments"):
        qt.QLabel().setText(text="x")
    with pytest.raises(TypeError, match="no keyword arguments"):
        qt.QLabel(text="x")


def test_wrong_arguments_are_a_value_error(qt):
    with pytest.raises(ValueError, match="Could not find matching overload"):
        qt.QLabel().setText(5)


def test_methods_take_no_python_function(qt):
    with pytest.raises(ValueError, match="connect to a signal"):
        qt.QMenu().addAction("Open", lambda: None)


def test_lists_come_back_as_tuples(qt):
    parent = qt.QWidget()
    first, second = qt.QLabel(parent), qt.QLabel(parent)
    assert parent.children() == (first, second)
    assert parent.findChildren(qt.QLabel) == (first, second)
    bindings = qt.QKeySequence.keyBindings(qt.QKeySequence.Undo)
    assert isinstance(bindings, tuple)
    assert bindings[0] == qt.QKeySequence("Ctrl+Z")


def test_children_are_found_by_class_or_its_name(qt):
    parent = qt.QWidget()
    label = qt.QLabel(parent)
    label.objectName = "status"
    assert parent.findChild(qt.QLabel, "status") == label
    assert parent.findChild("QLabel") == label
    assert parent.findChild("QLabel", "other") is None


def test_isinstance_does_not_know_base_classes(qt):
    button = qt.QPushButton()
    assert isinstance(button, qt.QPushButton)
    assert not isinstance(button, qt.QWidget)
    assert button.inherits("QWidget")
    assert button.className() == "QPushButton"


def test_protected_methods_are_not_there(qt):
    for name in ("paintEvent", "keyPressEvent", "sender", "event"):
        with pytest.raises(AttributeError):
            getattr(qt.QWidget(), name)


def test_there_is_no_exec(qt):
    with pytest.raises(AttributeError):
        _ = qt.QDialog().exec
    assert callable(qt.QDialog().exec_)


def test_single_shot_is_set_by_its_method(qt):
    timer = qt.QTimer()
    with pytest.raises(AttributeError):
        timer.singleShot = True
    timer.setSingleShot(True)
    assert timer.isSingleShot()


def test_enum_values_belong_to_the_class_not_to_the_enum(qt):
    assert qt.QHeaderView.Stretch is not None
    assert qt.Qt.AlignCenter is not None
    with pytest.raises(AttributeError):
        _ = qt.QMessageBox.StandardButton.Yes
    with pytest.raises(AttributeError):
        _ = qt.Qt.AlignmentFlag


@pytest.mark.parametrize("name", ["Signal", "Slot", "Property", "QThread", "QRegExp", "QTextCodec", "QNothing", "QtCore"])
def test_what_a_module_must_not_lean_on_is_not_there(qt, name):
    with pytest.raises(AttributeError):
        getattr(qt, name)


def test_what_came_after_qt_5_15_is_not_there(qt, faults):
    with pytest.raises(AttributeError):
        _ = qt.QFormLayout().setRowVisible
    with pytest.raises(AttributeError):
        _ = qt.QColor.fromString
    with pytest.raises(AttributeError):
        _ = qt.QPoint(1, 2).toTuple
    assert qt.QCheckBox().connect("checkStateChanged(Qt::CheckState)", print) is False
    faults.take("signal")


def test_a_subclass_keeps_attributes_and_its_methods_are_called(qt, turn):
    class Chart(qt.QWidget):
        def __init__(self):
            super().__init__()
            self.painted = 0

        def paintEvent(self, event):
            assert event.inherits("QPaintEvent")
            self.painted += 1

    chart = Chart()
    chart.show()
    turn()
    assert chart.painted > 0


def test_an_exception_in_an_overridden_method_is_recorded(qt, turn, faults):
    class Chart(qt.QWidget):
        def paintEvent(self, event):
            raise ZeroDivisionError("in the chart")

    chart = Chart()
    chart.show()
    turn()
    assert "in the chart" in faults.take("slot")[0].text


def test_a_destroyed_object_is_false_and_says_so(qt):
    label = qt.QLabel("x")
    label.delete()
    assert not label
    with pytest.raises(ValueError, match="destroyed QLabel"):
        _ = label.text
