"""The whole way through the module, step by step, each with the longest pause of the event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import slicer
from module_speed.heartbeat import Blocked
from module_speed.session import ModuleSession
from module_speed.timings import summary

from dualssl.benchmarking.figure import Figure, Target
from dualssl.volumes.volume import Volume

LIMIT_MS = 100.0

Step = tuple[str, Callable[[], object]]


def journey(session: ModuleSession, volume: Volume, fine_tune: bool) -> Iterator[Step]:
    """The steps in order; each is to be carried out before the next is asked for.

    Args:
        session: of the module, with nothing loaded.
        volume: what is segmented.
        fine_tune: whether to go on to a new model, which takes the longest.
    """
    panels, workspace = session.panels, session.workspace
    session.load(volume, "Case")
    yield "segment", session.segment
    yield "both overlays", lambda: session.overlay("both")
    yield "opacity", lambda: _set(session, panels.overlay.opacity, 0.4)
    yield "threshold", lambda: _set(session, panels.overlay.entropyThreshold, 0.3)
    yield "surface on", lambda: _surface(session, True)
    yield "surface off", lambda: _surface(session, False)
    review = panels.review
    yield "next", lambda: _press(session, review.nextButton)
    yield "previous", lambda: _press(session, review.previousButton)
    yield "take A", lambda: _press(session, review.takeA)
    yield "take B", lambda: _press(session, review.takeB)
    yield "take mean", lambda: _press(session, review.takeMean)
    yield "only inside the region", lambda: _tick(session, panels.review.onlyInside, True)
    yield "next, held inside", lambda: _press(session, panels.review.nextButton)
    yield "everywhere again", lambda: _tick(session, panels.review.onlyInside, False)
    yield "accept", lambda: _press(session, panels.review.acceptButton)
    session.fit()
    yield "paint", lambda: session.stroke((0.2, 0.35))
    yield "paint again", lambda: session.stroke((0.8, 0.35))
    yield "undo", session.undo
    yield "redo", session.redo
    session.release_effect()
    yield "surface on, edited", lambda: _surface(session, True)
    yield "segment again and merge", session.segment
    yield "surface of the merged case", lambda: _surface_made(session)
    yield "surface off, edited", lambda: _surface(session, False)
    yield "undo the merge", session.undo
    yield "redo the merge", session.redo
    panels.handover.reviewerLine.text = "Reader"
    panels.handover.wholeCase.checked = True
    session.turn()
    yield "save the case", lambda: _save(session)
    if fine_tune:
        panels.fineTune.iterations.value = 2
        panels.fineTune.prove.checked = False
        session.turn()
        before = {choice.version for choice in workspace.models.choices()}
        base = workspace.models.default().version
        yield "fine-tune", lambda: _fine_tune(session)
        [fresh] = {choice.version for choice in workspace.models.choices()} - before
        yield "activate", lambda: _decide(session, "activate", fresh)
        yield "activate the one before", lambda: _decide(session, "activate", base)
        yield "discard", lambda: _decide(session, "discard", fresh)
    yield "another module", lambda: _shown(session, False)
    yield "back again", lambda: _shown(session, True)
    yield "close the scene", lambda: _close_scene(session)


def run_journeys(session: ModuleSession, volume: Volume, repeats: int) -> dict[str, list[Blocked]]:
    """Go the way several times, with fine-tuning the first time only; the pauses by step."""
    found: dict[str, list[Blocked]] = {}
    for number in range(repeats):
        for name, do in journey(session, volume, fine_tune=number == 0):
            with session.heartbeat.step() as blocked:
                do()
            found.setdefault(name, []).append(blocked)
            session.turn()
    return found


def blocking_figures(found: dict[str, list[Blocked]]) -> list[Figure]:
    """The longest pause of all, with and without the drawing of views, and the steps beside it."""
    return [
        _pause_figure(
            "longest_block",
            "Longest time between two turns of the event loop over the whole journey, without the drawing of views.",
            {name: ([b.own for b in many], [b.own_cpu for b in many]) for name, many in found.items()},
            Target("at most", LIMIT_MS),
        ),
        _pause_figure(
            "longest_block_drawing_included",
            "The same with the drawing of views, which Slicer does in the same turn.",
            {name: ([b.wall for b in many], [b.cpu for b in many]) for name, many in found.items()},
            None,
        ),
    ]


def _pause_figure(
    name: str, description: str, found: dict[str, tuple[list[float], list[float]]], target: Target | None
) -> Figure:
    longest, step = max((max(wall), step) for step, (wall, _) in found.items())
    most, cpu_step = max((max(cpu), step) for step, (_, cpu) in found.items())
    steps = {step: {"wall": summary(wall), "cpu": summary(cpu), "runs": len(wall)} for step, (wall, cpu) in found.items()}
    return Figure(
        name=name,
        description=description,
        value=1000 * longest,
        unit="ms",
        target=target,
        details={"step": step, "cpu_ms": round(1000 * most, 1), "cpu_step": cpu_step, "steps": steps},
    )


def _set(session: ModuleSession, slider: Any, value: float) -> None:
    slider.value = value
    session.turn()


def _tick(session: ModuleSession, box: Any, on: bool) -> None:
    box.checked = on
    session.turn()


def _press(session: ModuleSession, button: Any) -> None:
    session.press(button)
    session.turn()


def _surface(session: ModuleSession, on: bool) -> None:
    session.panels.overlay.surface.checked = on
    session.until(lambda: surface_shown() == on)


def _surface_made(session: ModuleSession) -> None:
    session.until(surface_shown)


def surface_shown() -> bool:
    """Whether there is a coloured surface."""
    return any(" surface by " in node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLModelNode"))


def _save(session: ModuleSession) -> None:
    session.press(session.panels.handover.button)
    session.until(lambda: not session.workspace.busy("save"))
    if "version" not in session.panels.handover.said:
        raise RuntimeError(f"the case was not saved: {session.panels.handover.said}")


def _fine_tune(session: ModuleSession) -> None:
    session.press(session.panels.fineTune.button)
    session.until(lambda: not session.workspace.busy("finetune"))


def _decide(session: ModuleSession, what: str, version: str) -> None:
    told: list[bool] = []
    stop = session.workspace.onModels.add(lambda: told.append(True))
    if what == "activate":
        session.workspace.activate(version, force=True)
    else:
        session.workspace.discard(version)
    session.until(lambda: told)
    stop()


def _shown(session: ModuleSession, on: bool) -> None:
    (session.widget.enter if on else session.widget.exit)()
    session.turn()


def _close_scene(session: ModuleSession) -> None:
    slicer.mrmlScene.Clear(0)
    session.turn()
