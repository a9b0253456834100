"""Drawing is put off while several things change, whatever comes in between."""

from types import SimpleNamespace

import pytest
import slicer

from DualSSLSegmentationLib.rendering import paused
from DualSSLSegmentationLib.steps import Stepwise
from eventTurns import EventTurns


class Views:
    """What the application counts: how often it was asked to draw nothing, and how often that ended."""

    def __init__(self):
        self.pauses = 0
        self.asked = 0

    def pause(self):
        self.pauses += 1
        self.asked += 1

    def resume(self):
        self.pauses -= 1


@pytest.fixture
def views(monkeypatch):
    counted = Views()
    monkeypatch.setattr(slicer, "app", SimpleNamespace(pauseRender=counted.pause, resumeRender=counted.resume), raising=False)
    return counted


def test_nothing_is_drawn_inside_and_drawing_goes_on_afterwards(views):
    with paused():
        assert views.pauses == 1
        with paused():
            assert views.pauses == 2
    assert views.pauses == 0


def test_drawing_goes_on_after_a_failure(views):
    with pytest.raises(RuntimeError), paused():
        raise RuntimeError("the change failed")
    assert (views.asked, views.pauses) == (1, 0)


def test_an_application_that_ends_inside_is_asked_to_go_on_all_the_same(views, monkeypatch):
    with paused():
        monkeypatch.setattr(slicer, "app", None)
    assert views.pauses == 0


@pytest.mark.parametrize("application", [None, SimpleNamespace()], ids=["no application", "one without views"])
def test_without_views_there_is_nothing_to_put_off(monkeypatch, application):
    monkeypatch.setattr(slicer, "app", application, raising=False)
    with paused():
        pass


def test_each_step_of_a_work_is_drawn_but_what_is_told_about_it_is_not_held_back(views):
    seen, told, turns = [], [], EventTurns()

    def steps():
        for number in range(2):
            yield str(number)
            seen.append(views.pauses)

    Stepwise(steps(), turns, lambda _: told.append(views.pauses), pytest.fail, lambda _: told.append(views.pauses))
    while turns.turn():
        pass
    assert seen == [1, 1]
    assert told == [0, 0, 0]
