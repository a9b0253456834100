"""What a person waits for: from a click or a slider's move to the frame that shows it."""

from __future__ import annotations

from functools import partial
from itertools import cycle
from typing import Any

import slicer

try:
    import psutil
except ImportError:  # not in every application's Python
    psutil = None

from module_speed.session import ModuleSession
from module_speed.timings import Timing, summary, timing_figure
from module_speed.views import DrawnViews

from dualssl.benchmarking.figure import Figure
from dualssl.volumes.volume import Volume

CHANGE_LIMIT_MS = 50.0
JUMP_LIMIT_MS = 100.0
CLICK_LIMIT_MS = 300.0

_WARM_UPS = 3
_SCROLL_MM = 3.0


def slider_figures(session: ModuleSession, repeats: int) -> list[Figure]:
    """Opacity and thresholds to the frame, with both overlays shown: in one view, and in all three."""
    overlay = session.panels.overlay
    figures = []
    for where, names, limit in (("one view", ("Red",), CHANGE_LIMIT_MS), ("three views", None, None)):
        views = DrawnViews(names)
        for name, slider, values in (
            ("opacity", overlay.opacity, (0.3, 0.7)),
            ("entropy_threshold", overlay.entropyThreshold, (0.15, 0.35)),
            ("kl_threshold", overlay.klThreshold, (0.05, 0.3)),
        ):
            timings, frames = _moved(views, slider, values, repeats)
            figures.append(
                timing_figure(
                    f"{name}_{where.replace(' ', '_')}",
                    f"From the move of the slider to the last frame, both overlays shown, {where}.",
                    timings,
                    limit,
                    {"view": list(views.size), "frames_each": frames},
                )
            )
        views.close()
    return figures


def _moved(views: DrawnViews, slider: Any, values: tuple[float, float], repeats: int) -> tuple[list[Timing], float]:
    # Where it stands now would be no move.
    timings, frames, turns = [], 0, cycle(values if slider.value != values[0] else values[::-1])
    for number in range(-_WARM_UPS, repeats):
        value, before = next(turns), views.frames

        def move(to: float = value) -> None:
            slider.value = to

        timing = views.time_until_drawn(move)
        if number >= 0:
            timings.append(timing)
            frames += views.frames - before
    return timings, frames / repeats


def jump_figures(session: ModuleSession, repeats: int) -> list[Figure]:
    """Next and Previous to the frame in all slice views, with one overlay and with both, each beside a plain scroll."""
    figures = []
    for mode, what in (("entropy", "one overlay"), ("both", "both overlays")):
        session.overlay(mode)
        figures.append(_jump_figure(session, repeats, mode, what))
    return figures


def _jump_figure(session: ModuleSession, repeats: int, mode: str, what: str) -> Figure:
    review, views = session.panels.review, DrawnViews()
    timings, scrolls, frames = [], [], 0
    turns, ways = cycle((review.nextButton, review.nextButton, review.previousButton)), cycle((_SCROLL_MM, -_SCROLL_MM))
    for number in range(-_WARM_UPS, repeats):
        button, before = next(turns), views.frames
        timing = views.time_until_drawn(button.click)
        drawn = views.frames - before
        scroll = views.time_until_drawn(partial(_scroll, next(ways)))
        if number >= 0:
            timings.append(timing)
            scrolls.append(scroll)
            frames += drawn
    views.close()
    return timing_figure(
        "jump_to_region" if mode == "entropy" else f"jump_to_region_{mode}",
        f"From the click on Next or Previous to the last frame of all three slice views, {what} and the outline shown.",
        timings,
        JUMP_LIMIT_MS,
        {
            "view": list(views.size),
            "frames_each": frames / repeats,
            "regions": len(session.case.review.entries()),
            "plain_scroll": {
                "wall": summary([scroll.wall for scroll in scrolls]),
                "cpu": summary([scroll.cpu for scroll in scrolls]),
            },
        },
    )


def _scroll(millimetres: float) -> None:
    """What Slicer itself does when all three slices are moved, nothing of the module being asked."""
    manager = slicer.app.layoutManager()
    for name in manager.sliceViewNames():
        node = manager.sliceWidget(name).mrmlSliceNode()
        node.SetSliceOffset(node.GetSliceOffset() + millimetres)


class _EngineClock:
    """Processor time of the engine outside of the prediction itself, told by what the job says it is doing."""

    def __init__(self, session: ModuleSession) -> None:
        self._session = session
        self._predicting = False
        self._last = 0.0
        self.beside = 0.0
        self._stop = session.workspace.onJob.add(self._told)

    def start(self) -> None:
        self._last, self.beside, self._predicting = self._time(), 0.0, False

    def stop(self) -> float:
        """Seconds since `start` that were not the prediction's."""
        self._count()
        return self.beside

    def close(self) -> None:
        self._stop()

    def _told(self, kind: str, state: Any) -> None:
        if kind == "segment" and state is not None:
            self._count()
            # The networks are loaded before the prediction; a warm engine has them.
            self._predicting = state.text.startswith(("Loading the model", "Segmenting"))

    def _count(self) -> None:
        now = self._time()
        if not self._predicting:
            self.beside += now - self._last
        self._last = now

    def _time(self) -> float:
        pid = self._session.workspace.client.pid
        if psutil is None or pid is None:
            return 0.0
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)


def click_figure(session: ModuleSession, volume: Volume, name: str, what: str, repeats: int) -> Figure:
    """From the click on Segment to the frame with the overlay, less the prediction itself, the engine being warm.

    Each time a volume that nothing is known of is segmented: the same voxels under a new name.
    """
    views, clock = DrawnViews(), _EngineClock(session)
    timings, predictions, engine = [], [], []
    for number in range(-1, repeats):
        session.load(volume, f"{name} {number + 2}")
        clock.start()
        with session.heartbeat.step() as blocked:
            timing = views.time_until_drawn(session.segment, seconds=600.0)
        seconds = float(session.case.case.provenance["seconds"])
        beside = clock.stop()
        if number >= 0:
            timings.append(Timing(timing.wall - seconds, blocked.work))
            predictions.append(seconds)
            engine.append(beside)
        session.forget()
    clock.close()
    views.close()
    return timing_figure(
        name,
        f"From the click on Segment to the last frame with the overlay, less the prediction's own seconds: {what}.",
        timings,
        CLICK_LIMIT_MS,
        {
            "prediction_s": [round(s, 3) for s in predictions],
            # Of the networks' process; nothing where this Python cannot tell.
            "engine_cpu_beside_prediction_s": [round(s, 3) for s in engine] if psutil else None,
            "shape_kji": list(volume.array.shape),
        },
    )
