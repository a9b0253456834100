"""Someone at the page of the web front end, in a real browser: the real mouse, and the pictures that really arrive."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, Playwright

VIEWPORT = {"width": 1600, "height": 1000}
PATIENCE_MS = 120_000
UNCHANGED = "Nothing has been changed by hand."
_SEGMENT = "#segment-button:not([aria-disabled=true])"
_MEGABYTE = 1e6

# The pictures of a view come as files, each into an image that tells when it was read. What is compared is a small copy of it:
# `mean` is the mean difference of a channel (0..255) to the last picture before the mouse was pressed.
_WATCH = """() => {
  const view = document.getElementById('slice-axial').closest('.view-slider').parentElement;
  const canvas = new OffscreenCanvas(128, 128);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const watch = window.watchOfFrames = { last: null, before: null, frames: [], clicked: null, answer: null };
  const pixels = (image) => {
    context.drawImage(image, 0, 0, 128, 128);
    return context.getImageData(0, 0, 128, 128).data;
  };
  const difference = (a, b) => {
    let sum = 0;
    for (let i = 0; i < a.length; i += 1) sum += Math.abs(a[i] - b[i]);
    return sum / (0.75 * a.length);
  };
  watch.arm = (least) => {
    watch.before = watch.last ?? pixels(view.querySelector('img'));
    watch.clicked = null;
    watch.answer = new Promise((tell) => { watch.tell = tell; });
    watch.least = least;
  };
  document.addEventListener('click', (event) => { watch.clicked ??= event.timeStamp; }, true);
  view.addEventListener('load', (event) => {
    const image = event.target;
    requestAnimationFrame(() => {
      const shown = performance.now();
      const now = pixels(image);
      if (watch.last === null || difference(watch.last, now) > 0) watch.frames.push(shown);
      watch.last = now;
      if (watch.tell === undefined || watch.clicked === null) return;
      const mean = difference(watch.before, now);
      if (mean < watch.least) return;
      watch.tell({ ms: shown - watch.clicked, mean });
      watch.tell = undefined;
    });
  }, true);
}"""

_PICTURE_IS_THERE = """() => {
  const image = document.getElementById('slice-axial')?.closest('.view-slider').parentElement.querySelector('img');
  if (!image?.complete || !image.naturalWidth) return false;
  const context = new OffscreenCanvas(32, 32).getContext('2d');
  context.drawImage(image, 0, 0, 32, 32);
  return context.getImageData(0, 0, 32, 32).data.filter((value, i) => i % 4 < 3 && value > 60).length > 100;
}"""

_SEGMENTING = """() => {
  const button = document.getElementById('segment-button');
  let began = false;
  window.segmentingEnded = new Promise((tell) => {
    const look = () => {
      const runs = button.classList.contains('is-cancel');
      if (began && !runs) { observer.disconnect(); tell(true); }
      began ||= runs;
    };
    const observer = new MutationObserver(look);
    observer.observe(button, { attributes: true, attributeFilter: ['class'] });
  });
}"""


@dataclass(frozen=True)
class Answer:
    """A frame that a click brought.

    Attributes:
        seconds: from the event of the click to the view's changed picture being painted.
        difference: mean over the picture's channels, 0..255.
    """

    seconds: float
    difference: float


class WebReader:
    """One page.

    Args:
        page: empty, of a viewport like `VIEWPORT`.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)

    def open(self, url: str) -> None:
        """Go there, and wait until the page can be worked with: the image is shown, and can be segmented."""
        self.page.goto(url)
        self.page.wait_for_selector(_SEGMENT)
        self.page.wait_for_function(_PICTURE_IS_THERE, polling=50)

    def segment(self) -> None:
        """Press the button and wait for the result."""
        self.page.evaluate(_SEGMENTING)
        self.page.click(_SEGMENT)
        self.page.evaluate("() => window.segmentingEnded")
        self.page.wait_for_selector("#region-table tbody tr")

    def paint(self) -> None:
        """One stroke with the brush where nothing is segmented, and wait until it counts."""
        # All of the image: a jump to a region may have left none of it where the stroke goes.
        self.page.click("#reset-axial")
        self.page.click("#tool-paint")
        left, top, width, height = self.axial()
        x, y = left + 0.15 * width, top + 0.5 * height
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + 60, y + 20, steps=8)
        self.page.mouse.up()
        self._wait_for_summary(lambda text: text.endswith("changed by hand"))

    def undo(self) -> None:
        """Take the stroke back, and put the brush away."""
        self.page.click("#undo:not([aria-disabled=true])")
        self._wait_for_summary(lambda text: text == UNCHANGED)
        self.page.click("#tool-no-tool")

    def watch(self) -> None:
        """Look at the axial view's pictures from now on."""
        self.page.evaluate(_WATCH)

    def click_for_frame(self, selector: str, least: float = 0.5, seconds: float = 5.0) -> Answer | None:
        """Click, and wait for the axial view's next picture that differs; None where none does.

        Args:
            selector: of what is clicked.
            least: mean difference that counts as a change.
            seconds: how long to wait.
        """
        self.be_quiet()
        self.page.evaluate("least => window.watchOfFrames.arm(least)", least)
        self.page.click(selector)
        answer = self.page.evaluate(
            "ms => Promise.race([window.watchOfFrames.answer, new Promise((tell) => setTimeout(tell, ms, null))])",
            1000 * seconds,
        )
        return None if answer is None else Answer(answer["ms"] / 1000, answer["mean"])

    def be_quiet(self, seconds: float = 0.7) -> None:
        """Wait until no picture has come for so long: each is followed by a finer one."""
        self.page.evaluate(
            """async (ms) => {
              const frames = window.watchOfFrames.frames;
              const start = performance.now();
              const quiet = () => performance.now() - Math.max(start, frames.at(-1) ?? 0);
              while (quiet() < ms) await new Promise((go) => setTimeout(go, 50));
            }""",
            1000 * seconds,
        )

    def drag_opacity(self, seconds: float) -> list[float]:
        """Move the slider to and fro, and return when each new picture of the axial view was painted, in seconds."""
        thumb = self.page.locator(".v-slider:has(#opacity) .v-slider-thumb")
        thumb.scroll_into_view_if_needed()
        track = self.page.locator(".v-slider:has(#opacity) .v-slider-track").bounding_box()
        box = thumb.bounding_box()
        if track is None or box is None:
            raise RuntimeError("the page has no slider for the opacity")
        y = box["y"] + box["height"] / 2
        self.be_quiet()
        self.page.mouse.move(box["x"] + box["width"] / 2, y)
        self.page.mouse.down()
        self.page.evaluate("() => { window.watchOfFrames.frames.length = 0; }")
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < seconds:
            # To and fro in two seconds, between a tenth and nine tenths.
            share = abs(passed % 2.0 - 1.0)
            self.page.mouse.move(track["x"] + (0.1 + 0.8 * share) * track["width"], y)
            time.sleep(0.01)
        frames: list[float] = self.page.evaluate("() => window.watchOfFrames.frames.slice()")
        self.page.mouse.up()
        return [at / 1000 for at in frames]

    def axial(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the axial view."""
        box: list[float] = self.page.evaluate(
            "() => { const r = document.getElementById('slice-axial').closest('.view-slider').parentElement"
            ".getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }"
        )
        return box[0], box[1], box[2], box[3]

    def _wait_for_summary(self, holds: Callable[[str], bool]) -> None:
        end = time.monotonic() + PATIENCE_MS / 1000
        while not holds(text := self.page.inner_text("#edit-summary")):
            if time.monotonic() > end:
                raise TimeoutError(f"the page still says: {text}")
            self.page.wait_for_timeout(20)


def launch(playwright: Playwright) -> Browser:
    """Start Chromium as the system has it.

    Raises:
        SystemExit: it is not installed.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SystemExit("Chromium is not installed: install the package chromium.")
    # Chromium keeps its own sandbox from root.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=path, args=arguments)


def processor_seconds(process: psutil.Process) -> float:
    """Of a process, over all its threads."""
    times = process.cpu_times()
    return float(times.user + times.system)


def memory_of(server: psutil.Process) -> dict[str, float]:
    """Resident memory in MB: of the server, of the processes below it (the engine), and of all."""
    own = server.memory_info().rss / _MEGABYTE
    engine = 0.0
    for child in server.children(recursive=True):
        engine += _resident(child)
    return {"server": round(own, 1), "engine": round(engine, 1), "all": round(own + engine, 1)}


def _resident(process: Any) -> float:
    try:
        return float(process.memory_info().rss / _MEGABYTE)
    except psutil.NoSuchProcess:
        return 0.0
