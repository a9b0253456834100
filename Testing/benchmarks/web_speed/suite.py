"""What is measured of the web front end: a real server, a real browser, the sample case and the model that ships."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from module_speed.timings import summary
from playwright.sync_api import Browser, sync_playwright

from dualssl.benchmarking.figure import Figure, Target
from webReader import VIEWPORT, WebReader, launch, memory_of, processor_seconds
from webServer import WebServer

Say = Callable[[str], None]
Keep = Callable[[dict[str, Any]], None]

WARM_UP = 5
"""Rounds of segmenting, painting and undoing before memory counts: caches and the steps of undo fill first."""

_AT_THE_END = 3
_DRAG_SECONDS = 6.0
_MINUTE = 60.0


@dataclass(frozen=True)
class Wish:
    """What is to be measured.

    Attributes:
        folder: an empty one, for what servers keep.
        starts: of a server, for the first page.
        clicks: to a changed frame.
        rounds: of segmenting, painting and undoing, beside those to warm up.
        idle_minutes: how long the page is left alone after the rounds; 0 not at all.
    """

    folder: Path
    starts: int
    clicks: int
    rounds: int
    idle_minutes: float


def measure(wish: Wish, say: Say, keep: Keep) -> list[Figure]:
    """Everything.

    Args:
        wish: what is wanted.
        say: told what is being measured.
        keep: given the record after each part, so that what was measured is not lost with what fails later.
    """
    figures: list[Figure] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            for part in _parts(browser, wish, say):
                figures.append(part)
                keep(
                    {
                        "benchmark": "the web front end",
                        "sample": "the generated sample case and the model for it that ships",
                        "browser": f"Chromium {browser.version}, headless, {VIEWPORT['width']} x {VIEWPORT['height']}",
                        "load_after": round(psutil.getloadavg()[0], 2),
                        "figures": [figure.to_json() for figure in figures],
                    }
                )
        finally:
            browser.close()
    return figures


def _parts(browser: Browser, wish: Wish, say: Say) -> Iterator[Figure]:
    say("the first page")
    yield _first_page(browser, wish.folder, wish.starts)
    with _served(wish.folder / "home") as server, _page(browser) as reader:
        process = psutil.Process(server.process.pid)
        reader.open(server.url)
        reader.segment()
        reader.watch()
        say("clicks")
        yield _clicks(reader, process, wish.clicks)
        say("opacity")
        yield _opacity(reader, process)
        say("rounds")
        yield _rounds(reader, process, wish.rounds, say)
        if wish.idle_minutes > 0:
            say("idle")
            yield _idle(process, wish.idle_minutes)


def _first_page(browser: Browser, folder: Path, starts: int) -> Figure:
    seconds, until_port, cpu = [], [], []
    for number in range(starts):
        port = _free_port()
        begin = time.monotonic()
        with _served(folder / f"first {number}", port) as server, _page(browser) as reader:
            process = psutil.Process(server.process.pid)
            _wait_for_port(port)
            opened = time.monotonic()
            cpu_then = processor_seconds(process)
            reader.open(server.url)
            seconds.append(time.monotonic() - opened)
            cpu.append(processor_seconds(process) - cpu_then)
            until_port.append(opened - begin)
    return Figure(
        name="first_page",
        description="From the port being open to a page whose image is shown and can be segmented; a person's first start.",
        value=median(seconds),
        unit="s",
        target=Target("at most", 8.0),
        samples={"page_s": seconds, "start_to_port_s": until_port, "server_cpu_s": cpu},
    )


def _clicks(reader: WebReader, process: psutil.Process, clicks: int) -> Figure:
    answers, cpu = [], []
    for _ in range(clicks):
        before = processor_seconds(process)
        answer = reader.click_for_frame("#review-next")
        if answer is not None:
            answers.append(answer)
            cpu.append(processor_seconds(process) - before)
    seconds = [answer.seconds for answer in answers]
    return Figure(
        name="click_to_frame",
        description="From the click on Next to the axial view's changed picture being painted; median.",
        value=1000 * median(seconds),
        unit="ms",
        target=Target("at most", 200.0),
        samples={"click_s": [round(value, 4) for value in seconds], "server_cpu_s": [round(value, 3) for value in cpu]},
        details={
            "wall": summary(seconds),
            "clicks": clicks,
            "without_change": clicks - len(answers),
            "least_difference": round(min(answer.difference for answer in answers), 2),
        },
    )


def _opacity(reader: WebReader, process: psutil.Process) -> Figure:
    before, begin = processor_seconds(process), time.monotonic()
    frames = reader.drag_opacity(_DRAG_SECONDS)
    cpu = (processor_seconds(process) - before) / (time.monotonic() - begin)
    gaps = [later - earlier for earlier, later in pairwise(frames)]
    return Figure(
        name="opacity_drag",
        description="Different pictures of the axial view in a second while the opacity is dragged to and fro.",
        value=(len(frames) - 1) / (frames[-1] - frames[0]) if gaps else 0.0,
        unit="1/s",
        target=Target("at least", 10.0),
        samples={"gap_s": [round(gap, 4) for gap in gaps]},
        details={"frames": len(frames), "gap": summary(gaps) if gaps else None, "server_cores_busy": round(cpu, 2)},
    )


def _rounds(reader: WebReader, process: psutil.Process, rounds: int, say: Say) -> Figure:
    memory, seconds = [memory_of(process)], []
    for number in range(WARM_UP + rounds):
        begin = time.monotonic()
        reader.segment()
        reader.paint()
        reader.undo()
        seconds.append(time.monotonic() - begin)
        memory.append(memory_of(process))
        if number % 25 == 0:
            say(f"  {number} of {WARM_UP + rounds} rounds, {memory[-1]['all']:.0f} MB")
    counted = [entry["all"] for entry in memory[WARM_UP:]]
    return _growth(
        "memory_rounds",
        f"Growth of resident memory, server and engine, over {rounds} rounds of segmenting, painting and undoing.",
        median(counted[:_AT_THE_END]),
        median(counted[-_AT_THE_END:]),
        memory,
        {"rounds": rounds, "warm_up": WARM_UP, "round": summary(seconds)},
    )


def _idle(process: psutil.Process, minutes: float) -> Figure:
    end, memory = time.monotonic() + _MINUTE * minutes, [memory_of(process)]
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(_MINUTE, left))
        memory.append(memory_of(process))
    return _growth(
        "memory_idle",
        f"Growth of resident memory, server and engine, while the page was left alone for {minutes:g} minutes.",
        memory[0]["all"],
        memory[-1]["all"],
        memory,
        {"minutes": minutes},
    )


def _growth(name: str, text: str, before: float, after: float, memory: list[dict[str, float]], details: Any) -> Figure:
    """Of memory, in percent."""
    return Figure(
        name=name,
        description=text,
        value=100 * (after / before - 1),
        unit="%",
        target=Target("at most", 10.0),
        samples={f"{part}_mb": [entry[part] for entry in memory] for part in memory[0]},
        details={"before_mb": before, "after_mb": after, **details},
    )


@contextmanager
def _served(home: Path, port: int = 0) -> Iterator[WebServer]:
    server = WebServer(["--no-browser", "--port", str(port)], home)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def _page(browser: Browser) -> Iterator[WebReader]:
    """A page of a browser that has nothing of the server yet."""
    context = browser.new_context(viewport=VIEWPORT)
    try:
        yield WebReader(context.new_page())
    finally:
        context.close()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_for_port(port: int, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while True:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > end:
            raise TimeoutError(f"nothing listens on port {port}")
        time.sleep(0.01)
