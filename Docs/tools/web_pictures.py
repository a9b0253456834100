"""Take the pictures of the page in the browser that README shows: the generated sample case, nobody's data.

    .venv/bin/python Docs/tools/web_pictures.py

Needs Chromium. A server of its own is started for it, with an empty folder as a person's own.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

if TYPE_CHECKING:
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

    with tempfile.TemporaryDirectory(prefix="dualssl-pictures-") as folder, sync_playwright() as playwright:
        browser = launch(playwright)
        server = WebServer(["--no-browser"], Path(folder))
        try:
            reader = WebReader(browser.new_page(viewport=VIEWPORT))
            reader.open(server.url)
            reader.segment()
            reader.watch()
            for _ in range(REGIONS):
                reader.click_for_frame("#review-next")
            _rest(reader)
            _save(reader.page.screenshot(), PICTURES / "web_review.png")
        finally:
            server.close()
            browser.close()
    return 0


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
