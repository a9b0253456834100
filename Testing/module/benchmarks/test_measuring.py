"""That the measuring of the module's speed measures; how fast anything is, no test asserts."""

import time

import pytest
from module_speed.cases import LEFT_ATRIUM_SHAPE, phantom
from module_speed.heartbeat import Heartbeat
from module_speed.timings import Timing, percentile, summary, timing_figure


class Clock:
    """Goes on when it is told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def wall():
    return Clock()


@pytest.fixture
def cpu():
    return Clock()


@pytest.fixture
def heartbeat(wall, cpu):
    return Heartbeat(wall, cpu)


def busy(wall, cpu, seconds, used):
    wall.now += seconds
    cpu.now += used


def test_the_longest_turn_counts_and_rests_do_not(heartbeat, wall, cpu):
    with heartbeat.step() as blocked:
        for seconds in (0.01, 0.2, 0.05):
            busy(wall, cpu, seconds, seconds / 2)
            heartbeat.rest(lambda: busy(wall, cpu, 5.0, 1.0))
    assert blocked.wall == pytest.approx(0.2)
    assert blocked.cpu == pytest.approx(0.1)
    assert blocked.total == pytest.approx(15.26)
    assert blocked.turns == 4


def test_what_comes_after_the_last_turn_counts_too(heartbeat, wall, cpu):
    with heartbeat.step() as blocked:
        heartbeat.rest(lambda: None)
        busy(wall, cpu, 0.3, 0.3)
    assert blocked.wall == pytest.approx(0.3)


def test_what_comes_between_two_steps_belongs_to_neither(heartbeat, wall, cpu):
    with heartbeat.step() as first:
        busy(wall, cpu, 0.1, 0.1)
    busy(wall, cpu, 9.0, 9.0)
    heartbeat.rest(lambda: None)
    with heartbeat.step() as second:
        busy(wall, cpu, 0.2, 0.2)
    assert (first.wall, second.wall) == (pytest.approx(0.1), pytest.approx(0.2))


def test_the_drawing_of_views_is_told_apart(wall, cpu):
    drawn = [0.0, 0.0]
    heartbeat = Heartbeat(wall, cpu, lambda: (drawn[0], drawn[1]))
    with heartbeat.step() as blocked:
        busy(wall, cpu, 0.2, 0.1)
        drawn[:] = 0.15, 0.09
        heartbeat.rest(lambda: None)
        busy(wall, cpu, 0.07, 0.02)
    assert (blocked.wall, blocked.cpu) == (pytest.approx(0.2), pytest.approx(0.1))
    assert (blocked.own, blocked.own_cpu) == (pytest.approx(0.07), pytest.approx(0.02))


def test_processor_time_is_told_beside_the_time_that_passed():
    heartbeat = Heartbeat()
    with heartbeat.step() as blocked:
        time.sleep(0.05)
    assert blocked.wall >= 0.05 > blocked.cpu


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 5), (0.9, 9), (0.91, 10), (1.0, 10)])
def test_a_percentile_is_one_of_the_values(share, expected):
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share) == expected


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_figure_is_the_median_with_all_samples_and_its_target():
    figure = timing_figure("jump", "A jump.", [Timing(0.2, 0.1), Timing(0.04, 0.03), Timing(0.06, 0.05)], 100.0, {"views": 3})
    assert figure.value == pytest.approx(60.0)
    assert figure.met
    data = figure.to_json()
    assert data["samples"] == {"wall_s": [0.2, 0.04, 0.06], "cpu_s": [0.1, 0.03, 0.05]}
    assert data["details"]["wall"] == summary([0.2, 0.04, 0.06]) == {"median_ms": 60.0, "p90_ms": 200.0, "worst_ms": 200.0}
    assert data["details"]["views"] == 3


def test_the_phantom_has_the_size_of_a_left_atrium_case_and_the_space_of_what_the_model_knows():
    from DualSSLSegmentationLib.application.selfTestModel import SHAPE, SPACING

    volume = phantom()
    assert volume.array.shape == volume.geometry.shape == LEFT_ATRIUM_SHAPE
    for n, step, small, coarse in zip(LEFT_ATRIUM_SHAPE, volume.geometry.spacing, SHAPE, SPACING, strict=True):
        assert n * step == pytest.approx(small * coarse)


@pytest.fixture
def opened(a_person):
    """The module with the measuring's hands on it, and a segmented case."""
    from module_speed.session import ModuleSession

    from trainedModels import FIRST_UNSEEN, sphere

    session = ModuleSession(a_person().module.widget)
    session.load(sphere(FIRST_UNSEEN)[0], "Sphere")
    session.segment()
    return session


@pytest.mark.usefixtures("a_model_at_home")
def test_frames_are_waited_for_and_steps_are_watched(opened):
    from module_speed.interactions import jump_figures, slider_figures
    from module_speed.journey import LIMIT_MS, blocking_figures, surface_shown

    session = opened
    session.overlay("both")
    figures = {figure.name: figure for figure in (*slider_figures(session, 1), *jump_figures(session, 1))}
    assert figures["opacity_one_view"].details["view"] == [500, 500]
    assert figures["opacity_one_view"].details["frames_each"] == 1
    assert figures["opacity_three_views"].details["frames_each"] == 3
    for name in ("jump_to_region", "jump_to_region_both"):
        assert figures[name].details["frames_each"] >= 3
        assert figures[name].details["plain_scroll"]["wall"]["median_ms"] > 0
    with session.heartbeat.step() as blocked:
        session.panels.overlay.surface.checked = True
        session.until(surface_shown)
    assert 0 < blocked.own < blocked.wall <= blocked.total
    assert blocked.turns > 3
    own, drawing_included = blocking_figures({"surface on": [blocked]})
    assert own.details["step"] == drawing_included.details["step"] == "surface on"
    assert own.target.limit == LIMIT_MS
    assert own.value < drawing_included.value
    case = session.case.case.node
    session.forget()
    assert session.case is None
    assert case.GetScene() is None


@pytest.mark.usefixtures("a_model_at_home")
def test_the_prediction_itself_is_no_part_of_the_click_s_figure(opened):
    from module_speed.interactions import click_figure

    from trainedModels import FIRST_UNSEEN, sphere

    session = opened
    session.forget()
    figure = click_figure(session, sphere(FIRST_UNSEEN)[0], "click", "a sphere", 1)
    [seconds] = figure.details["prediction_s"]
    assert seconds > 0
    assert figure.value > 0
    assert 0 <= figure.details["engine_cpu_beside_prediction_s"][0] < 30
