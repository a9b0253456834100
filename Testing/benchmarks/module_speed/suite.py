"""All measurements one after the other, and the record they leave."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from module_speed.cases import phantom, real_case
from module_speed.engine import prepare
from module_speed.interactions import click_figure, jump_figures, slider_figures
from module_speed.journey import blocking_figures, run_journeys
from module_speed.opening import opening_figures
from module_speed.session import ModuleSession
from module_speed.views import DrawnViews

from dualssl.benchmarking.figure import Figure
from dualssl.registry.versions import ModelRegistry

Say = Callable[[str], None]
Keep = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Wish:
    """What is to be measured.

    Attributes:
        home: a folder that does not exist yet; the person's own.
        opening: command of a process that opens the module once, without its last argument.
        model: for a real case, or None.
        case: a real volume, or None.
        repeats: of what takes milliseconds; of the rest less.
        journeys: how often the whole way is gone.
    """

    home: Path
    opening: tuple[str, ...]
    model: Path | None
    case: Path | None
    repeats: int
    journeys: int


def measure(wish: Wish, say: Say, keep: Keep) -> None:
    """Everything, in the harness.

    Args:
        wish: what is wanted.
        say: told what is being measured.
        keep: given the record after each part, so that what was measured is not lost with what fails later.
    """
    from module_speed.harness_host import harness

    say("training a tiny model")
    prepare(sys.executable, wish.home / "DualSSLSegmentation")
    say("opening the module")
    figures = opening_figures(wish.home, wish.opening, max(3, wish.repeats // 3))
    with harness(wish.home) as host:
        host.start()
        widget, _ = host.open()
        for part in parts(ModuleSession(widget), wish, say):
            figures += part
            keep(record(figures, host.faults()))


def parts(session: ModuleSession, wish: Wish, say: Say) -> Iterator[list[Figure]]:
    """What can be measured in the harness and in the application alike, part by part."""
    volume = phantom()
    # Of one size from here on.
    DrawnViews().close()
    say("the whole journey")
    yield blocking_figures(run_journeys(session, volume, wish.journeys))
    say("sliders and jumps")
    session.load(volume, "Case")
    session.segment()
    session.overlay("both")
    yield slider_figures(session, wish.repeats)
    yield jump_figures(session, wish.repeats)
    session.forget()
    say("from the click to the overlay")
    what, repeats = "a generated volume and a tiny model", max(3, wish.repeats // 3)
    yield [click_figure(session, volume, "click_to_overlay_phantom", what, repeats)]
    if wish.model is not None and wish.case is not None:
        say("from the click to the overlay, a real case")
        _use(session, wish.model)
        yield [click_figure(session, real_case(wish.case), "click_to_overlay_real", "a real left-atrium case", repeats)]


def record(figures: list[Figure], faults: list[str]) -> dict[str, Any]:
    """The record as plain data."""
    return {"benchmark": "the Slicer module", "faults": faults, "figures": [figure.to_json() for figure in figures]}


def _use(session: ModuleSession, model: Path) -> None:
    """Make another model the one in use."""
    registry = ModelRegistry.open(session.workspace.places.registry)
    version = registry.register(model, without_parent=True)
    registry.activate(version.id, force=True)
    session.workspace.onModels()
    session.panels.segment.useDefaultModel()
