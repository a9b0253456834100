"""Which view is drawn before which, on VTK's own windows and a clock that goes on when it is told to."""

import heapq
from types import SimpleNamespace

import pytest
from trame_slicer.views import ScheduledRenderStrategy
from vtkmodules.vtkRenderingCore import vtkRenderWindow, vtkRenderWindowInteractor

from dualssl_web.drawing_order import GAP_SECONDS, IN_HAND_SECONDS, LONGEST_SECONDS, DrawingOrder


class Loop:
    """The two things that are asked of an event loop."""

    def __init__(self):
        self.now = 0.0
        self._timers = []

    def time(self):
        return self.now

    def call_later(self, seconds, function):
        timer = SimpleNamespace(cancel=self._timers.clear)
        heapq.heappush(self._timers, (self.now + seconds, len(self._timers), function))
        return timer

    def pass_by(self, seconds):
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, function = heapq.heappop(self._timers)
            function()
        self.now = end


class Told(ScheduledRenderStrategy):
    """Writes down that its view is drawn."""

    def __init__(self, name, drawn):
        super().__init__()
        self._name, self._drawn = name, drawn

    def schedule_render(self):
        self._drawn.append(self._name)


class View:
    """What a view of trame-slicer is to the order."""

    def __init__(self, name, size, drawn):
        self._window, self._interactor = vtkRenderWindow(), vtkRenderWindowInteractor()
        self._window.SetOffScreenRendering(1)
        self._window.SetSize(*size)
        self._interactor.SetRenderWindow(self._window)
        self._scheduled_render = Told(name, drawn)

    def render_window(self):
        return self._window

    def interactor(self):
        return self._interactor

    def set_scheduled_render(self, strategy):
        self._scheduled_render = strategy

    def ask(self):
        self._scheduled_render.schedule_render()

    def end_of_drawing(self):
        self._window.InvokeEvent("EndEvent")

    def touch(self):
        self._interactor.InvokeEvent("MouseMoveEvent")


@pytest.fixture
def loop():
    loop = Loop()
    loop.now = 100.0
    return loop


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def views(loop, drawn):
    views = {
        name: View(name, size, drawn)
        for name, size in (("sagittal", (300, 200)), ("axial", (800, 900)), ("coronal", (300, 201)))
    }
    views["order"] = DrawingOrder(loop, list(views.values()))
    return views


def test_the_largest_view_comes_first_whoever_asked_first(views, loop, drawn):
    for name in ("sagittal", "axial", "coronal"):
        views[name].ask()
    assert drawn == ["axial"]
    views["axial"].end_of_drawing()
    loop.pass_by(3 * GAP_SECONDS)
    assert drawn == ["axial", "sagittal", "coronal"]


def test_the_others_wait_until_the_largest_has_been_drawn_and_sent(views, loop, drawn):
    views["axial"].ask()
    views["sagittal"].ask()
    loop.pass_by(2 * GAP_SECONDS)
    assert drawn == ["axial"]
    views["axial"].end_of_drawing()
    loop.pass_by(0.9 * GAP_SECONDS)
    assert drawn == ["axial"]
    loop.pass_by(2 * GAP_SECONDS)
    assert drawn == ["axial", "sagittal"]


def test_a_small_view_alone_waits_for_a_moment_only_and_is_drawn_once(views, loop, drawn):
    views["coronal"].ask()
    views["coronal"].ask()
    loop.pass_by(GAP_SECONDS)
    assert drawn == ["coronal"]
    loop.pass_by(10 * LONGEST_SECONDS)
    assert drawn == ["coronal"]


def test_no_view_waits_for_ever_while_the_largest_is_drawn_again_and_again(views, loop, drawn):
    views["coronal"].ask()
    for _ in range(20):
        views["axial"].ask()
        views["axial"].end_of_drawing()
        loop.pass_by(GAP_SECONDS / 2)
    assert drawn.count("coronal") == 1
    assert drawn.index("coronal") * GAP_SECONDS / 2 <= LONGEST_SECONDS + GAP_SECONDS


def test_a_view_that_the_mouse_is_at_work_in_goes_before_the_largest(views, loop, drawn):
    views["coronal"].touch()
    views["axial"].ask()
    views["coronal"].ask()
    assert drawn == ["coronal"]
    views["coronal"].end_of_drawing()
    loop.pass_by(3 * GAP_SECONDS)
    assert drawn == ["coronal", "axial"]
    loop.pass_by(IN_HAND_SECONDS)
    views["coronal"].ask()
    views["axial"].ask()
    assert drawn == ["coronal", "axial", "axial"]


def test_afterwards_views_are_drawn_as_they_were_before(views, loop, drawn):
    views["coronal"].ask()
    views["order"].close()
    loop.pass_by(10 * LONGEST_SECONDS)
    assert drawn == []
    views["sagittal"].ask()
    assert drawn == ["sagittal"]
    views["sagittal"].end_of_drawing()
    views["sagittal"].touch()
