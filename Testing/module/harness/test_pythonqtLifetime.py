"""Objects without a parent die with their last reference, as with PythonQt; the others live with their parent."""

import gc


def test_a_timer_that_nobody_keeps_never_fires(qt, no_main_window):
    got = []

    def start():
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.connect("timeout()", lambda: got.append(1))
        timer.start(0)

    start()
    assert not no_main_window.turnUntil(lambda: bool(got), seconds=0.05)


def test_a_timer_that_is_kept_fires(qt, no_main_window):
    got = []
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: got.append(1))
    timer.start(0)
    assert no_main_window.turnUntil(lambda: bool(got))


def test_a_child_lives_with_its_parent(qt):
    parent, got = qt.QWidget(), []
    qt.QPushButton("x", parent).connect("clicked()", lambda: got.append(1))
    gc.collect()
    parent.findChild("QPushButton").click()
    assert got == [1]


def test_a_widget_in_a_layout_lives_with_it(qt):
    parent = qt.QWidget()
    layout = qt.QVBoxLayout(parent)
    layout.addWidget(qt.QLabel("kept"))
    gc.collect()
    assert parent.findChild("QLabel").text == "kept"


def test_what_was_deleted_is_not_called_any_more(qt, turn):
    got, button = [], qt.QPushButton()
    button.connect("destroyed()", lambda: got.append("destroyed"))
    button.deleteLater()
    turn()
    assert got == ["destroyed"]
    assert not button


def test_a_subclass_with_a_parent_stays_itself(qt):
    class Panel(qt.QWidget):
        def __init__(self, parent):
            super().__init__(parent)
            self.mark = 7

    parent = qt.QWidget()
    Panel(parent)
    gc.collect()
    assert parent.children()[0].mark == 7


def test_a_process_runs_and_tells(qt, no_main_window):
    got, process = [], qt.QProcess()
    assert process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: got.append((code, status)))
    process.start("python3", ["-c", "print('hello')"])
    assert no_main_window.turnUntil(lambda: bool(got))
    assert got == [(0, qt.QProcess.NormalExit)]
    assert process.readAllStandardOutput().data() == b"hello\n"
    assert process.state() == qt.QProcess.NotRunning
