"""Take the pictures of the page in the browser that README shows: the generated sample case, nobody's data.

    .venv/bin/python Docs/tools/web_pictures.py [--states FOLDER]

With a folder, a picture of each state of the page goes there instead, to be looked at. Needs Chromium. A server of
its own is started for it, with an empty folder as a person's own.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webReader import WebReader

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "Docs" / "pictures"
sys.path.insert(0, str(ROOT / "Testing" / "harness"))

REGIONS = 1
"""How often Next is pressed."""


def main() -> int:
    """Take them."""
    from playwright.sync_api import sync_playwright

    from webReader import VIEWPORT, WebReader, launch
    from webServer import WebServer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", type=Path, help="folder for a picture of each state")
    states = parser.parse_args().states
    with tempfile.TemporaryDirectory(prefix="dualssl-pictures-") as folder, sync_playwright() as playwright:
        browser = launch(playwright)
        server = WebServer(["--no-browser"], Path(folder))
        try:
            reader = WebReader(browser.new_page(viewport=VIEWPORT))
            reader.open(server.url)
            reader.watch()
            if states is None:
                _review(reader)
            else:
                states.mkdir(parents=True, exist_ok=True)
                for number, name in enumerate(_states(reader), start=1):
                    reader.page.mouse.move(800, 2)
                    reader.be_quiet(1.5)
                    reader.page.screenshot(path=states / f"{number:02}_{name}.png")
        finally:
            server.close()
            browser.close()
    return 0


def _review(reader: WebReader) -> None:
    reader.segment()
    for _ in range(REGIONS):
        reader.click_for_frame("#review-next")
    _rest(reader)
    _save(reader.page.screenshot(), PICTURES / "web_review.png")


def _states(reader: WebReader) -> Iterator[str]:
    """Go the whole way; each time a name is given, the page shows what is called so."""
    page = reader.page

    def unfold(part: str) -> None:
        if not page.locator(f"#part-{part} .part-body").is_visible():
            page.click(f"#fold-{part}")
            page.locator(f"#part-{part} .part-body").wait_for()
        page.evaluate("part => document.getElementById(part).scrollIntoView()", f"part-{part}")

    def press(identity: str) -> None:
        page.click(f"#{identity}:not([aria-disabled=true])")

    def reads(identity: str, text: str) -> None:
        page.locator(f"#{identity}", has_text=text).wait_for()

    yield "opened"
    reader.segment()
    yield "segmented"
    press("overlay-both")
    press("review-next")
    yield "both_overlays"
    press("layout-quad")
    yield "four_views"
    press("layout-axial")
    unfold("correct")
    reader.paint()
    yield "painted"
    press("segment-button")
    page.locator("#merge-answer-0").wait_for()
    yield "merge_question"
    press("merge-cancel")
    unfold("handover")
    page.fill("#reviewer", "Reader")
    page.check("#whole-case")
    press("save-button")
    reads("save-status", "Saved as")
    yield "saved"
    unfold("worklist")
    yield "worklist"
    unfold("finetune")
    page.fill("#iterations", "6")
    page.press("#iterations", "Tab")
    page.uncheck("#prove")
    press("finetune-button")
    page.locator("#curves polyline").first.wait_for(state="attached")
    yield "training"
    reads("finetune-reason", "was not compared")
    yield "new_model"
    unfold("models")
    yield "models"


def _rest(reader: WebReader) -> None:
    """Nothing is pointed at, no button has the focus, and all pictures are as fine as they get."""
    page = reader.page
    page.mouse.move(800, 2)
    page.evaluate("() => document.getElementById('part-review').scrollIntoView()")
    page.evaluate("() => document.activeElement?.blur()")
    reader.be_quiet(1.5)


def _save(picture: bytes, path: Path) -> None:
    """With 6 bits a channel, which no eye tells from 8 and which packs better: the views are noisy."""
    with Image.open(io.BytesIO(picture)) as image:
        ImageOps.posterize(image.convert("RGB"), 6).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
